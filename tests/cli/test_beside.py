"""What a process beside a daemon is given, and that it ends with the daemon however that ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bot.cli.beside import Beside, found_from

TOP = Path(__file__).parents[2]
ENVIRON = {
    "HOME": "/home/desk",
    "DELTABAND_DERIBIT_KEY": "k",
    "DELTABAND_DERIBIT_SECRET_FILE": "/s",
    "DELTABAND_DERIBIT_SUB_1_SECRET": "s",
    "DELTABAND_MQTT_PASSWORD": "p",
    "DELTABAND__UNDERLYING__BTC__DELTA__UPPER": "0.2",
}


def test_the_monitor_has_the_settings_and_no_key_of_an_exchange():
    """It has to log in at the broker, and nowhere else."""
    kept = found_from(ENVIRON)
    assert set(kept) - {"PYTHONPATH", "OMP_NUM_THREADS"} == {
        "HOME",
        "DELTABAND_MQTT_PASSWORD",
        "DELTABAND__UNDERLYING__BTC__DELTA__UPPER",
    }


def test_a_page_has_nothing_of_what_the_program_is_told():
    """It answers browsers."""
    kept = found_from(ENVIRON | {"PYTHONPATH": "/mine"}, settings=False)
    assert set(kept) == {"HOME", "PYTHONPATH", "OMP_NUM_THREADS"}
    assert kept["PYTHONPATH"].endswith(f"{os.pathsep}/mine")


@pytest.fixture
def program(tmp_path):
    """Return a module that waits for the end of its standard input, or for ever."""
    (tmp_path / "waits.py").write_text(
        "import sys, time, pathlib\n"
        "sys.stdin.read()\n"
        "pathlib.Path(sys.argv[1]).write_text('heard')\n"
        "time.sleep(float(sys.argv[2]))\n",
        encoding="utf-8",
    )
    return {"PYTHONPATH": str(tmp_path), "PATH": os.environ["PATH"]}


def test_it_hears_that_its_daemon_is_done_and_says_its_last_word(program, tmp_path):
    """The pipe closes; it ends by itself."""
    one = Beside.start("waits", str(tmp_path / "word"), "0.2", env=program)
    assert one.process.poll() is None
    one.end(20.0)
    assert (tmp_path / "word").read_text(encoding="utf-8") == "heard"
    assert one.process.returncode == 0


def test_one_that_takes_too_long_is_killed(program, tmp_path):
    """A daemon's own end does not hang on it."""
    one = Beside.start("waits", str(tmp_path / "word"), "600", env=program)
    one.end(1.0)
    assert one.process.returncode == -9


def test_it_hears_that_its_daemon_was_killed(program, tmp_path):
    """Nobody closes the pipe but the kernel."""
    word = tmp_path / "word"
    dies = (
        "import os; from bot.cli.beside import Beside;"
        f" Beside.start('waits', {str(word)!r}, '0', env={program!r}); os.kill(os.getpid(), 9)"
    )
    own = os.environ | {"PYTHONPATH": str(TOP)}
    done = subprocess.run([sys.executable, "-c", dies], env=own, check=False)
    assert done.returncode == -9
    for _ in range(2_000):
        if word.exists():
            break
        time.sleep(0.01)
    assert word.read_text(encoding="utf-8") == "heard"


def test_a_monitor_that_hangs_is_awaited_aloud_and_no_longer_than_a_person_wants(program, tmp_path):
    """After a while it says what it waits for; from then on Ctrl-C ends that."""
    code = (
        "from bot.cli import stops; from bot.cli.beside import Beside; import signal;"
        f" stops.on_stop(signal.SIG_IGN); one = Beside.start('waits', {str(tmp_path / 'word')!r},"
        f" '600', env={program!r}); one.end(600.0); print(one.process.returncode)"
    )
    own = os.environ | {"PYTHONPATH": str(TOP)}
    run = subprocess.Popen(
        [sys.executable, "-c", code],
        env=own,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert run.stderr is not None
    assert "598 s at most" in run.stderr.readline()
    for _ in range(600):  # the first may come an instant before it is listened for
        if run.poll() is not None:
            break
        run.send_signal(signal.SIGINT)
        time.sleep(0.05)
    else:
        run.kill()
    out, _ = run.communicate()
    assert (out, run.returncode) == ("-9\n", 0)
