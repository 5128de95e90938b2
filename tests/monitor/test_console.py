"""The screen: what a person reads, within 100 columns, with colour or without."""

import io
import os
import pty
import re
from dataclasses import replace
from decimal import Decimal

import pytest

from bot.domain.events import Settled
from bot.domain.orders import OrderState as S
from bot.domain.positions import Position
from bot.domain.reasons import Because, Reason
from bot.domain.records import Doubt, Parked, Standing, Word
from bot.domain.states import State
from bot.domain.units import NS_PER_S, Quantity, Unit
from bot.journal import Pnl
from bot.monitor import Banner, Scope, Screen, figures
from tests.journal.records import (
    CALL,
    T0,
    changed_state,
    decision,
    gamma_decision,
    hedge_done,
    intent,
    moved,
    sample,
    twins,
)

BTC = Scope("BTC", "usd", 0.0, -0.1, 0.1, -0.25, None, "auto", "5 BTC excluded")
ETH = Scope("ETH", "usd", 0.0, -1.0, 1.0, None, None, "off", "0 ETH excluded")
BANNER = Banner("0.1.0", "demo", "paper", "synthetic", "60", 7, T0, "journal.sqlite", (BTC, ETH))
RATE = Because(Reason.ORDER_RATE, "BTC", {"per_min": 60.0})


@pytest.fixture(autouse=True)
def _plain(monkeypatch):
    """Start from an environment that says nothing about colour."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


def shown(*items, pnl=None) -> list[str]:
    """Return the lines on the screen for items."""
    stream = io.StringIO()
    screen = Screen(stream, wait=True)
    for item in items:
        screen.tell(item, pnl)
    assert screen.failed == 0
    return [line.rstrip() for line in stream.getvalue().splitlines() if line.strip()]


def unwinding(steps):
    """Give an unwind's decisions and steps, half a minute apart, each an equal share."""
    for n in range(steps):
        numbers = {"step": n + 1.0, "steps": 60.0, "left_s": 1_785.0 - 30.0 * n}
        why = (Because(Reason.SETTLEMENT_UNWIND, "", numbers),)
        ts_ns = T0 + n * 30 * NS_PER_S
        delta = {"delta_before_coin": 0.06 - n / 1e3, "delta_after_coin": 0.06 - (n + 1) / 1e3}
        cost = {"fee_usd": 0.5, "slippage_usd": 0.25, "reason": "settlement_unwind"}
        yield replace(decision(n, reasons=why), id=f"d{n}", ts_ns=ts_ns, kind="unwind")
        yield hedge_done(n, kind="unwind", decision=f"d{n}", ts_ns=ts_ns, **delta, **cost)


def test_an_unwind_is_told_at_its_start_and_end_and_every_five_minutes():
    """Sixty lines would bury the rest; what lies between is in the next line, with its cost."""
    settled = Settled(T0 + 1_785 * NS_PER_S, "BTC-5JAN26-92000-C", 90_123.4)
    lines = shown(*unwinding(60), settled)
    assert lines[0] == (
        "06:30:00  BTC   Δ +0.0600 → +0.0590 coin  settlement_unwind  step 1 of 60  cost $0.75"
    )
    assert lines[1].startswith("06:35:00  BTC   Δ +0.0590 → +0.0490 coin  settlement_unwind")
    assert lines[1].endswith("step 11 of 60  cost $7.50 in 10 steps")
    assert [line.partition("step ")[2].partition(" of")[0] for line in lines[:-1]] == [
        *("1", "11", "21", "31", "41", "51", "60")
    ]
    assert lines[-2].endswith("step 60 of 60  cost $6.75 in 9 steps")
    assert "settled" in lines[-1]
    assert max(map(len, lines)) <= 100


def test_an_unwind_whose_last_steps_were_too_small_is_told_before_its_settlement():
    """Rounding may leave nothing to trade at the end: what was folded is not lost."""
    settled = Settled(T0 + 1_785 * NS_PER_S, "BTC-5JAN26-92000-C", 90_123.4)
    lines = shown(*unwinding(5), settled)
    assert [line.split("  ")[-1].strip() for line in lines] == [
        *("cost $0.75", "cost $3.00 in 4 steps", "BTC-5JAN26-92000-C settled at $90,123.40")
    ]


def test_an_unwind_that_a_run_ends_in_is_told_with_the_summary():
    """The next day's unwind begins anew."""
    stream = io.StringIO()
    screen = Screen(stream, wait=True)
    for item in unwinding(3):
        screen.tell(item)
    screen.finish({"orders": 3})
    assert "cost $1.50 in 2 steps" in stream.getvalue()


def test_the_date_stands_between_two_days_and_not_before_the_first():
    """The banner has the date of the start; a replay of days must say when each line was."""
    stream = io.StringIO()
    screen = Screen(stream, wait=True)
    screen.begin(BANNER)
    begun = len(stream.getvalue())
    hours = (0, 6, 18, 24, 66)
    for hour in hours:
        screen.tell(Settled(T0 + hour * 3_600 * NS_PER_S, "BTC-5JAN26-92000-C", 90_123.4))
    lines = stream.getvalue()[begun:].splitlines()
    assert [line.strip() if "──" in line else line[:8] for line in lines] == [
        *("06:30:00", "12:30:00", "── 2026-01-06 ──", "00:30:00", "06:30:00"),
        *("── 2026-01-08 ──", "00:30:00"),
    ]


def test_hedge_reads_as_one_line_that_breaks_between_its_pieces():
    """Time, coin, delta in coin and USD, band, reason, cost, and the three twins split."""
    text = """\
06:30:01  BTC   Δ +1.8342 → +0.0210 coin  (+$165,078 → +$1,890)  band −0.1…+0.1  delta_above_owner
               cost $41.25  hedged −$52 (γ −112 θ +98 ν −13 fees −25)
               unhedged −$1.2k (γ −112 θ +98 ν −13 fees 0)  naive −$20 (γ −112 θ +98 ν −13 fees −9)
"""
    assert shown(decision(), hedge_done(), pnl=twins()) == text.splitlines()


def test_no_line_is_wider_than_a_hundred_columns_off_a_terminal():
    """Large books have large figures."""
    big = Pnl(-123_456.0, -1_112_345.0, 98_765.0, -13_456.0, -2_545.0)
    lines = shown(
        hedge_done(delta_before_coin=-11_234.5),
        gamma_decision(),
        decision(3, refused=(RATE,)),
        pnl=replace(twins(), hedged=big, unhedged=big, naive=big),
    )
    assert max(map(len, lines)) <= 100


def test_gamma_plan_is_a_table_with_the_choice_marked():
    """Instrument, quantity, cost, cost per unit of gamma, gamma, theta given up."""
    lines = shown(gamma_decision(9))
    cells = [re.split(r"\s{2,}", line.strip()) for line in lines]
    assert lines[0].startswith("06:30:09  BTC   Γ −0.3100 → −0.2200 coin per 1 %")
    assert ["▸", CALL, "+0.6 coin", "$21.60", "$240.00", "+0.0900", "−$66"] in cells
    assert ["BTC-16JAN26-92000-C", "+0.8 coin", "$36.00", "$400.00", "+0.0900", "−$58"] in cells


def test_long_list_of_candidates_is_cut_and_says_so():
    """The chosen ones come first."""
    notes = tuple(replace(gamma_decision().candidates[1], instrument=f"X-{n}") for n in range(9))
    plan = gamma_decision(candidates=notes, trades=(notes[8],))
    lines = shown(plan)
    assert next(line for line in lines if "X-" in line).split()[:2] == ["▸", "X-8"]
    assert lines[-1].strip() == "and 3 more"


def test_unknown_order_and_its_end_are_both_shown():
    """Of an order's life a person reads what went wrong and how it ended."""
    lines = shown(
        moved(1, S.INTENDED, S.SENT),
        moved(1, S.SENT, S.UNKNOWN, "no answer in 2 s"),
        moved(1, S.UNKNOWN, S.FILLED, "found by label"),
        moved(2, S.SENT, S.FILLED),
    )
    assert lines == [
        "06:30:01  BTC   order demo-1-1: sent → unknown  BTC-PERPETUAL  no answer in 2 s",
        "06:30:01  BTC   order demo-1-1: unknown → filled  BTC-PERPETUAL  found by label",
    ]


def test_states_jumps_settlements_and_doubts_are_shown():
    """The events of a day that a person would ask about."""
    lines = shown(
        changed_state(State.RUNNING, State.PAUSED, "BTC"),
        sample(0),
        sample(1, index=86_400.0),
        Settled(T0, "BTC-5JAN26-92000-C", 90_123.4),
        Doubt(T0, "ETH", Because(Reason.STALE_CHAIN, "ETH", {"age_s": 31.0}), active=True),
    )
    assert lines == [
        "06:30:01  BTC   RUNNING → PAUSED  operator",
        "06:31:00  BTC   index jumped −4.0%  90,000 → 86,400 within 60 s",
        "06:30:00  BTC   BTC-5JAN26-92000-C settled at $90,123.40",
        "06:30:00  ETH   not trusted: stale_chain(ETH: age_s=31)",
    ]


def test_what_an_operator_switches_and_what_is_parked_is_shown():
    """With until when, and whose word it was."""
    said = Because(Reason.OPERATOR, "ann: lunch")
    off = Standing(T0, "BTC", Word.OFF, T0 + 1_800 * 10**9, active=True, because=said)
    hold = replace(off, word=Word.HOLD)
    leg = Position("BTC-12JAN26-92000-C", Quantity(Decimal("-2.5"), Unit.COIN))
    parked = Parked(T0, "BTC", leg, Decimal("-2.5"), T0, T0 + 90 * 10**9)
    flat = replace(leg, quantity=Quantity(Decimal(0), Unit.COIN))
    lines = shown(
        off,
        replace(off, until_ns=None, active=False),
        hold,
        replace(hold, until_ns=None, active=False),
        parked,
        replace(parked, position=flat),
    )
    assert lines == [
        "06:30:00  BTC   hedging is off until 07:00:00  operator(ann: lunch)",
        "06:30:00  BTC   hedging is on again  operator(ann: lunch)",
        "06:30:00  BTC   what is traded by hand is held until 07:00:00  operator(ann: lunch)",
        "06:30:00  BTC   nothing is held any more  operator(ann: lunch)",
        "06:30:00  BTC   parked BTC-12JAN26-92000-C -2.5 coin, not hedged before 06:31:30",
        "06:30:00  BTC   BTC-12JAN26-92000-C is hedged from now on",
    ]


def test_what_a_person_need_not_read_is_not_shown():
    """Samples, intents and decisions that went through stay in the journal."""
    assert shown(sample(), intent(), decision()) == []


def test_banner_says_what_runs():
    """Market, speed, seed, epoch, bands and collateral, before anything happens."""
    stream = io.StringIO()
    Screen(stream, wait=True).begin(BANNER)
    text = stream.getvalue()
    for said in (
        *(
            "paper trading on the synthetic market",
            "2026-01-05T06:30:00.000Z",
            "speed 60",
            "seed 7",
        ),
        *("5 BTC excluded", "−0.1…+0.1 coin", "−0.25…", "none"),
    ):
        assert said in text
    assert max(map(len, text.splitlines())) <= 100


def test_summary_shows_what_it_is_given_and_a_dash_for_no_number():
    """Names that are not there are left out."""
    stream = io.StringIO()
    screen = Screen(stream, wait=True)
    summary = {
        "simulated_s": 43_200.0,
        "short_s": 129_600.0,
        "orders": 1_234,
        "pnl_hedged_usd": -52.5,
        "time_in_band_delta": 0.99912,
    }
    screen.finish(summary | {"breach_p99_s": float("nan"), "seed": None, "journal": "a-b"})
    rows = [re.split(r"\s{2,}", line.strip()) for line in stream.getvalue().splitlines()]
    assert [row for row in rows if len(row) == 2] == [
        ["market time", "43,200 s"],
        ["asked for but not recorded", "129,600 s"],
        ["orders", "1,234"],
        ["time in delta band, 2 s of grace", "99.912%"],
        ["breach p99", "–"],
        ["P&L hedged", "−$52.50"],
        ["seed", "–"],
        ["journal", "a-b"],
    ]
    assert screen.failed == 0


def on_a_terminal() -> str:
    """Return what a terminal receives for one hedge."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as terminal:
        Screen(terminal, wait=True).tell(hedge_done())
        text = os.read(ours, 8192).decode()
    os.close(ours)
    return text


def test_terminal_has_colour():
    """Where colours can be seen they help."""
    assert "\x1b[" in on_a_terminal()


def test_no_color_is_honoured(monkeypatch):
    """NO_COLOR leaves no colour, whatever the stream is."""
    monkeypatch.setenv("NO_COLOR", "1")
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]", on_a_terminal())


def test_force_color_is_honoured(monkeypatch):
    """FORCE_COLOR colours also what goes to a file."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in shown(hedge_done())[0]


def test_words_in_brackets_are_shown_as_they_are():
    """Text from outside is never read as markup."""
    stream = io.StringIO()
    Screen(stream, wait=True).say("venue.said", message="[bold]hello[/nothing]")
    assert stream.getvalue().strip() == "venue.said  message=[bold]hello[/nothing]"


def test_what_others_wrote_moves_no_cursor():
    """An exchange's error or a file's name may hold anything; a terminal would obey it."""
    stream = io.StringIO()
    screen = Screen(stream, wait=True)
    screen.say("settings.odd", "warning", what="\x1b[2Jgone\x07\u202e")
    screen.tell(moved(1, S.SENT, S.UNKNOWN, "\x1b]0;title\x07"))
    assert "?[2Jgone??" in stream.getvalue()
    assert not {"\x1b", "\x07", "\u202e"} & set(stream.getvalue())


def test_secret_is_not_shown():
    """The screen has the same last net as the logs."""
    stream = io.StringIO()
    Screen(stream, wait=True, secrets=["hunter2-canary"]).say("x", note="is hunter2-canary here")
    assert stream.getvalue().strip() == "x  note=is [redacted] here"


def test_item_that_cannot_be_shown_is_counted_and_not_felt():
    """A figure of the wrong kind breaks one line, not the run."""
    stream = io.StringIO()
    screen = Screen(stream, wait=True)
    screen.tell(hedge_done(fee_usd="broken"))
    screen.tell(hedge_done())
    assert screen.failed == 1
    assert "delta_above_owner" in stream.getvalue()


def test_closed_terminal_is_not_felt():
    """The window was closed; the hedge goes on."""
    stream = io.StringIO()
    screen = Screen(stream, wait=True)
    stream.close()
    screen.tell(hedge_done())
    assert (screen.failed, screen.sink.failed) == (0, 1)


@pytest.mark.parametrize(
    "amount,text",
    [
        *((0.0, "0"), (-0.4, "0"), (999.4, "+999"), (999.6, "+1.0k"), (-9_960.0, "−10k")),
        *((123_456.0, "+123k"), (999_600.0, "+1.0M"), (-3.4e6, "−3.4M"), (float("nan"), "?")),
    ],
)
def test_short_figures_have_few_characters(amount, text):
    """Rounding never makes 1000k or −0."""
    assert figures.short(amount) == text


@pytest.mark.parametrize(
    "said,text",
    [
        (figures.usd(-1_234.5), "−$1,234"),
        (figures.usd(0.2), "0"),
        (figures.coin(-0.00001), "0.0000"),
        (figures.coin(float("nan")), "?"),
        (figures.coin(1_234.5), "+1,234.50"),
        (figures.cost(-0.5), "−$0.50"),
        (figures.level(-0.1), "−0.1"),
        (figures.quantity(-165_000.0, "usd"), "−165,000 usd"),
        (figures.clock(T0), "06:30:00"),
    ],
)
def test_figures_read_as_people_write_them(said, text):
    """Signs are shown, thousands are grouped, a rounded zero has no sign."""
    assert said == text
