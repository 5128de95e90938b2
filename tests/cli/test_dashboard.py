"""`dashboard` and the one that `paper` starts: where they are, who may come, how they end."""

import json
import re
import signal
import socket
import sqlite3
import threading
import time
import urllib.request
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.cli.conftest import fill_journal

PAPER = ("paper", "--for", "20m", "--set", "kernels=numpy")


def comes(good, seconds=30.0):
    """Return what `good` returns once it is true."""
    deadline = time.monotonic() + seconds
    while not (found := good()):
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)
    return found


def answers(url):
    """Return what a page says, None while nobody answers."""
    with suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
        return answer.read().decode()
    return None


def told(process):
    """Return the address that a run says on stderr."""
    for line in process.stderr:
        if found := re.search(r"dashboard: (http://\S+)", line):
            return found[1]
    raise AssertionError("no address was said")


def stat(pid):
    """Return what the kernel says of a process: its state first, then its parent."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()


def gone(pid):
    """Tell whether a process has ended."""
    try:
        return stat(pid)[0] == "Z"
    except OSError:
        return True


def child_of(pid):
    """Return the dashboard that a run has started, None while there is none."""
    for entry in Path("/proc").iterdir():
        with suppress(OSError, IndexError):
            ours = entry.name.isdigit() and int(stat(entry.name)[1]) == pid
            if ours and b"bot.monitor.dashboard" in (entry / "cmdline").read_bytes():
                return int(entry.name)
    return None


def test_it_says_where_it_is_and_ends_with_a_signal(deltaband):
    """One JSON object, a page, a clean end."""
    fill_journal(deltaband.state)
    process = deltaband.start("dashboard", "--listen", "127.0.0.1:0", "--json")
    try:
        said = json.loads(process.stdout.readline())
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", said["url"])
        assert "deltaband" in comes(lambda: answers(said["url"]))
    finally:
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, "")


def test_people_are_told_in_words(deltaband):
    """A line with the address."""
    process = deltaband.start("dashboard", "--listen", "127.0.0.1:0", "--instance", "demo")
    line = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert re.fullmatch(r"dashboard: http://127\.0\.0\.1:\d+/\n", line)


def test_beyond_this_machine_it_needs_a_word(deltaband):
    """From the command line as from settings."""
    done = deltaband("dashboard", "--listen", "0.0.0.0:0")
    assert done.returncode == 2
    assert "dashboard.token_file: expected a file, because 0.0.0.0:0 is not loopback" in done.stderr


def test_a_word_that_others_can_read_is_refused(deltaband, tmp_path):
    """Its file is checked like every secret's."""
    file = tmp_path / "token"
    file.write_text("correct-horse-battery\n")
    file.chmod(0o644)
    done = deltaband("dashboard", "--listen", "0.0.0.0:0", "--set", f"dashboard.token_file={file}")
    assert done.returncode == 2
    assert "0600" in done.stderr
    assert "correct-horse" not in done.stderr


def test_an_address_that_is_taken_is_said(deltaband):
    """Not a traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = deltaband("dashboard", "--listen", f"127.0.0.1:{port}")
    assert done.returncode == 1
    assert f"expected a free address for the dashboard, found 127.0.0.1:{port}" in done.stderr


@pytest.mark.parametrize("address", ["8787", "127.0.0.1", "127.0.0.1:70000", "::1:80", "a b:1"])
def test_what_is_no_address_is_refused(deltaband, address):
    """With an example of one."""
    done = deltaband("dashboard", "--listen", address)
    assert done.returncode == 2
    assert "expected an address such as 127.0.0.1:8787" in done.stderr


def started(deltaband):
    """Start a paper run in an interpreter of its own, whose descriptors are all its own."""
    program = f"import sys; from bot.cli import main; sys.exit(main({[*map(str, PAPER)]!r}))"
    return deltaband.start_program(program)


def test_a_paper_run_has_a_page_that_ends_with_it(deltaband):
    """The address is there before anything else is said."""
    run = started(deltaband)
    try:
        url = told(run)
        assert "deltaband" in comes(lambda: answers(url))
    finally:
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=60)
    assert run.returncode == 0
    assert answers(url) is None


def test_the_page_of_a_run_that_is_killed_ends_too(deltaband):
    """Nobody is left to say so: the pipe closes."""
    run = deltaband.start_program(
        f"import sys; from bot.cli import main;sys.exit(main({[*map(str, PAPER)]!r}))"
    )
    try:
        url = told(run)
        child = comes(lambda: child_of(run.pid))
        comes(lambda: answers(url))
    finally:
        run.kill()
        run.communicate(timeout=60)
    comes(lambda: gone(child), 15.0)
    assert answers(url) is None


def test_ten_readers_do_not_change_a_single_order(deltaband):
    """Watched at sixty market seconds a second, or alone as fast as it goes: the same digest."""
    asked = ("paper", "--for", "4m", "--seed", "7", "--set", "kernels=numpy")
    alone = deltaband.json(*asked, "--speed", "max")["digest"]
    run = deltaband.start_program(
        f"import sys; from bot.cli import main; sys.exit(main({[*asked]!r}))"
    )
    heard: list[int] = []

    def listen(url):
        with urllib.request.urlopen(f"{url}stream", timeout=30) as stream, suppress(OSError):
            heard.extend(map(len, stream))

    url = told(run)
    comes(lambda: answers(url))
    readers = [threading.Thread(target=listen, args=(url,)) for _ in range(10)]
    for reader in readers:
        reader.start()
    run.communicate(timeout=60)
    for reader in readers:
        reader.join(30)
    assert run.returncode == 0
    assert len(heard) > 20
    with closing(sqlite3.connect(deltaband.state / "demo" / "journal.sqlite")) as db:
        assert db.execute("SELECT digest FROM runs").fetchall() == [(alone,), (alone,)]


@pytest.mark.parametrize(
    "more",
    [("--no-dashboard", "--speed", "6000"), ("--speed", "max"), ("--json", "--speed", "6000")],
)
def test_no_page_is_started_where_nobody_would_look(deltaband, more):
    """Asked not to; too fast to follow; for a program."""
    done = deltaband("paper", "--for", "1m", "--set", "kernels=numpy", *more)
    assert done.returncode == 0
    assert "dashboard" not in done.stderr


def test_a_run_goes_on_where_no_page_can_be_started(deltaband):
    """What is only looked at is never missed."""
    program = (
        "import sys, subprocess; from bot.cli import main\n"
        "def refuse(*a, **k): raise OSError('no more processes')\n"
        "subprocess.Popen = refuse\n"
        "sys.exit(main(['paper', '--for', '1m', '--speed', '600', '--set', 'kernels=numpy']))"
    )
    run = deltaband.start_program(program)
    _, err = run.communicate(timeout=60)
    assert (run.returncode, "dashboard" in err) == (0, False)


def test_junk_over_http_is_answered_and_fills_no_log(deltaband, tmp_path):
    """What a browser would never send is a 400 without a line."""
    word = tmp_path / "word"
    word.write_text("a-word-of-a-dashboard", encoding="utf-8")
    word.chmod(0o600)
    sets = ("--set", f"dashboard.token_file={word}", "--listen", "127.0.0.1:0")
    page = deltaband.start("dashboard", "--json", *sets)
    port = int(json.loads(page.stdout.readline())["url"].rstrip("/").rpartition(":")[2])
    comes(lambda: answers(f"http://127.0.0.1:{port}/"))
    form = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 7\r\n"
    kind = b"Content-Type: application/x-www-form-urlencoded"
    for request in (
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 20_000 + b"\r\n\r\n",
        form + kind + b"\r\n\r\ntoken=\xff",
        form + kind + b"; charset=nonsense\r\n\r\ntoken=a",
    ):
        with socket.create_connection(("127.0.0.1", port), timeout=20.0) as one:
            one.sendall(request)
            assert one.recv(200).split(b" ")[1] == b"400", request
    page.send_signal(signal.SIGTERM)
    assert page.communicate(timeout=60) == ("", "")
