"""What the gate is shown of a desk's world, and what a book that stays outside its band is told."""

import math

import pytest

from bot.book.book import UnderlyingRules
from bot.book.measure import measure
from bot.book.numeraire import Numeraire
from bot.desk.situation import caps_in_force, circumstances
from bot.domain.deribit import parse
from bot.domain.events import PositionsReport
from bot.domain.positions import Balance
from bot.domain.reasons import Reason
from bot.domain.records import Decision, ExposureSample
from bot.risk.limits import LimitRules
from tests.builders.books import PERPETUAL
from tests.builders.scripted_desk import CALL, ScriptedDesk, desk_rules, noted, placed

SHORT = {CALL.name: "-1"}


def _now(desk):
    floor, rules = desk.core.floor, desk.core.rules["BTC"]
    exposure = measure(floor.book, "BTC", desk.now_ns, floor.orders.pending("BTC"))
    caps = caps_in_force(floor, rules, exposure, None).caps
    return circumstances(floor, rules, exposure, caps, parse(PERPETUAL))


def test_a_position_is_an_interval_over_what_may_still_fill():
    """An order whose fate is unknown may have filled: the cap counts it on its own side only."""
    desk = ScriptedDesk(positions=dict(SHORT)).started()
    (order,) = placed(desk.commands)
    bought = float(order.quantity) / 60_000.0
    assert _now(desk).position_low == pytest.approx(0.0)
    assert _now(desk).position_high == pytest.approx(bought)
    desk.fills(order, 10_000)
    assert _now(desk).position_low == pytest.approx(1.0 / 6.0)
    assert _now(desk).position_high == pytest.approx(bought)


def test_counted_dollars_of_a_coin_book_make_room_for_their_hedge():
    """300,000 dollars are five coins short in a coin book; a cap without them would stop it."""
    rules = desk_rules(
        measure=UnderlyingRules("BTC", Numeraire.COIN, "include", ("perpetual",)),
        limits=LimitRules(),
    )
    desk = ScriptedDesk(rules=rules).started()
    bare = _now(desk).caps.position_coin
    rich = (Balance("BTC", 5.0, 5.0, 0.1, 0.05), Balance("USD", 300_000.0, 300_000.0, 0.0, 0.0))
    desk.handle(PositionsReport(desk.now_ns, (), rich))
    assert _now(desk).caps.position_coin == pytest.approx(bare + 5.0)


def test_open_profit_counts_where_cash_does():
    """Half a coin of profit not yet booked is delta of a dollar book that counts its collateral."""
    rules = desk_rules(measure=UnderlyingRules("BTC", Numeraire.USD, "include", ("perpetual",)))
    desk = ScriptedDesk(rules=rules).started()
    before = _now(desk).caps.position_coin
    balance = Balance("BTC", 5.0, 5.5, 0.1, 0.05, open_profit=0.5)
    desk.handle(PositionsReport(desk.now_ns, (), (balance,)))
    assert _now(desk).caps.position_coin == pytest.approx(before + 0.5)


def test_a_book_that_stays_outside_the_owners_band_is_told_as_such():
    """Paused and left alone: after a minute, and every five minutes, with why nothing is done."""
    desk = ScriptedDesk(positions=dict(SHORT))
    desk.says("pause")
    desk.started()
    for _ in range(65):
        desk.wait(10.0).market()
    told = [d for d in noted(desk.commands, Decision) if d.refused]
    why = [[because.reason for because in d.refused] for d in told]
    assert why == [[Reason.STILL_OUTSIDE, Reason.STATE_FORBIDS]] * 2
    first = told[0]
    assert first.refused[0].numbers["for_s"] == pytest.approx(60.0, abs=10.0)
    assert [round((d.ts_ns - first.ts_ns) / 1e9) for d in told] == [0, 300]
    assert placed(desk.commands) == []


def test_a_book_that_is_brought_back_within_the_minute_is_no_alarm():
    """The breach is timed anew from its next beginning."""
    desk = ScriptedDesk(positions=dict(SHORT)).started()
    (order,) = placed(desk.commands)
    desk.wait(50.0).completes(order)
    for _ in range(10):
        desk.wait(10.0).market()
    assert [d for d in noted(desk.commands, Decision) if d.refused] == []
    assert desk.core.delta["BTC"].outside_ns is None


def test_what_cannot_be_measured_yet_is_sampled_again_soon():
    """A reader of a bot that has just started waits seconds for its figures, not a minute."""
    desk = ScriptedDesk(positions=dict(SHORT))
    desk.begins()
    desk.tick(1.0)
    desk.wait(5.0).market()
    desk.wait(5.0).market()
    samples = noted(desk.commands, ExposureSample)
    assert [math.isfinite(s.index) for s in samples] == [False, True]


def test_nothing_is_shown_of_an_underlying_that_was_not_measured():
    """Before the first index a book with options is not flat: its figures are not known."""
    desk = ScriptedDesk(positions={PERPETUAL: "60000"})
    found = desk.core.sample("BTC", desk.now_ns)
    figures = (found.delta_coin, found.gamma_coin_per_pct, found.vega_usd, found.theta_usd_day)
    assert all(math.isnan(figure) for figure in figures)
    assert [str(doubt.reason) for doubt in found.doubts if doubt.reason == "no_quote"]
