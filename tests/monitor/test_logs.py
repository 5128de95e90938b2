"""Log lines: their shape, what is worth one, and that a failing stream is never felt."""

import errno
import io
import json
import os
import pty
import time
from dataclasses import replace
from decimal import Decimal

import pytest

from bot.domain.events import Settled
from bot.domain.orders import OrderState as S
from bot.domain.positions import Position
from bot.domain.reasons import Because, Reason
from bot.domain.records import CommandOutcome, Doubt, Parked, Standing, Word
from bot.domain.states import State
from bot.domain.units import Quantity, Unit
from bot.monitor.logs import Logs
from bot.monitor.sink import Sink
from tests.journal.records import (
    PERP,
    T0,
    changed_state,
    decision,
    fill,
    gamma_decision,
    hedge_done,
    intent,
    moved,
    sample,
    twins,
)
from tests.struck import struck

RATE = Because(Reason.ORDER_RATE, "BTC", {"per_min": 60.0})
UNSOLVED = Because(Reason.SOLVER_FAILED, "no answer within 3 s")
DISAGREES = Because(Reason.DELTA_DISAGREES, "BTC", {"ours_coin": 1.0, "venue_coin": 2.0})


def told(*items, lowest: str = "debug", **pnl) -> list[dict]:
    """Return the JSON lines that items make."""
    stream = io.StringIO()
    logs = Logs(stream, lowest=lowest, wait=True, run=3)
    for item in items:
        logs.tell(item, **pnl)
    assert logs.failed == 0
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_hedge_cycle_is_one_canonical_line():
    """Exposure, band, plan, verdict, reasons, cost, duration and twins stand on it as numbers."""
    line = told(decision(), hedge_done(), lowest="info", pnl=twins())[0]
    names = ("level", "event", "run", "coin", "decision", "delta_before_coin", "delta_after_coin")
    assert [line[name] for name in names] == ["info", "hedge.done", 3, "BTC", "d1", 1.8342, 0.021]
    assert (line["delta_before_usd"], line["cost_usd"], line["seconds"]) == (165_078.0, 41.25, 0.4)
    assert (line["verdict"], line["lower"], line["upper"]) == ("allowed", -0.1, 0.1)
    assert line["plan"][0]["instrument"] == PERP
    assert line["reasons"][0] == {
        "reason": "delta_above_owner",
        "subject": "BTC",
        "delta_coin": 1.8342,
        "upper": 0.1,
    }
    for twin, total in (("hedged", -52.0), ("unhedged", -1231.0), ("naive", -20.0)):
        assert line[f"pnl_{twin}_usd"] == total
        assert line[f"pnl_{twin}_gamma_usd"] == -112.0
    assert line["market_time"] == "2026-01-05T06:30:01.400Z"


@pytest.mark.parametrize(
    "item,event,level",
    [
        (decision(), "hedge.decided", "debug"),
        (decision(kind="shadow"), "shadow.decided", "debug"),
        (decision(refused=(RATE,)), "hedge.refused", "warning"),
        (gamma_decision(), "gamma.planned", "info"),
        (gamma_decision(refused=(RATE,)), "gamma.refused", "info"),
        (gamma_decision(refused=(UNSOLVED,)), "gamma.refused", "warning"),
        (hedge_done(), "hedge.done", "info"),
        (intent(), "order.intended", "debug"),
        (fill(), "order.executed", "debug"),
        (moved(1, S.SENT, S.WORKING), "order.working", "debug"),
        (moved(1, S.SENT, S.FILLED), "order.filled", "info"),
        (moved(1, S.SENT, S.REJECTED), "order.rejected", "warning"),
        (moved(1, S.SENT, S.REJECTED, "11054 post_only_reject"), "order.rejected", "info"),
        (moved(1, S.UNKNOWN, S.REJECTED, "post_only_reject"), "order.rejected", "warning"),
        (moved(1, S.SENT, S.UNKNOWN), "order.unknown", "warning"),
        (moved(1, S.UNKNOWN, S.FILLED), "order.filled", "warning"),
        (moved(1, S.UNKNOWN, S.NOT_BOOKED), "order.not_booked", "warning"),
        (changed_state(State.READY, State.RUNNING), "state.changed", "info"),
        (changed_state(State.RUNNING, State.HALTED), "state.changed", "error"),
        (sample(), "exposure.measured", "debug"),
        (Doubt(T0, "BTC", RATE, active=True), "doubt.raised", "warning"),
        (Doubt(T0, "BTC", RATE, active=False), "doubt.cleared", "info"),
        (Doubt(T0, "BTC", DISAGREES, active=True), "doubt.raised", "error"),
        (Doubt(T0, "BTC", DISAGREES, active=False), "doubt.cleared", "info"),
        (CommandOutcome(T0, "c1", accepted=True, outcome="paused"), "command.done", "info"),
        (Settled(T0, PERP, 90_000.0), "instrument.settled", "info"),
    ],
)
def test_everything_told_has_its_name_and_level(item, event, level):
    """Names are dotted and stable: scripts look for them."""
    (line,) = told(item)
    assert (line["event"], line["level"]) == (event, level)


def test_lines_below_the_lowest_level_are_left_out():
    """A day of samples is not worth a line each."""
    assert [line["event"] for line in told(sample(), decision(), intent(), lowest="info")] == []


def test_exact_amounts_are_numbers_and_nan_is_null():
    """A reader of JSON gets figures, never text that looks like one."""
    (line,) = told(fill(fee=float("nan")))
    assert (line["quantity"], line["price"], line["fee"]) == (-165_000.0, 89_999.5, None)
    stream = io.StringIO()
    Logs(stream, wait=True).say("x", amount=Decimal("1.5"))
    assert json.loads(stream.getvalue())["amount"] == 1.5


def test_refusal_that_repeats_is_told_once_a_minute_with_its_count():
    """The same refusal each second would drown everything else."""
    refusals = [decision(n, refused=(RATE,)) for n in range(121)]
    found = told(*refusals)
    assert [(line["decision"], line.get("repeated")) for line in found] == [
        ("d0", None),
        ("d60", 59),
        ("d120", 59),
    ]


def test_every_step_of_an_unwind_is_logged():
    """The screen folds them; a machine counts every one."""
    steps = [hedge_done(n, kind="unwind", decision=f"d{n}") for n in range(60)]
    assert [line["event"] for line in told(*steps)] == ["hedge.done"] * 60


def test_refusal_for_another_reason_is_told_at_once():
    """Only what is the same is left out."""
    other = Because(Reason.MARGIN, "BTC", {})
    found = told(decision(1, refused=(RATE,)), decision(2, refused=(other,)))
    assert len(found) == 2


def test_jump_of_the_index_is_told_once():
    """The demo's jump is seen between two samples, whatever else is said in that minute."""
    found = told(
        *(sample(0), sample(1), sample(2, index=86_400.0), sample(3, index=86_500.0)),
        lowest="info",
    )
    assert [(line["event"], round(line["move_pct"], 6), line["seconds"]) for line in found] == [
        ("market.jumped", -4.0, 60.0)
    ]


def test_slow_move_is_no_jump():
    """One per cent a minute is a trend."""
    assert told(*(sample(n, index=90_000.0 * 0.99**n) for n in range(10)), lowest="info") == []


def test_level_that_does_not_exist_is_refused():
    """A misspelt level must not silence everything."""
    with pytest.raises(
        ValueError, match="expected a level of debug, info, warning, error, found 'inf'"
    ):
        Logs(io.StringIO(), lowest="inf")


def test_field_may_not_overwrite_what_names_the_line():
    """A field that is called like the event is kept beside it."""
    stream = io.StringIO()
    Logs(stream, wait=True).say("venue.said", time=5, note="x")
    line = json.loads(stream.getvalue())
    assert (line["event"], line["time_"], line["note"]) == ("venue.said", 5, "x")


def test_terminal_gets_readable_lines_and_a_file_json(monkeypatch, tmp_path):
    """The stream decides, unless it is told."""
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as terminal:
        Logs(terminal, wait=True).say("run.started", seed=7)
        shown = os.read(ours, 4096).decode()
    os.close(ours)
    with (tmp_path / "log").open("w") as file:
        Logs(file, wait=True).say("run.started", seed=7)
    assert "\x1b[" in shown
    assert "run.started" in shown
    assert json.loads((tmp_path / "log").read_text())["seed"] == 7


def test_what_others_wrote_moves_no_cursor_where_people_read_lines():
    """Lines for programs escape it themselves."""
    for as_json in (True, False):
        stream = io.StringIO()
        logs = Logs(stream, json=as_json, wait=True)
        fault = ValueError("\x1b[2Jwithin")
        logs.say("a.fault", "error", found="\x1b[2Jgone", exc_info=fault)
        assert logs.failed == 0
        assert "gone" in stream.getvalue()
        assert "within" in stream.getvalue()
        assert "\x1b" not in stream.getvalue()


def test_closed_pipe_is_counted_and_not_felt():
    """Nobody reads any more: trading goes on."""
    ours, theirs = os.pipe()
    with os.fdopen(theirs, "w") as stream:
        logs = Logs(stream, wait=True)
        os.close(ours)
        for _ in range(3):
            logs.tell(hedge_done())
        assert (logs.sink.failed, logs.failed) == (3, 0)


def test_closed_file_is_counted_and_not_felt():
    """A stream that somebody closed is no reason to stop."""
    stream = io.StringIO()
    logs = Logs(stream, wait=True)
    stream.close()
    logs.tell(hedge_done())
    assert (logs.sink.failed, logs.failed) == (1, 0)


def test_full_disk_is_counted_and_not_felt():
    """The device that is always full stands for a disk that is."""
    with open("/dev/full", "w") as stream:  # noqa: PTH123  a device, not a path
        logs = Logs(stream, wait=True)
        for _ in range(10):
            logs.tell(hedge_done())
            struck("F74")
        assert logs.sink.failed == 10
        with pytest.raises(OSError) as found:  # noqa: PT011  the number is asserted
            os.write(stream.fileno(), b"x")
    assert found.value.errno == errno.ENOSPC


def test_stuck_reader_neither_blocks_nor_grows_without_end():
    """A pipe that nobody empties fills; the rest is dropped and counted, debug lines first."""
    ours, theirs = os.pipe()
    with os.fdopen(theirs, "w") as stream:
        sink = Sink(stream, wait=False, room=100)
        began = time.monotonic()
        for _ in range(5_000):
            sink.write("x" * 1_000)
        took = time.monotonic() - began
        before = sink.dropped
        sink.write("debug", debug=True)
        assert took < 2.0
        assert before >= 5_000 - 100 - 70
        assert sink.dropped == before + 1
        os.close(ours)
        sink.close()


def test_debug_lines_leave_room_for_the_others():
    """A queue half full of debug lines still takes what matters."""
    ours, theirs = os.pipe()
    with os.fdopen(theirs, "w") as stream:
        sink = Sink(stream, wait=False, room=100)
        for _ in range(5_000):
            sink.write("x" * 1_000, debug=True)
        dropped = sink.dropped
        sink.write("important")
        assert dropped > 0
        assert sink.dropped == dropped
        os.close(ours)
        sink.close()


def test_thread_writes_everything_in_order_when_the_reader_keeps_up(tmp_path):
    """Closing waits for the last line."""
    with (tmp_path / "log").open("w") as stream:
        sink = Sink(stream, wait=False)
        for n in range(2_000):
            sink.write(str(n))
        sink.close()
    assert (tmp_path / "log").read_text().split() == [str(n) for n in range(2_000)]
    assert (sink.dropped, sink.failed) == (0, 0)


def test_what_stands_and_what_is_parked_are_lines_of_their_own():
    """Scripts read until when from them, and that it is over."""
    said = Because(Reason.OPERATOR, "ann: lunch")
    off = Standing(T0, "BTC", Word.OFF, T0 + 90 * 10**9, active=True, because=said)
    leg = Position("BTC-12JAN26-92000-C", Quantity(Decimal("-2.5"), Unit.COIN))
    parked = Parked(T0, "BTC", leg, Decimal("-2.5"), T0, T0 + 90 * 10**9)
    flat = replace(leg, quantity=Quantity(Decimal(0), Unit.COIN))
    lines = told(
        off,
        replace(off, word=Word.HOLD, until_ns=None, active=False),
        parked,
        replace(parked, position=flat),
    )
    assert [(line["event"], line["level"]) for line in lines] == [
        ("off.begun", "warning"),
        ("hold.ended", "info"),
        ("position.parked", "info"),
        ("position.released", "info"),
    ]
    until = "2026-01-05T06:31:30.000Z"
    assert [line["until"] for line in lines] == [until, None, until, until]
    assert (lines[0]["coin"], lines[0]["why"]) == ("BTC", "operator(ann: lunch)")
    assert (lines[2]["instrument"], lines[2]["quantity"], lines[2]["unit"]) == (
        "BTC-12JAN26-92000-C",
        -2.5,
        "coin",
    )
