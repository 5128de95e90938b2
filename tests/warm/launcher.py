"""`launcher.py SOCKET (-m MODULE | SCRIPT) …`: stands for a program that the server forks."""

import marshal
import os
import signal
import socket
import sys

PASSED_ON = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)


def main() -> None:
    """Have the program forked, pass signals on, end as it ends."""
    early: list[int] = []
    pid = 0

    def pass_on(number: int, _: object) -> None:
        if pid:
            os.kill(pid, number)
        else:
            early.append(number)

    for number in PASSED_ON:
        signal.signal(number, pass_on)
    read, _lifeline = os.pipe()  # its other end closes with this process, however that ends
    line = socket.socket(socket.AF_UNIX)
    line.connect(sys.argv[1])
    asked = marshal.dumps((sys.argv[2:], os.getcwd(), dict(os.environ)))  # noqa: PTH109
    socket.send_fds(line, [len(asked).to_bytes(4, "big")], [0, 1, 2, read])
    line.sendall(asked)
    os.close(read)
    for descriptor in (0, 1, 2):  # who reads the program's output waits for the program alone
        os.close(descriptor)
    pid = int.from_bytes(line.recv(4), "big")
    for late in early:
        os.kill(pid, late)
    status = int.from_bytes(line.recv(4), "big", signed=True)
    if status < 0:
        signal.signal(-status, signal.SIG_DFL) if -status != signal.SIGKILL else None
        os.kill(os.getpid(), -status)
    os._exit(status)


main()
