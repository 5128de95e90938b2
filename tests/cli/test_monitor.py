"""The monitor as a process of its own: only one tells of an instance, and none is missed."""

import json
import signal

import pytest

LISTEN = ("--set", 'metrics.listen="127.0.0.1:0"', "--json")


def heard(process, event):
    """Read a process's lines up to an event and return it."""
    for line in process.stdout:
        found = json.loads(line)
        if found["event"] == event:
            return found
    raise AssertionError(f"expected {event}, found the end of the log")


@pytest.mark.slow
def test_a_second_monitor_waits_for_the_end_of_the_first(deltaband):
    """A container that is exchanged, or two by mistake: one tells, and somebody always does."""
    first = deltaband.start("monitor", *LISTEN)
    heard(first, "monitor.started")
    second = deltaband.start("monitor", *LISTEN)
    waits = heard(second, "monitor.waits")
    assert "found it held by pid " in waits["found"]
    first.kill()
    heard(second, "monitor.started")
    third = deltaband.start("monitor", *LISTEN)
    heard(third, "monitor.waits")
    for one in (third, second):
        one.send_signal(signal.SIGTERM)
        one.communicate(timeout=60)
        assert one.returncode == 0
    first.communicate(timeout=60)
