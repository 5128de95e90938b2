"""The reader and runner of README's commands."""

import os
import re
import sys

import pytest

SHOWN = """
# A product

```console
$ git clone ADDRESS deltaband && cd deltaband
$ make paper            # Ctrl-C ends it
delta 0.21 -> 0.00
$ make test
```

```python
$ not a command
```

```sh
$ deltaband paper --for 6h \\
    --speed max --market replay:x   # needs recorded data
$ deltaband pause --who me  # needs a running bot
$ deltaband status --json
```

    $ indented text is no command
"""


def test_commands_are_read_in_their_order(readme):
    """Output, other languages and plain text are left out; a backslash continues."""
    assert readme.commands(SHOWN) == [
        readme.Command("git clone ADDRESS deltaband && cd deltaband"),
        readme.Command("make paper            # Ctrl-C ends it"),
        readme.Command("make test"),
        readme.Command("deltaband paper --for 6h --speed max --market replay:x", "recorded data"),
        readme.Command("deltaband pause --who me", "running bot"),
        readme.Command("deltaband status --json"),
    ]


@pytest.mark.parametrize(
    "text,daemon",
    [
        ("make paper", True),
        ("make paper   # Ctrl-C ends it", True),
        ('make paper ARGS="--for 6h --speed max"', False),
        (".venv/bin/deltaband paper --speed 10", True),
        ("deltaband paper --help", False),
        ("deltaband plan", False),
        ("make test", False),
        ("echo paper", False),
    ],
)
def test_a_daemon_is_a_verb_that_runs_until_it_is_stopped(readme, text, daemon):
    """Only a daemon is given a terminal and Ctrl-C."""
    assert readme.Command(text).is_daemon is daemon


def test_what_a_machine_lacks_is_named(readme, monkeypatch, tmp_path):
    """Recorded data and programs are looked for; what is there is not lacking."""
    monkeypatch.delenv("DELTABAND_DATA", raising=False)
    assert readme.lacking("recorded data") == "recorded data"
    monkeypatch.setenv("DELTABAND_DATA", str(tmp_path))
    assert readme.lacking("recorded data") == ""
    assert readme.lacking("no-such-program") == "no-such-program"
    assert readme.lacking("make") == ""
    assert readme.lacking("") == ""


def test_every_command_runs_and_a_failure_is_counted(readme, monkeypatch, tmp_path, capfd):
    """The summary names each command's fate, and what comes after a failure still runs."""
    monkeypatch.delenv("DELTABAND_DATA", raising=False)
    found = [
        readme.Command("cd deltaband"),
        readme.Command("echo first > made"),
        readme.Command("test -f missing"),
        readme.Command("cat made", "recorded data"),
        readme.Command("cat made   # a remark"),
    ]
    assert readme.run_all(found, dict(os.environ), tmp_path) == 1
    summary = re.findall(r"^  (ok|FAILED|skipped)", capfd.readouterr().out, re.MULTILINE)
    assert summary == ["skipped", "ok", "FAILED", "skipped", "ok"]


def test_a_command_that_was_run_before_is_not_run_again(readme, tmp_path, capfd):
    """It is named in the summary all the same."""
    found = [readme.Command("touch made"), readme.Command("touch other")]
    assert readme.run_all(found, dict(os.environ), tmp_path, "touch made") == 0
    assert "skipped  ran before" in capfd.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


@pytest.mark.parametrize("code", [0, 3])
def test_a_daemon_is_stopped_by_ctrl_c_and_its_code_counts(readme, monkeypatch, tmp_path, code):
    """The daemon is given its while once the environment is there, then typed at."""
    monkeypatch.setattr(readme, "DAEMON_S", 0.5)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / ".runtime").touch()
    (tmp_path / "daemon.py").write_text(
        "import signal, sys, time\n"
        f"signal.signal(signal.SIGINT, lambda *_: sys.exit({code}))\n"
        "print('running', flush=True)\n"
        "time.sleep(60)\n",
        encoding="utf-8",
    )
    daemon = readme.Command(f"{sys.executable} daemon.py")
    assert readme.run_until_ctrl_c(daemon, dict(os.environ), tmp_path) == code


def test_a_daemon_that_does_not_listen_is_killed_and_fails(readme, monkeypatch, tmp_path):
    """A daemon that ignores Ctrl-C does not hold up the checks."""
    monkeypatch.setattr(readme, "DAEMON_S", 0.2)
    monkeypatch.setattr(readme, "CLOSING_S", 1.0)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / ".runtime").touch()
    deaf = readme.Command("trap '' INT HUP; for i in 1 2 3 4 5 6; do sleep 1; done")
    assert readme.run_until_ctrl_c(deaf, dict(os.environ), tmp_path) == -9
