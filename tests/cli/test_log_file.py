"""The log file of a paper run, as a user sets it: rotated, private, not felt when it is full."""

import json
import stat

import pytest

from tests.processes.disk import NotPermittedError, tiny_disk

RUN = ("paper", "--for", "6m", "--speed", "max", "--json")


def setting(**values):
    """Return the options that set values of [logs]."""
    return [word for k, v in values.items() for word in ("--set", f"logs.{k}={json.dumps(v)}")]


def summary(done):
    """Return the last line that a run printed."""
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_lines_are_kept_beside_the_terminal_and_name_their_run(deltaband, tmp_path):
    """Of the level that is asked for, in files of their own size, private, one for an instance."""
    file = str(tmp_path / "logs" / "{instance}.jsonl")
    done = deltaband(*RUN, *setting(file=file, level="debug", max_mb=0.1, keep=2))
    found = summary(done)
    assert "log_lines_failed" not in found
    assert done.stderr == ""
    made = sorted((tmp_path / "logs").iterdir())
    assert made[0].name == "demo.jsonl"
    assert all(path.stat().st_size <= 100_000 for path in made)
    assert {stat.S_IMODE(path.stat().st_mode) for path in made} == {0o600}
    lines = [json.loads(line) for path in made[::-1] for line in path.read_text().splitlines()]
    assert [lines[0]["event"], lines[-1]["event"]] == ["run.started", "run.finished"]
    assert {(line["instance"], line["run"]) for line in lines} == {("demo", 1)}
    assert sum(line["event"] == "order.intended" for line in lines) == found["orders"]


def test_a_run_ends_well_with_its_log_disk_full(deltaband, tmp_path):
    """Same orders, exit code 0; the loss is told once, and in the summary."""
    plain = summary(deltaband(*RUN))
    folder = tmp_path / "disk"
    folder.mkdir()
    try:
        with tiny_disk(folder, 64 << 10):
            (folder / "ballast").write_bytes(b"x" * (60 << 10))
            sets = setting(file=str(folder / "bot.jsonl"), level="debug")
            done = deltaband(*RUN, "-v", *sets)
    except NotPermittedError as error:
        pytest.skip(f"no small file system here: {error}")
    found = summary(done)
    assert found.pop("log_lines_failed") > 10
    assert found == plain
    said = [json.loads(line)["event"] for line in done.stderr.splitlines()]
    assert said.count("log.failing") == 1


def test_a_file_that_cannot_be_opened_is_told_and_does_not_stop_a_run(deltaband, tmp_path):
    """A folder that is a file, say."""
    (tmp_path / "plain").touch()
    done = deltaband(*RUN, *setting(file=str(tmp_path / "plain" / "bot.jsonl")))
    assert summary(done)["log_lines_failed"] > 0
    (told,) = [json.loads(line) for line in done.stderr.splitlines()]
    assert (told["event"], told["level"]) == ("log.failing", "error")
    assert "Not a directory" in told["found"]


def test_a_level_that_does_not_exist_is_refused(deltaband):
    """As any setting is."""
    done = deltaband(*RUN, *setting(level="loud"))
    assert done.returncode == 2
    assert "logs.level" in done.stderr


def test_a_secret_of_the_environment_is_in_no_line(deltaband, tmp_path):
    """Not even as a part of a path that is told."""
    canary = "kA9xZq7canary"
    (tmp_path / canary).touch()
    file = str(tmp_path / canary / "bot.jsonl")
    keys = {"DELTABAND_DERIBIT_KEY": "id-of-a-key", "DELTABAND_DERIBIT_SECRET": canary}
    done = deltaband(*RUN, "-v", *setting(file=file), **keys)
    assert done.returncode == 0
    assert "log.failing" in done.stderr
    assert "[redacted]" in done.stderr
    assert "canary" not in done.stderr
