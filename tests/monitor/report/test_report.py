"""The page of a day: every figure is the journal's, and no text of the journal becomes markup."""

import re
from contextlib import closing
from dataclasses import replace

import pytest

from bot.domain.states import State
from bot.domain.units import DAY_NS, day_start
from bot.journal import Journal, Reader
from bot.monitor.report import as_html, as_text, build
from bot.monitor.report.expiring import expiring
from tests.journal.records import T0, breach, explained, hedge_done, paid, run_start, sample

DAY = day_start(T0)
GREEKS = [
    {"instrument": "BTC-5JAN26-92000-C", "quantity": -2.0, "delta_coin": -1.1}
    | {"gamma_coin_per_pct": -0.4},
    {"instrument": "BTC-5JAN26-88000-P", "quantity": 1.0, "delta_coin": -0.2}
    | {"gamma_coin_per_pct": 0.1},
    {"instrument": "BTC-30JAN26-90000-C", "quantity": -1.0, "delta_coin": -0.5}
    | {"gamma_coin_per_pct": -0.03},
    {"instrument": "BTC-PERPETUAL", "quantity": 9e4, "delta_coin": 1.0, "gamma_coin_per_pct": 0.0},
    {"instrument": "ETH-5JAN26-3000-C", "quantity": 5.0, "delta_coin": 3.0}
    | {"gamma_coin_per_pct": 0.2},
]


@pytest.fixture
def reader(tmp_path):
    """Return the reader of a journal with a morning in it."""
    with closing(Journal.open(tmp_path, "demo")) as journal:
        journal.begin_run(run_start(market="<b>odd</b>"))
        for n in range(40):
            journal.record(explained(n))
        journal.record(breach(2))
        journal.record(hedge_done(1))
        journal.record(paid(1))
        journal.record(sample(39))
        journal.view("greeks", T0, GREEKS)
        journal.tick(T0, State.RUNNING)
        journal.commit()
        with closing(Reader.open(tmp_path, "demo")) as reader:
            yield reader


def row(text: str, name: str) -> list[str]:
    """Return the cells of a row of the text page."""
    (line,) = (line for line in text.splitlines() if line.strip().startswith(name))
    return re.split(r"\s{2,}", line.strip())


def test_the_page_says_what_the_day_made(reader):
    """Gamma against theta first; what the lines do not explain is there, and what nobody saw."""
    text = as_text(build(reader, DAY))
    assert row(text, "gamma + theta") == ["gamma + theta", "−$800"]
    assert row(text, "the hedged book") == ["the hedged book", "−$880"]
    assert row(text, "collateral's own move") == ["collateral's own move", "+$4,000"]
    assert row(text, "unexplained") == ["unexplained", "+$20"]
    assert row(text, "total") == ["total", "+$3,140"]
    assert "gamma against theta lost $800.00; unexplained is 1.19 % of what the lines moved" in text
    assert row(text, "hedges") == ["hedges", "1"]
    assert row(text, "time in delta band") == ["time in delta band", "99.88 %"]
    assert row(text, "turnover") == ["turnover", "$165,000"]
    assert "as far as 2026-01-05T07:10Z" in text


def test_the_page_says_what_expires_and_what_the_hedge_will_do(reader):
    """At 08:00 the short call and the long put go, and 1.3 coins of hedge with them."""
    text = as_text(build(reader, DAY))
    assert "BTC: expires at 2026-01-05T08:00Z" in text
    assert row(text, "BTC-5JAN26-92000-C")[1:] == ["−2", "92,000", "−2.17 %", "−1.1000", "−0.4000"]
    assert "the hedge sells 1.3000 BTC in equal steps over the last half hour" in text
    assert "gamma after: −0.0300 BTC per 1 %" in text


def test_nothing_that_expires_is_said_too():
    """Who reads the page must know that it was looked at."""
    found = expiring("BTC", GREEKS[2:4], 90_000.0, T0)
    assert (found.legs, found.unwind_coin) == ((), 0)
    assert found.gamma_after == pytest.approx(-0.03)


@pytest.mark.parametrize("name", ["strange", "", "BTC-5JAN26-X-C"])
def test_a_leg_without_a_readable_name_is_left_out(name):
    """A report is not the place to fail over it."""
    odd = {"instrument": name, "quantity": 1.0, "delta_coin": None, "gamma_coin_per_pct": None}
    assert expiring("BTC", [odd], None, T0).legs == ()


def test_how_a_dead_bot_stood_is_no_now(reader):
    """Its figures are of when it was last heard."""
    living = build(reader, DAY)
    assert "Now, RUNNING" in as_text(living)
    assert living.now is not None
    dead = replace(living, now={**living.now, "stale": True})
    assert "When last heard, RUNNING (stale: no bot decides)" in as_text(dead)


def test_an_old_day_has_no_now(reader):
    """What stands today says nothing about it."""
    old = build(reader, DAY - 3 * DAY_NS)
    assert (old.now, old.expiring, old.over) == (None, (), False)
    assert "nothing was watched on this day" in as_text(old)


def test_html_holds_the_same_and_escapes_what_the_journal_says(reader):
    """No script, no address, no markup of others."""
    report = build(reader, DAY)
    page = as_html(report)
    assert "&lt;b&gt;odd&lt;/b&gt;" in page
    assert "<b>" not in page
    for forbidden in ("<script", "http:", "https:", "<img", "url("):
        assert forbidden not in page
    cells = re.findall(r"<td>([^<]*)</td>", page)
    for line in as_text(report).splitlines():
        parts = re.split(r"\s{2,}", line.strip())
        if len(parts) == 2 and "$" in parts[1]:
            assert parts[1] in cells


def test_margin_and_liquidation_stand_beside_the_state(reader):
    """Without a sample of margin there is a dash, not a zero."""
    text = as_text(build(reader, DAY))
    assert row(text, "initial margin used")[1:] == ["–"]
    assert row(text, "state")[1:] == ["RUNNING"]
