"""The policy's band in force: what it is chosen on, when it changes and when it does not."""

from dataclasses import replace

import pytest

from bot.book.measure import measure
from bot.book.shocks import gamma_around
from bot.desk.levels import LOOK_S, conditions, levels_in_force
from bot.desk.rules import DeskRules
from bot.domain.units import NS_PER_S, seconds_between
from bot.strategy.bands import Band, Landing, TradeTo
from bot.strategy.choice import choose_hedge
from bot.strategy.delta import DeltaPolicy
from bot.strategy.event_calendar import ScheduledEvent
from bot.strategy.policies import WhalleyWilmott
from tests.builders.books import NOW, PERPETUAL
from tests.builders.scripted_desk import CALL, PUT, ScriptedDesk, desk_rules

POLICY = DeltaPolicy(Band(-1.0, 0.0, 1.0), WhalleyWilmott(), Landing(TradeTo.INNER, 1.0))
LOT = 1e-4


def _desk(rules: DeskRules | None = None, **positions):
    held = positions or {CALL.name: "-1", PUT.name: "2", PERPETUAL: "54370"}
    desk = ScriptedDesk(rules=rules or desk_rules(delta=POLICY), positions=held)
    desk.begins()
    return desk.started()


def _levels(desk):
    floor, rules = desk.core.floor, desk.core.rules["BTC"]
    exposure = measure(floor.book, "BTC", desk.now_ns)
    hedge, _ = choose_hedge(floor.book, "BTC", desk.now_ns, floor.tier)
    assert hedge is not None
    return levels_in_force(floor, rules, exposure, (hedge, LOT)), exposure, hedge


def _look(desk, seconds, index=60_000.0):
    """Let time pass, show prices, and let the desk decide on them."""
    desk.wait(seconds).market(index)
    desk.wait(0.3).tick()


def test_conditions_are_what_is_true_now():
    """Gamma within half a day's deviation, cost of the instrument, size, time between looks."""
    desk = _desk()
    desk.core.floor.levels.clear()
    levels, exposure, hedge = _levels(desk)
    now = conditions(desk.core.floor, desk.core.rules["BTC"], exposure, (hedge, LOT))
    half = 0.5 * exposure.vol / 365.0**0.5
    assert now.gamma == gamma_around(
        desk.core.floor.book, "BTC", desk.now_ns, exposure.gamma_total, half
    )
    assert (now.vol, now.vega_usd) == (exposure.vol, exposure.vega_usd)
    assert now.cost_usd_per_coin == hedge.cost_usd_per_coin
    assert (now.gross_coin, now.look_s, now.factor) == (3.0, 0.25, 1.0)
    assert levels.band == POLICY.levels(now).band


def test_realised_volatility_replaces_implied_when_it_is_known():
    """Half an hour of whole minutes is enough."""
    desk = _desk()
    realised = desk.core.floor.book.coins["BTC"].market.realised
    begin = desk.now_ns + 60 * NS_PER_S
    for i in range(40):
        realised.see_index(begin + i * 60 * NS_PER_S, 60_000.0 * (1.001 if i % 2 else 1.0))
    _, exposure, hedge = _levels(desk)
    now = conditions(desk.core.floor, desk.core.rules["BTC"], exposure, (hedge, LOT))
    assert now.vol == realised.vol != exposure.vol
    assert now.swing == realised.swing


def test_gamma_is_the_mean_around_the_price():
    """A book's gamma changes its sign: near zero here, large a move away."""
    desk = _desk()
    book = desk.core.floor.book
    here = measure(book, "BTC", desk.now_ns).gamma_total
    assert gamma_around(book, "BTC", desk.now_ns, here, 0.0) == pytest.approx(abs(here))
    wide = gamma_around(book, "BTC", desk.now_ns, here, 0.1)
    moved = []
    for move in (-0.1, 0.1):
        other = _desk()
        other.core.floor.book.coins["BTC"].market.index = desk.index * (1.0 + move)
        moved.append(abs(measure(other.core.floor.book, "BTC", desk.now_ns).gamma_total))
    squares = [one**2 for one in (here, *moved)]
    assert wide == pytest.approx((sum(squares) / 3.0) ** 0.5)
    assert measure(book, "BTC", desk.now_ns).gamma_total == here


def test_a_band_that_trembles_stays():
    """Looked at again after a while; within a tenth it is the same band, on new conditions."""
    desk = _desk()
    first = desk.core.floor.levels["BTC"]
    _look(desk, 0.5, 60_060.0)
    assert desk.core.floor.levels["BTC"] is first
    _look(desk, LOOK_S, 60_120.0)
    second = desk.core.floor.levels["BTC"]
    assert second.band == first.band
    assert second.conditions.ts_ns > first.conditions.ts_ns
    assert second.conditions.index == 60_120.0


def test_a_book_of_another_size_has_its_band_at_once():
    """A trade by hand is no trembling, however little it changes."""
    desk = _desk()
    levels, exposure, hedge = _levels(desk)
    larger = replace(exposure, gross_option_coin=3.1)
    found = levels_in_force(desk.core.floor, desk.core.rules["BTC"], larger, (hedge, LOT))
    assert found.conditions.gross_coin == 3.1
    assert found.band != levels.band


def test_the_calendar_turns_the_band_at_once():
    """Seven tenths as wide while an event is on."""
    event = ScheduledEvent("release", NOW + 2 * NS_PER_S, 0.0, 1.0, 0.7)
    desk = _desk(desk_rules(delta=POLICY, events=(event,)))
    before = desk.core.floor.levels["BTC"].band
    _look(desk, seconds_between(desk.now_ns, event.at_ns))
    assert desk.core.floor.levels["BTC"].band.upper == pytest.approx(before.upper * 0.7, rel=0.02)
    _look(desk, 1.0)
    assert desk.core.floor.levels["BTC"].band.upper == pytest.approx(before.upper, rel=0.02)


def test_without_a_hedge_the_band_in_force_stays():
    """What cannot be traded has no cost, and no reason to move the band."""
    desk = _desk()
    first = desk.core.floor.levels["BTC"]
    floor, rules = desk.core.floor, desk.core.rules["BTC"]
    late = replace(measure(floor.book, "BTC", desk.now_ns), ts_ns=desk.now_ns + 60 * NS_PER_S)
    assert levels_in_force(floor, rules, late, None) is first
    floor.levels.clear()
    unknown = levels_in_force(floor, rules, late, None)
    assert unknown.band.upper == pytest.approx(0.25)
    hedge, _ = choose_hedge(floor.book, "BTC", desk.now_ns, floor.tier)
    assert hedge is not None
    floor.levels["BTC"] = unknown
    again = levels_in_force(floor, rules, late, (hedge, LOT))
    assert again.band.upper == pytest.approx(first.band.upper, rel=1e-4)


@pytest.mark.parametrize("call,told", [("1", True), ("-1", False)])
def test_only_a_book_that_is_long_gamma_hears_of_one_way_markets(call, told):
    """A short one must follow the price at once."""
    desk = _desk(**{CALL.name: call})
    realised = desk.core.floor.book.coins["BTC"].market.realised
    begin = desk.now_ns + 60 * NS_PER_S
    for i in range(70):
        realised.see_index(begin + i * 60 * NS_PER_S, 60_000.0 * 1.001**i)
    _, exposure, hedge = _levels(desk)
    now = conditions(desk.core.floor, desk.core.rules["BTC"], exposure, (hedge, LOT))
    assert (now.stretch > 2.0) is told


def test_funding_as_seen_lately_shifts_the_band():
    """Longs pay: the middle lies below the target."""
    desk = _desk()
    for _ in range(4):
        desk.wait(30.0).price(funding_8h=0.001)
    desk.core.floor.levels.clear()
    levels, _, _ = _levels(desk)
    assert levels.conditions.funding == desk.core.floor.book.coins["BTC"].funding_a_year > 0.0
    assert levels.band.target < POLICY.owner.target


@pytest.mark.parametrize("side,stays", [(-1.0, True), (1.0, False)])
def test_a_band_that_leans_to_the_side_that_pays_does_not_stay(side, stays):
    """However near it is to the one that is wanted: longs pay, so the middle lies below."""
    desk = _desk()
    for _ in range(4):
        desk.wait(30.0).price(funding_8h=1e-6)
    desk.core.floor.levels.clear()
    wanted, _, _ = _levels(desk)
    lean, band = wanted.band.target, wanted.band
    assert -0.01 * (band.upper - band.lower) < lean < 0.0
    other = Band(band.lower, side * abs(0.9 * lean), band.upper)
    desk.core.floor.levels["BTC"] = replace(
        wanted, band=other, conditions=replace(wanted.conditions, ts_ns=0)
    )
    found, _, _ = _levels(desk)
    assert found.band == (other if stays else band)
