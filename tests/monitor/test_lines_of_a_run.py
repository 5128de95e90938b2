"""The lines of a whole run: all of them catalogued, and each fill leads back to its quote."""

import io
import json
from datetime import datetime

import pytest

from bot.monitor import Logs
from tests.monitor.catalogued import uncatalogued
from tests.monitor.runs import demo


@pytest.fixture(scope="module")
def lines(tmp_path_factory) -> list[dict]:
    """Return the lines of 35 eventful minutes of the demo book, debug lines included."""
    stream = io.StringIO()
    logs = Logs(stream, lowest="debug", wait=True, instance="demo", run=1)
    demo(tmp_path_factory.mktemp("run"), logs, 35.0, eventful=True)
    assert logs.failed == 0
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_every_line_is_a_catalogued_event_with_catalogued_levels_and_fields(lines):
    """Whatever the run went through; causes and trades have the shape that the page tells."""
    assert uncatalogued(lines) == []


def test_the_run_was_eventful(lines):
    """Else the above has shown little."""
    said = {line["event"] for line in lines}
    assert said >= {
        *("hedge.decided", "hedge.done", "order.intended", "order.sent", "order.filled"),
        *("order.executed", "order.paid", "order.unknown", "exposure.measured"),
        *("margin.measured", "state.changed", "command.done", "off.begun", "off.ended"),
        *("hold.begun", "order.not_booked"),
    }
    assert len(lines) > 300


def back_to_quote(fill: dict, lines: list[dict]) -> datetime:
    """Follow one fill by the ids on the lines alone, and return the venue's time of its quote."""
    (sent,) = [
        line
        for line in lines
        if line["event"] == "order.intended" and line["label"] == fill["label"]
    ]
    (made,) = [
        line
        for line in lines
        if line["event"].endswith((".decided", ".planned")) and line["decision"] == sent["decision"]
    ]
    source = "chain" if made["kind"] == "gamma" else "quote"
    assert fill["decision"] == sent["decision"]
    assert made["market_time"] <= sent["market_time"] <= fill["market_time"]
    assert made[f"{source}_heard_time"] <= made["market_time"]
    return datetime.fromisoformat(made[f"{source}_venue_time"])


def test_every_fill_leads_back_to_the_quote_that_it_was_decided_on(lines):
    """Fill, order, decision, quote: which is younger than the oldest that may be traded on."""
    fills = [line for line in lines if line["event"] == "order.executed"]
    assert len(fills) > 10
    for fill in fills:
        quoted = back_to_quote(fill, lines)
        took = datetime.fromisoformat(fill["market_time"]) - quoted
        assert 0.0 <= took.total_seconds() < 120.0


def test_one_decision_runs_through_all_lines_of_a_hedge(lines):
    """From the decision to the canonical line, in their order."""
    done = next(line for line in lines if line["event"] == "hedge.done" and line["orders"] == 1)
    chain = [line["event"] for line in lines if line.get("decision") == done["decision"]]
    assert chain[:3] == ["hedge.decided", "order.intended", "order.sent"]
    assert "order.executed" in chain
    assert chain[-1] == "hedge.done"


def test_the_same_run_makes_the_same_lines(tmp_path):
    """But for the wall clock; also where a flood is cut short."""
    found = []
    for name in ("one", "other"):
        stream = io.StringIO()
        logs = Logs(stream, lowest="debug", wait=True, per_min=1)
        (tmp_path / name).mkdir()
        demo(tmp_path / name, logs, 10.0)
        logs.finish({})
        found.append([json.loads(line) for line in stream.getvalue().splitlines()])
    one, other = ([line | {"time": ""} for line in lines] for lines in found)
    assert one == other
    assert any(line["event"] == "log.suppressed" for line in one)
