"""What each order paid against the mid of its decision, and what the desk learns from it."""

import math

import pytest

from bot.book.measure import measure
from bot.domain.commands import Place
from bot.domain.orders import OrderState
from bot.domain.records import Paid
from bot.domain.units import NS_PER_S
from bot.execution.tactics import TacticRules
from bot.strategy.dealt import PART
from tests.builders.books import NOW, PERPETUAL, OptionRow, contract_of
from tests.builders.scripted_desk import CALL, ScriptedDesk, desk_rules, noted, placed

SHORT = {CALL.name: "-1"}


def _started(**more):
    desk = ScriptedDesk(**({"positions": dict(SHORT)} | more)).started()
    (order,) = placed(desk.commands)
    return desk, order


def test_an_order_that_took_pays_what_it_gave_beyond_the_mid():
    """Filled at its limit of 3 bp above the mark, half a dollar of spread was shown."""
    desk, order = _started()
    (paid,) = noted(desk.completes(order), Paid)
    assert (paid.label, paid.decision, paid.instrument) == (order.label, order.decision, PERPETUAL)
    assert (paid.coin, paid.purpose, paid.unit, paid.post_only) == ("BTC", "delta", "usd", False)
    assert (paid.quantity, paid.filled, paid.as_maker) == (21_130.0, 21_130.0, 0.0)
    assert (paid.mid, paid.average) == (60_000.0, 60_018.0)
    assert paid.slippage_bps == pytest.approx(3.0)
    assert paid.slippage_usd == pytest.approx(21_130.0 * 3e-4)
    assert paid.fee_usd == pytest.approx(0.6)
    assert paid.shown_bps == pytest.approx(0.5 / 60_000.0 * 1e4)
    assert noted(desk.wait(5.0).tick(), Paid) == []


def test_several_fills_are_one_receipt_and_a_repeated_one_counts_once():
    """The average is by size; it waits for the order's end and for all its trades."""
    desk, order = _started()
    desk.fills(order, 10_000, trade="t1")
    desk.fills(order, 10_000, trade="t1")
    assert noted(desk.commands, Paid) == []
    desk.wait(0.5)
    (paid,) = noted(desk.ends(order, OrderState.CANCELLED, 10_000), Paid)
    assert paid.filled == 10_000.0
    assert paid.fee_usd == pytest.approx(0.6)
    assert paid.seconds == pytest.approx(0.5)


def test_an_order_that_fills_nothing_leaves_a_receipt_without_a_price():
    """It is a row all the same: so many of them rested in vain."""
    desk, order = _started(positions={PERPETUAL: "3600"})
    desk.accepts(order)
    (paid,) = noted(desk.ends(order, OrderState.CANCELLED), Paid)
    assert (paid.post_only, paid.filled, paid.slippage_usd) == (True, 0.0, 0.0)
    assert math.isnan(paid.average)
    assert math.isnan(paid.slippage_bps)
    assert desk.core.floor.dealt == {}


def test_what_takers_paid_raises_the_cost_that_the_next_choice_sees():
    """Three basis points where a twelfth was shown."""
    desk, order = _started()
    before = desk.core.delta["BTC"].want(desk.core.floor, _exposure(desk)).hedge
    desk.completes(order)
    known = desk.core.floor.dealt[PERPETUAL]
    assert known.times == pytest.approx(1.0 + 4.0 * PART)
    after = desk.core.delta["BTC"].want(desk.core.floor, _exposure(desk)).hedge
    assert before is not None
    assert after is not None
    assert after.cost.half_spread == pytest.approx(known.times * before.cost.half_spread)


def test_a_hedge_that_was_filled_as_a_maker_lowers_it():
    """By the part that it has of what is known; the first hedge takes, the second rests."""
    desk, order = _started(positions={PERPETUAL: "3600"})
    before = desk.core.delta["BTC"].want(desk.core.floor, _exposure(desk)).hedge
    desk.accepts(order)
    desk.fills(order, maker=True)
    desk.ends(order, OrderState.FILLED, str(order.quantity.value))
    assert desk.core.floor.dealt[PERPETUAL].maker_share == pytest.approx(PART)
    assert desk.core.floor.dealt[PERPETUAL].times == 1.0
    after = desk.core.delta["BTC"].want(desk.core.floor, _exposure(desk)).hedge
    assert before is not None
    assert after is not None
    assert after.cost.crossing == pytest.approx((1.0 - PART) * before.cost.crossing)


def test_a_hedge_is_counted_by_size_over_all_its_orders():
    """Two thirds as a maker, the rest across the spread."""
    desk, order = _started(positions={PERPETUAL: "5400"})
    desk.accepts(order)
    desk.fills(order, -2_000, maker=True)
    desk.wait(61.0).market()
    (second,) = placed(desk.ends(order, OrderState.CANCELLED, -2_000))
    desk.completes(second)
    share = 2_000.0 / (2_000.0 + abs(float(second.quantity)))
    assert desk.core.floor.dealt[PERPETUAL].maker_share == pytest.approx(PART * share)


def test_a_sale_below_the_mid_is_worse():
    """Three basis points again, with the sign of the side."""
    desk, order = _started(positions={PERPETUAL: "12000"})
    (paid,) = noted(desk.completes(order), Paid)
    assert paid.filled < 0.0
    assert paid.slippage_bps == pytest.approx(3.0)
    assert paid.slippage_usd > 0.0


def test_steps_of_an_unwind_say_nothing_about_makers():
    """They take by design; what taking costs is learned from them all the same."""
    option = contract_of(40_000.0, expiry_ns=NOW + 1_810 * NS_PER_S)
    held = {option.name: "-1", PERPETUAL: "60000"}
    desk = ScriptedDesk(positions=held, rows=[OptionRow(option)]).started()
    for _ in range(60):
        for order in placed(desk.wait(1.0).market()):
            assert order.purpose == "unwind"
            desk.completes(order)
    known = desk.core.floor.dealt[PERPETUAL]
    assert math.isnan(known.maker_share)
    assert known.times > 1.0


def test_the_preview_reckons_with_what_was_found():
    """It shows what the desk would do."""
    desk, order = _started(rules=desk_rules(tactics=TacticRules(passive=False)))
    desk.completes(order)
    desk.wait(1.0).market(61_500.0)
    assert any(isinstance(c, Place) for c in desk.commands)
    (row,) = desk.core.preview("BTC", desk.now_ns)["instruments"]
    known = desk.core.floor.dealt[PERPETUAL]
    assert row["half_spread_usd"] == pytest.approx(known.times * 0.5)


def _exposure(desk):
    return measure(desk.core.floor.book, "BTC", desk.now_ns, [])
