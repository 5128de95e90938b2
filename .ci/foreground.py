"""Run a command so that Ctrl-C is its own, not that of the make above it.

    foreground.py COMMAND [ARGUMENT]...

make dies of the Ctrl-C that the daemon answers by closing cleanly, and would report an interrupt
where all is well. In the foreground of a terminal the command therefore gets a process group of its
own; anywhere else it simply replaces this process. The exit code is the command's.
"""

import os
import signal
import sys


def owns_terminal() -> bool:
    """Return whether standard input is a terminal whose foreground is this process group."""
    return os.isatty(0) and os.tcgetpgrp(0) == os.getpgrp()


def supervise(command: list[str]) -> int:
    """Run the command in the terminal's foreground, pass signals on, and return its exit code."""
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        os.tcsetpgrp(0, os.getpgrp())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        signal.signal(signal.SIGTSTP, signal.SIG_IGN)  # make could not be told that it sleeps
        os.execvp(command[0], command)
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, lambda received, _frame: os.kill(child, received))
    _, status = os.waitpid(child, 0)
    os.tcsetpgrp(0, os.getpgrp())
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def main() -> None:
    """Run the command that the arguments name."""
    command = sys.argv[1:]
    if not command:
        sys.exit("expected a command to run, found none")
    if owns_terminal():
        sys.exit(supervise(command))
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
