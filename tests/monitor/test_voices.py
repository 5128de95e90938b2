"""A terminal and a file as one voice: the failure of one is told on the other."""

import io
import json
import logging
import os
import warnings
from pathlib import Path

import pytest
from aiohttp.http_exceptions import BadStatusLine
from aiohttp.web_protocol import RequestPayloadError

from bot.monitor import LogFile, Logs, Screen, Voices
from tests.journal.records import decision, hedge_done, intent


class Failing(LogFile):
    """A log file on a disk that is full for a while."""

    full = False

    def put(self, line: str) -> None:
        """Write, or fail as a full disk does."""
        if self.full:
            raise OSError(28, "No space left on device")
        super().put(line)


def lines(text: str) -> list[dict]:
    """Return JSON lines."""
    return [json.loads(line) for line in text.splitlines()]


def voices(folder: Path, shown: Logs | Screen, *, wait: bool = True) -> tuple[Voices, Failing]:
    """Return voices with a file in a folder."""
    file = Failing(folder / "bot.jsonl", max_bytes=1 << 20, keep=1)
    return Voices(shown, Logs(file, lowest="debug", wait=wait), str(file.path)), file


def test_the_file_has_every_level_and_the_terminal_its_own(tmp_path):
    """Both are JSON where nobody watches."""
    stream = io.StringIO()
    both, _ = voices(tmp_path, Logs(stream, wait=True))
    for item in (decision(), intent(), hedge_done()):
        both.tell(item)
    both.finish({"orders": 1})
    both.close()
    kept = lines((tmp_path / "bot.jsonl").read_text())
    assert [line["event"] for line in lines(stream.getvalue())] == ["hedge.done", "run.finished"]
    assert [line["event"] for line in kept] == [
        *("hedge.decided", "order.intended", "hedge.done", "run.finished")
    ]
    assert kept[-1]["summary"] == {"orders": 1}


def test_a_full_disk_is_told_once_on_the_other_voice_and_again_when_it_is_over(tmp_path):
    """With how many lines are missing, which the file itself says as well."""
    stream = io.StringIO()
    both, file = voices(tmp_path, Logs(stream, wait=True))
    both.tell(hedge_done(1))
    file.full = True
    for number in range(5):
        both.tell(hedge_done(number))
    file.full = False
    for number in range(20):
        both.tell(hedge_done(number))
    both.finish({})
    told = [line for line in lines(stream.getvalue()) if line["event"].startswith("log.")]
    assert [(line["event"], line["level"]) for line in told] == [
        *(("log.failing", "error"), ("log.recovered", "warning"))
    ]
    assert "No space left on device" in told[0]["found"]
    assert (told[1]["failed"], told[1]["dropped"]) == (5, 0)
    kept = lines((tmp_path / "bot.jsonl").read_text())
    assert [line["event"] for line in kept].count("log.recovered") == 1
    assert kept[-1]["summary"] == {"log_lines_failed": 5}
    assert both.lost() == {"log_lines_failed": 5}


def test_a_screen_tells_of_a_file_that_cannot_be_written(tmp_path):
    """And its closing table has the count."""
    stream = io.StringIO()
    (tmp_path / "bot.jsonl").mkdir()
    both, _ = voices(tmp_path, Screen(stream, wait=True))
    both.tell(hedge_done())
    both.finish({"orders": 1})
    assert "log.failing" in stream.getvalue()
    assert "Is a directory" in stream.getvalue()
    assert "log lines that could not be written" in stream.getvalue()


def test_a_file_is_written_from_a_thread_whole_and_closed(tmp_path):
    """Whoever comes next can have it at once."""
    both, _ = voices(tmp_path, Logs(io.StringIO()), wait=False)
    for number in range(500):
        both.tell(hedge_done(number))
    both.close()
    assert len(lines((tmp_path / "bot.jsonl").read_text())) == 500
    voices(tmp_path, Logs(io.StringIO()))[1].put("{}")


@pytest.mark.filterwarnings("default")
def test_what_libraries_log_is_told_until_the_voices_close():
    """Loggers, warnings of Python, and nobody's handler is lost."""
    stream, root = io.StringIO(), logging.getLogger()
    before = list(root.handlers)
    both = Voices(Logs(stream, wait=True, secrets=["hunter2-canary"]))
    both.capture()
    try:
        logging.getLogger("ccxt").error("header %s", "hunter2-canary")
        logging.getLogger("aiohttp.client").info("not this")
        warnings.warn("deprecated", stacklevel=1)
    finally:
        both.close()
    logging.getLogger("ccxt").error("too late")
    found = lines(stream.getvalue())
    assert [(line["event"], line["logger"]) for line in found] == [
        *(("library.logged", "ccxt"), ("library.logged", "py.warnings"))
    ]
    assert found[0]["message"] == "header [redacted]"
    assert root.handlers == before


def test_a_process_may_end_while_its_file_is_stuck(tmp_path):
    """A disk that does not answer holds nobody up for more than the moment that is granted."""
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    with (tmp_path / "pipe").open("w") as stuck:
        logs = Logs(stuck, lowest="debug")
        for number in range(3_000):
            logs.tell(hedge_done(number))
        logs.sink.close(0.05)
        assert logs.sink.dropped > 0
    os.close(reader)


def failed(error: Exception) -> None:
    """Have the HTTP server log what a request met."""
    try:
        raise error
    except type(error):
        logging.getLogger("aiohttp.server").exception("Error handling request")


def test_strangers_fill_no_log(monkeypatch):
    """Requests that are none are no news; what else one meets is told once a minute by its kind."""
    clock = {"s": 1e6}
    monkeypatch.setattr("bot.monitor.libraries.time.monotonic", lambda: clock["s"])
    stream = io.StringIO()
    voice = Voices(Logs(stream, wait=True))
    voice.capture()
    for _ in range(50):
        failed(BadStatusLine("junk"))
        failed(RequestPayloadError("junk"))
        failed(ValueError("a header"))
        failed(KeyError("another"))
    clock["s"] += 61.0
    failed(ValueError("a header"))
    logging.getLogger("aiohttp.client").warning("one")
    logging.getLogger("aiohttp.client").warning("two")
    voice.close()
    said = [(one["message"], one.get("exception")) for one in lines(stream.getvalue())]
    kinds = [chain[0]["type"] if chain else text for text, chain in said]
    assert kinds == ["ValueError", "KeyError", "ValueError", "one", "two"]
