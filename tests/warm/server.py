"""`server.py SOCKET`: imports the bot once and forks a program for each launcher that asks.

Ends when its standard input does. Single-threaded: nothing runs while it forks.
"""

import atexit
import fcntl
import gc
import importlib
import io
import marshal
import os
import pkgutil
import runpy
import selectors
import signal
import socket
import sys
import threading
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

STOPS = (signal.SIGHUP, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)


def preload() -> None:
    """Import all of the bot, and with it what it uses."""
    import bot

    for module in pkgutil.walk_packages(bot.__path__, "bot."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    from bot.wiring.kernels import choose

    choose("auto")  # compiled here once, and chosen by each program that wants them
    choose("numpy")
    gc.collect()
    gc.freeze()


def serve(address: str) -> None:
    """Fork a program for each connection and tell its end."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen(64)
    os.write(1, b"ready\n")
    ready = selectors.DefaultSelector()
    ready.register(0, selectors.EVENT_READ)
    ready.register(listener, selectors.EVENT_READ)
    running: dict[int, tuple[int, socket.socket]] = {}
    while True:
        for key, _ in ready.select():
            if key.fd == 0:
                return
            if key.fileobj is listener:
                line = listener.accept()[0]
                pid = _forked(line)
                line.send(pid.to_bytes(4, "big"))
                ended = os.pidfd_open(pid)
                running[ended] = (pid, line)
                ready.register(ended, selectors.EVENT_READ)
            else:
                pid, line = running.pop(key.fd)
                ready.unregister(key.fd)
                os.close(key.fd)
                code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                with suppress(ConnectionError):  # the launcher was killed, and the program with it
                    line.send(code.to_bytes(4, "big", signed=True))
                line.close()


def _forked(line: socket.socket) -> int:
    """Return the number of the child that becomes the program asked for."""
    size, descriptors, _, _ = socket.recv_fds(line, 4, 4)
    left, parts = int.from_bytes(size, "big"), []
    while left:
        parts.append(line.recv(left))
        left -= len(parts[-1])
    words, folder, environ = marshal.loads(b"".join(parts))
    pid = os.fork()
    if not pid:
        code = 1
        try:
            _settle(descriptors, folder, environ)
            code = _run(words)
        except BaseException:  # noqa: BLE001  nothing may go on as the server
            traceback.print_exc()
        finally:
            os._exit(code)
    for descriptor in descriptors:
        os.close(descriptor)
    return pid


def _settle(descriptors: list[int], folder: str, environ: dict[str, str]) -> None:
    """Take over what the launcher was given."""
    *streams, lifeline = descriptors
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
    os.dup2(lifeline, 3)
    os.closerange(4, 1_024)  # of the server: its listener, its other programs
    fcntl.fcntl(3, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(3, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(3, fcntl.F_SETFL, fcntl.fcntl(3, fcntl.F_GETFL) | os.O_ASYNC | os.O_NONBLOCK)
    with suppress(BlockingIOError):
        os.read(3, 1)
        os._exit(1)  # the launcher has ended before the kernel was told to watch it
    for number in STOPS:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    time.tzset()
    at_once = bool(environ.get("PYTHONUNBUFFERED"))
    sys.stdin = _stream(0, "r")
    sys.stdout = _stream(1, "w", at_once=at_once)
    sys.stderr = _stream(2, "w", at_once=True, errors="backslashreplace")


def _stream(
    descriptor: int, mode: str, *, at_once: bool = False, errors: str = "strict"
) -> io.TextIOWrapper:
    return io.TextIOWrapper(
        open(descriptor, f"{mode}b", closefd=False),
        encoding="utf-8",
        errors=errors,
        line_buffering=os.isatty(descriptor),
        write_through=at_once,
    )


def _run(words: list[str]) -> int:
    """Run a module (`-m NAME …`) or a script as the interpreter would, and return its exit code."""
    code: Any = 0
    try:
        if words[0] == "-m":
            sys.argv = words[1:]
            sys.path.insert(0, str(Path.cwd()))
            runpy.run_module(words[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv = words
            sys.path.insert(0, str(Path(words[0]).parent))
            runpy.run_path(words[0], run_name="__main__")
    except SystemExit as asked:
        code = asked.code
    except KeyboardInterrupt:
        traceback.print_exc()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    except BaseException:  # noqa: BLE001  as the interpreter does
        traceback.print_exc()
        code = 1
    if code is not None and not isinstance(code, int):
        sys.stderr.write(f"{code}\n")
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]  # as the interpreter does
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    return int(code or 0)


if __name__ == "__main__":
    sys.path[0] = str(Path.cwd())
    preload()
    serve(sys.argv[1])
