"""The desk's hedge instrument: remembered, kept while it rests, limited by expiry, and shown."""

import pytest

from bot.domain.orders import TimeInForce
from bot.domain.reasons import Reason
from bot.domain.records import Decision, ExposureSample
from bot.risk.limits import LimitRules
from bot.strategy.bands import Band, Landing, TradeTo
from bot.strategy.delta import DeltaPolicy
from bot.strategy.hedge_cost import HedgePolicy
from bot.strategy.policies import Fixed
from tests.builders.books import PERPETUAL
from tests.builders.scripted_desk import CALL, ScriptedDesk, cancelled, desk_rules, noted, placed

MARCH, JUNE = "BTC-27MAR26", "BTC-26JUN26"


def desk(positions=None, futures=(PERPETUAL, MARCH), **rules):
    """Return a desk with a short call (0.352 coin missing) an instant before its first hedge."""
    held = {CALL.name: "-1"} | (positions or {})
    made = ScriptedDesk(rules=desk_rules(**rules), positions=held, futures=futures)
    made.begins()
    made.market()
    return made.wait(0.5)


def priced(made, name, half):
    """Quote one future with a half spread (USD)."""
    return made.price(name, bid=made.index - half, ask=made.index + half)


def preview(made):
    """Return the plan of now."""
    return made.core.preview("BTC", made.now_ns)


def used(made):
    """Return the instrument that would be used now."""
    (name,) = [row["instrument"] for row in preview(made)["instruments"] if row["used"]]
    return name


def test_the_cheapest_is_traded_and_the_decision_tells_what_the_next_would_have_cost():
    """All in: half spread, fee and the way out."""
    made = desk()
    priced(made, PERPETUAL, 20.0)
    (order,) = placed(made.commands)
    assert order.instrument == MARCH
    (decision,) = noted(made.commands, Decision)
    assert decision.snapshot["all_in_usd_per_coin"] == pytest.approx(61.0)
    assert decision.snapshot["next_usd_per_coin"] == pytest.approx(100.0)


def test_one_instrument_is_no_choice_and_is_not_told_as_one():
    """The record of a book with its perpetual alone is what it always was."""
    made = desk(futures=(PERPETUAL,))
    made.market()
    (decision,) = noted(made.commands, Decision)
    assert "all_in_usd_per_coin" not in decision.snapshot


def test_the_instrument_of_the_last_order_is_kept_until_another_is_clearly_cheaper():
    """Six dollars are a basis point; spread is paid on both ways."""
    made = desk()
    priced(made, PERPETUAL, 20.0)
    made.completes(placed(made.commands)[0])
    made.wait(1.0).market(66_000.0)  # more is missing, on the same side
    assert used(made) == MARCH
    priced(made, MARCH, 2.0)  # its first fill has cost more than was shown: a third is added
    assert used(made) == MARCH
    assert "not_worth_switching" in str(preview(made)["instruments"])
    priced(made, MARCH, 3.0)
    assert used(made) == PERPETUAL


def test_what_the_last_hedge_opened_is_closed_when_delta_turns():
    """A dearer spread is no reason to open the perpetual against it."""
    made = desk()
    priced(made, PERPETUAL, 20.0)
    made.completes(placed(made.commands)[0])
    made.wait(1.0).market(54_000.0)
    priced(made, MARCH, 25.0)
    assert preview(made)["instruments"][0]["sized_for_coin"] < 0.0
    assert used(made) == MARCH


def test_a_resting_order_stays_while_its_instrument_does_and_goes_with_it():
    """It closes what is held, and is no less wanted for being under way."""
    made = desk({CALL.name: "0", MARCH: "3600"})
    made.market()
    (order,) = placed(made.commands)
    assert (order.instrument, order.time_in_force) == (MARCH, TimeInForce.GTC)
    made.accepts(order)
    made.commands.clear()
    made.wait(1.0).market()
    priced(made, MARCH, 8.0)
    made.wait(0.5)
    priced(made, PERPETUAL, 0.5)
    assert cancelled(made.commands) == []
    made.price(MARCH, bid=60_000.0, ask=59_999.0)
    made.wait(0.5)
    priced(made, PERPETUAL, 0.5)
    assert cancelled(made.commands) == [order.label]


def test_a_full_expiry_hands_over_to_the_next_one():
    """The limit is of what would be held, in coins."""
    made = desk(
        {MARCH: "-30000"}, (MARCH, JUNE), hedge=HedgePolicy(basis_coin=0.8),
        delta=DeltaPolicy(Band(-0.10, 0.0, 0.10), Fixed(0.05), Landing(TradeTo.TARGET)),
    )  # fmt: skip
    made.market()
    assert [order.instrument for order in placed(made.commands)] == [MARCH]  # closes 0.5 of 0.85
    made.completes(placed(made.commands)[0])
    made = desk({MARCH: "-30000", JUNE: "-18000"}, (MARCH, JUNE), hedge=HedgePolicy(basis_coin=0.3))
    made.market()
    rows = {row["instrument"]: row for row in preview(made)["instruments"]}
    assert rows[MARCH]["used"]


def test_what_an_expiry_has_no_room_for_goes_to_the_next_and_then_stays_outside():
    """Two expiries take .19 each and no more; the plan shows what is then sent."""
    made = desk(
        futures=(MARCH, JUNE), hedge=HedgePolicy(basis_coin=0.19),
        delta=DeltaPolicy(Band(-0.01, 0.0, 0.01), Fixed(0.005), Landing(TradeTo.TARGET)),
    )  # fmt: skip
    made.market()
    coins: list[tuple[str, float]] = []
    while sent := placed(made.commands):
        made.commands.clear()
        made.completes(sent[0])
        coins.append((sent[0].instrument, float(sent[0].quantity) / 60_000.0))
    assert [name for name, _ in coins] == [MARCH, JUNE]
    assert [coin for _, coin in coins] == pytest.approx([0.19, 0.162], abs=0.002)
    made.wait(1.0).market()
    made.commands.clear()
    made.wait(0.1).market(63_000.0)
    shown = preview(made.wait(0.2))
    # A contract of so many USD is fewer coins now: the first expiry has room again.
    trades = [(row["instrument"], row["orders"]) for row in shown["trades"]]
    assert trades == [(JUNE, 1), (MARCH, 1)]  # goes on with what it used last
    assert sum(why.startswith("basis_limit") for why in shown["refused"]) == 2
    made.tick()
    quantities = []
    while sent := placed(made.commands):
        made.commands.clear()
        made.completes(sent[0])
        quantities.append(float(sent[0].quantity))
    assert quantities == [float(row["quantity"]) for row in shown["trades"]]
    why = [b.reason for d in noted(made.commands, Decision) for b in d.refused]
    assert set(why) == {Reason.BASIS_LIMIT}


def test_an_order_of_unknown_fate_counts_towards_its_expiry():
    """It may have filled: another contract of the same expiry has no room for as much again."""
    linear, policy = "BTC_USDC-27MAR26", HedgePolicy(basis_coin=0.35)
    made = desk(futures=(MARCH, linear), hedge=policy)
    made.market()
    (order,) = placed(made.commands)
    assert order.instrument == MARCH
    made.tick(2.1)
    made.market()
    rows = {row["instrument"]: row["why"] for row in preview(made)["instruments"]}
    assert rows[MARCH].startswith("unknown_order")
    assert rows[linear].startswith("basis_limit(BTC_USDC-27MAR26: held_coin=0.3")


def test_the_limit_cuts_what_is_traded():
    """A ratio of 1.5 goes beyond the target: 0.53 coin, of which .4 fit."""
    policy = DeltaPolicy(Band(-0.3, 0.0, 0.3), Fixed(0.05), Landing(TradeTo.TARGET), ratio=1.5)
    for limit, sent in ((0.6, 0.525), (0.4, 0.4)):
        made = desk(futures=(MARCH,), delta=policy, hedge=HedgePolicy(basis_coin=limit))
        made.market()
        (order,) = placed(made.commands)
        assert abs(float(order.quantity)) / 60_000.0 == pytest.approx(sent, abs=0.01)


def test_the_plan_itemises_every_instrument_and_says_why():
    """Costs add up; one is used; the others say what is against them."""
    made = desk(futures=(PERPETUAL, MARCH, JUNE))
    priced(made, MARCH, 2.0)
    made.price(JUNE, bid=60_001.0, ask=60_000.0)
    rows = {row["instrument"]: row for row in preview(made)["instruments"]}
    assert list(rows) == [PERPETUAL, MARCH, JUNE]
    assert [row["used"] for row in rows.values()] == [True, False, False]
    assert rows[PERPETUAL]["why"].startswith("cheapest(BTC-PERPETUAL: usd_per_coin=61")
    assert rows[MARCH]["why"] == "dearer(BTC-27MAR26)"
    assert rows[JUNE]["why"].startswith("crossed_quote")
    assert rows[JUNE]["all_in_usd"] is None
    items = ("half_spread_usd", "fee_usd", "impact_usd", "exit_usd", "carry_usd", "margin_usd")
    for name in (PERPETUAL, MARCH):
        assert sum(rows[name][item] for item in items) == pytest.approx(rows[name]["all_in_usd"])


@pytest.mark.parametrize("half,names", [(17.0, {PERPETUAL, MARCH}), (100.0, {PERPETUAL})])
def test_slices_in_two_instruments_are_two_trades(half, names):
    """What is left after the first closes March, where that is worth switching; shown as sent."""
    held = {MARCH: "-6000", PERPETUAL: "27130"}  # with the call inside the band
    made = desk(held, limits=LimitRules(order_usd=17_000.0))
    made.market()
    made.wait(1.0).market()
    made.wait(0.1).market(69_000.0)
    priced(made, MARCH, half)
    assert placed(made.commands) == []
    made.wait(0.2)
    shown = {trade["instrument"]: trade for trade in preview(made)["trades"]}
    asked, sent = placed(made.tick()), dict[str, float]()
    while asked:
        sent[asked[0].instrument] = sent.get(asked[0].instrument, 0.0) + float(asked[0].quantity)
        made.commands.clear()
        made.completes(asked[0])
        asked = placed(made.commands)
    assert {name: trade["quantity"] for name, trade in shown.items()} == sent
    assert set(sent) == names


def test_basis_by_expiry_is_shown_in_plan_greeks_and_samples():
    """30,000 dollars of March at 60,000 are half a coin; 81 days, 1 % a year."""
    made = desk({MARCH: "30000"})
    made.market()
    worth = pytest.approx(0.5 * 60_000.0 * 0.01 * 81 / 365, rel=1e-3)
    (row,) = preview(made)["basis"]
    assert (row["expiry"][:10], row["basis_a_year"]) == ("2026-03-27", 0.0)
    assert (row["delta_coin"], row["usd_per_pct"]) == (pytest.approx(0.5), worth)
    greeks = {r["instrument"]: r for r in made.core.greek_rows(made.now_ns)}
    assert greeks[MARCH]["basis_usd_per_pct"] == worth
    assert "basis_usd_per_pct" not in greeks[CALL.name]
    found = made.core.sample("BTC", made.now_ns)
    assert isinstance(found, ExposureSample)
    assert found.shocks["basis_27MAR26_coin"] == pytest.approx(0.5)
    assert found.shocks["basis_27MAR26_1pct_usd"] == worth
