"""Gamma from the passed limit to the legs: thinking time, proposal, budget, limits, and the end."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bot.book.book import UnderlyingRules
from bot.book.kinds import DeltaKind, DeltaRule
from bot.book.measure import measure
from bot.book.numeraire import Numeraire
from bot.book.scope import Scope
from bot.desk.legs import draw_legs, question_of
from bot.desk.situation import Allowance
from bot.domain.commands import WantGamma
from bot.domain.deribit import parse
from bot.domain.events import GammaWanted, PositionsReport
from bot.domain.orders import OrderState, TimeInForce
from bot.domain.positions import Position
from bot.domain.programs import Solution, Stage
from bot.domain.reasons import Reason
from bot.domain.records import Decision, HedgeDone
from bot.domain.units import NS_PER_S
from bot.risk.limits import LimitRules
from bot.strategy.bands import Band, GammaBand
from bot.strategy.delta import DeltaPolicy
from bot.strategy.gamma import GammaPolicy
from bot.strategy.options.churn import Traded
from bot.strategy.options.solve import solve
from bot.strategy.policies import Fixed
from tests.builders.books import NOW, PERPETUAL, OptionRow, chain, contract_of
from tests.builders.scripted_desk import (
    BALANCE,
    CALL,
    PUT,
    ScriptedDesk,
    desk_rules,
    noted,
    placed,
)

ATM = contract_of(60_000.0)
ROWS = [
    OptionRow(c, bid=0.0300, ask=0.0305, bid_size=50.0, ask_size=50.0) for c in (CALL, PUT, ATM)
]


def _desk(action="auto", limits=None, more=None, rows=ROWS, **policy):
    """Return a running desk that is short 0.43 of gamma where 0.25 is allowed, delta hedged."""
    gamma = GammaPolicy(GammaBand(lower=-0.25), GammaBand(), action=action, **policy)
    rules = desk_rules(gamma=gamma, limits=limits or LimitRules(order_usd=1e9), **(more or {}))
    desk = ScriptedDesk(rules=rules, rows=list(rows), positions={CALL.name: "-20"})
    desk.positions[PERPETUAL] = "422670"
    return desk.started()


def _wanted(desk):
    """Let the desk notice, and its thinking time pass."""
    for _ in range(20):
        if desk.core.gamma["BTC"].thinking:
            desk.wait(desk.rules.gamma_think_s).market()
            return desk.solved()
        desk.wait(0.5).market()
    return []


def test_a_passed_limit_asks_for_thinking_time_once():
    """The plan needs the whole chain; meanwhile nothing else is asked."""
    desk = _desk()
    for _ in range(20):
        desk.wait(0.5).market()
    wishes = [c for c in desk.commands if isinstance(c, WantGamma)]
    assert [(wish.coin, wish.delay_ns) for wish in wishes] == [("BTC", 500_000_000)]


def test_a_plan_buys_enough_gamma_at_the_displayed_price():
    """Immediate orders in whole lots, and gamma inside its limit when they are filled."""
    desk = _desk()
    legs = placed(_wanted(desk))
    assert legs
    for leg in legs:
        assert (leg.purpose, leg.time_in_force) == ("gamma", TimeInForce.IOC)
        assert str(leg.price) == "0.0305"
    (decision,) = [d for d in noted(desk.commands, Decision) if d.kind == "gamma"]
    assert decision.reasons[0].reason is Reason.GAMMA_BELOW
    assert decision.candidates
    assert decision.cost_usd > 0.0
    for leg in legs:
        desk.completes(leg)
    sample = desk.core.sample("BTC", desk.now_ns)
    assert sample.gamma_coin_per_pct == pytest.approx(decision.gamma_after_coin_per_pct, abs=1e-3)
    assert sample.gamma_coin_per_pct >= -0.25
    assert [d.kind for d in noted(desk.commands, HedgeDone)] == ["gamma"]


def test_the_delta_that_the_legs_bring_is_hedged_at_once():
    """Each need by its own desk: the last leg's fill brings the hedge."""
    desk = _desk(rows=[row for row in ROWS if row.instrument.is_call])
    legs = placed(_wanted(desk))
    hedges = [hedge for leg in legs for hedge in placed(desk.completes(leg))]
    (hedge,) = hedges
    assert (hedge.instrument, hedge.purpose) == (PERPETUAL, "delta")
    assert hedge.quantity.value < 0
    desk.completes(hedge)
    assert abs(desk.core.sample("BTC", desk.now_ns).delta_coin) < 0.05


def _refusals(desk):
    told = [d for d in noted(desk.commands, Decision) if d.kind == "gamma"]
    return [[b.reason for b in d.refused] for d in told]


def test_a_proposal_sends_nothing_and_is_told_once():
    """With its candidates, legs and cost."""
    desk = _desk("propose")
    assert placed(_wanted(desk)) == []
    assert _refusals(desk) == [[Reason.PROPOSED_ONLY]]
    _wanted(desk.wait(10.0))
    assert _refusals(desk) == [[Reason.PROPOSED_ONLY]]


def test_a_spent_budget_sends_nothing():
    """The day's money for gamma is the owner's to set."""
    desk = _desk(budget_usd_per_day=1.0)
    assert placed(_wanted(desk)) == []
    assert _refusals(desk) == [[Reason.BUDGET_SPENT]]


def test_a_budget_is_spent_by_what_was_filled():
    """A plan that nobody fills costs nothing; a filled one its fees and half spreads."""
    desk = _desk(budget_usd_per_day=1e6)
    legs = placed(_wanted(desk))
    assert desk.core.floor.day("BTC", desk.now_ns).gamma_usd == 0.0
    for leg in legs:
        desk.completes(leg)
    desk.wait(0.5).market()
    (done,) = [d for d in noted(desk.commands, HedgeDone) if d.kind == "gamma"]
    spent = desk.core.floor.day("BTC", desk.now_ns).gamma_usd
    assert spent == pytest.approx(done.fee_usd + done.slippage_usd)
    assert spent > 0.0


def test_a_plan_that_is_under_way_is_not_planned_again():
    """While legs are open, gamma is what it will be, not what it is."""
    desk = _desk()
    assert placed(_wanted(desk))
    assert _wanted(desk) == []


def test_no_leg_is_larger_than_the_owners_order_cap():
    """Nine coins are wanted; 100,000 USD are 1.6 of them."""
    desk = _desk(limits=LimitRules(order_usd=100_000.0))
    legs = placed(_wanted(desk))
    assert legs
    assert all(float(leg.quantity) == pytest.approx(1.6) for leg in legs)


def test_no_leg_goes_out_beyond_the_owners_order_rate():
    """One order a minute is one order a minute, for options too."""
    desk = _desk(limits=LimitRules(order_usd=1e9, orders_per_min=1.0))
    assert desk.core.floor.budget("BTC", desk.now_ns).common.take() is True
    assert placed(_wanted(desk)) == []
    assert {reason for row in _refusals(desk) for reason in row} == {Reason.ORDER_RATE}


def test_an_unknown_order_holds_gamma_back():
    """Nothing new while something may still come back."""
    desk = _desk()
    legs = placed(_wanted(desk))
    desk.commands.clear()
    desk.tick(2.5)
    assert desk.core.floor.orders.unknown("BTC") != []
    assert placed(_wanted(desk.wait(3.0))) == []
    for leg in legs:
        desk.ends(leg, OrderState.CANCELLED)
    assert placed(_wanted(desk.wait(6.0)))


def _wishes(desk, seconds, told):
    """Return how often thinking time was asked for while quotes, or all, were told."""
    desk.commands.clear()
    for _ in range(2 * seconds):
        desk.wait(0.5)
        told()
        if desk.core.gamma["BTC"].thinking:
            desk.solved()
    return sum(isinstance(c, WantGamma) for c in desk.commands)


def test_nothing_is_planned_on_a_stale_chain():
    """It still measures the book, but buys nothing; a fresh one is planned on again."""
    desk = _desk("propose", more={"gamma_again_s": 5.0})
    assert _wishes(desk, 25, desk.price) > 0
    _wishes(desk, 8, desk.price)
    assert _wishes(desk, 25, desk.price) == 0
    assert _wishes(desk, 25, desk.market) > 0


def _asked(desk):
    """Let the desk ask for thinking time."""
    for _ in range(20):
        if desk.core.gamma["BTC"].thinking:
            return desk
        desk.wait(0.5).market()
    raise AssertionError("no thinking time was asked for")


def _answered(desk):
    return placed(desk.solved())


def _unhedged(**more):
    """Return a desk that is short gamma alone: nothing of what hedges it is held."""
    wide = {"delta": DeltaPolicy(Band(-20.0, 0.0, 20.0), Fixed(15.0)), **more}
    gamma = GammaPolicy(GammaBand(lower=-0.25), GammaBand(), action="auto")
    rules = desk_rules(gamma=gamma, limits=LimitRules(order_usd=1e9), **wide)
    return ScriptedDesk(rules=rules, rows=list(ROWS), positions={CALL.name: "-20"}).started()


def _options(desk, seconds):
    """Quote the options alone for a while."""
    for _ in range(2 * seconds):
        desk.wait(0.5).handle(chain(desk.rows, index=desk.index, ts_ns=desk.now_ns))


def _wishes_so_far(desk):
    return sum(isinstance(c, WantGamma) for c in desk.commands)


def test_no_gamma_is_asked_for_while_nothing_can_hedge_its_delta():
    """The perpetual is silent: told once and again after five minutes, traded when it is back."""
    desk = _asked(_unhedged())
    before = _wishes_so_far(desk)
    _options(desk, 240)
    assert _wishes_so_far(desk) == before
    assert _refusals(desk) == [[Reason.STALE_QUOTE]]
    (told,) = [d for d in noted(desk.commands, Decision) if d.kind == "gamma"]
    assert told.snapshot["gamma_missing"] == pytest.approx(-0.1625 - told.gamma_coin_per_pct)
    _options(desk, 120)
    assert _refusals(desk) == [[Reason.STALE_QUOTE]] * 2
    assert placed(_wanted(desk))


def test_no_gamma_is_traded_when_the_hedge_fell_silent_during_the_thinking():
    """What was true when it was asked need not be true when it is answered."""
    desk = _asked(_unhedged())
    _options(desk, 4)
    assert desk.core.gamma["BTC"].thinking
    assert _answered(desk) == []
    assert _refusals(desk) == [[Reason.STALE_QUOTE]]


@pytest.mark.parametrize("lag_s,traded", [(29, True), (31, False)])
def test_no_gamma_is_traded_on_a_chain_that_is_old_by_the_venues_clock(lag_s, traded):
    """A stream that stays alive with what was true half a minute ago."""
    desk = _unhedged()
    venue_ns = desk.now_ns
    for _ in range(2 * lag_s):
        desk.wait(0.5).price()
        desk.handle(chain(desk.rows, index=desk.index, ts_ns=desk.now_ns, venue_ns=venue_ns))
    assert desk.core.gamma["BTC"].thinking
    assert bool(_answered(desk)) is traded


def test_no_gamma_is_traded_when_the_state_changed_during_the_thinking():
    """An operator's pause comes before a plan that is thought about."""
    desk = _asked(_unhedged())
    desk.says("pause")
    assert _answered(desk) == []
    assert _refusals(desk) == [[Reason.STATE_FORBIDS]]


def test_a_lost_answer_is_asked_for_anew():
    """Ten seconds after its thinking time; gamma must not stop for ever."""
    desk = _asked(_unhedged())
    before = _wishes_so_far(desk)
    for _ in range(20):
        desk.wait(0.5).market()
    assert _wishes_so_far(desk) == before
    for _ in range(4):
        desk.wait(0.5).market()
    assert _wishes_so_far(desk) == before + 1
    assert _answered(desk)


def test_an_answer_that_comes_too_late_is_ignored_and_so_is_one_that_nobody_asked_for():
    """It was asked about another market."""
    desk = _asked(_unhedged())
    desk.wait(10.4).market()
    desk.wait(0.2)
    assert _answered(desk) == []
    assert not desk.core.gamma["BTC"].thinking
    desk.market()
    assert _answered(desk) == []
    assert placed(_wanted(desk))


def test_a_budget_cuts_a_plan_to_what_remains():
    """Half the money buys half the lots; the rest is told as missing."""
    full = placed(_wanted(_desk()))
    desk = _desk(budget_usd_per_day=100.0)
    legs = placed(_wanted(desk))
    bought = sum(float(leg.quantity) for leg in legs)
    assert 0.0 < bought < sum(float(leg.quantity) for leg in full)
    (told,) = [d for d in noted(desk.commands, Decision) if d.kind == "gamma"]
    assert 96.0 < told.cost_usd <= 100.0
    assert told.snapshot["gamma_missing"] == pytest.approx(
        -0.1625 - told.gamma_after_coin_per_pct, abs=1e-9
    )


def test_what_the_gate_cuts_is_told_as_missing():
    """The owner's cap on one order leaves a part for the next plan."""
    desk = _desk(limits=LimitRules(order_usd=100_000.0))
    assert placed(_wanted(desk))
    (told,) = [d for d in noted(desk.commands, Decision) if d.kind == "gamma"]
    assert told.snapshot["gamma_missing"] == pytest.approx(
        -0.1625 - told.gamma_after_coin_per_pct, abs=1e-9
    )


def test_what_the_owner_excludes_is_not_traded_for_gamma():
    """Excluded means left alone, held or not."""
    scope = Scope(exclude=frozenset({ATM.name, PUT.name}))
    measured = UnderlyingRules("BTC", Numeraire.USD, "exclude", ("perpetual",), scope)
    legs = placed(_wanted(_desk(more={"measure": measured})))
    assert {leg.instrument for leg in legs} == {CALL.name}


def test_a_need_that_nothing_can_serve_is_told_once_and_again_every_five_minutes():
    """With what is missing."""
    desk = _desk(rows=[OptionRow(c, bid=0.0001, ask=0.2) for c in (CALL, PUT, ATM)])
    start_ns = desk.now_ns
    while desk.now_ns < start_ns + 280 * NS_PER_S:
        _wanted(desk.wait(4.0))
    assert _refusals(desk) == [[Reason.NO_CANDIDATE]]
    (told,) = [d for d in noted(desk.commands, Decision) if d.kind == "gamma"]
    missing = -0.1625 - told.gamma_coin_per_pct
    assert told.refused[0].numbers == {"missing": pytest.approx(missing)}
    while desk.now_ns < start_ns + 330 * NS_PER_S:
        _wanted(desk.wait(4.0))
    assert _refusals(desk) == [[Reason.NO_CANDIDATE]] * 2


def test_an_expiring_short_is_not_closed_at_a_multiple_of_its_value():
    """0.2 coin are asked for what is worth 0.006; a fair offer is taken."""
    expiring = contract_of(60_000.0, expiry_ns=NOW + 6 * 3_600 * NS_PER_S)
    gamma = GammaPolicy(GammaBand(), GammaBand(lower=-0.25), action="auto")
    for bid, ask, traded in ((0.0001, 0.2, False), (0.0060, 0.0065, True)):
        rows = [OptionRow(expiring, bid=bid, ask=ask, bid_size=50.0, ask_size=50.0)]
        rules = desk_rules(gamma=gamma, limits=LimitRules(order_usd=1e9))
        desk = ScriptedDesk(rules=rules, rows=rows, positions={expiring.name: "-2"})
        desk.positions[PERPETUAL] = "60000"
        legs = [leg for leg in placed(_wanted(desk.started())) if leg.purpose == "gamma"]
        assert bool(legs) is traded


def test_too_much_gamma_is_sold_out_of_what_is_held_long():
    """At the displayed bid, back inside, and never short."""
    gamma = GammaPolicy(GammaBand(upper=0.25), GammaBand(), action="auto")
    wide = DeltaPolicy(Band(-20.0, 0.0, 20.0), Fixed(15.0))
    rules = desk_rules(gamma=gamma, delta=wide, limits=LimitRules(order_usd=1e9))
    desk = ScriptedDesk(rules=rules, rows=list(ROWS), positions={CALL.name: "20"}).started()
    (leg,) = placed(_wanted(desk))
    assert (leg.instrument, str(leg.price)) == (CALL.name, "0.0300")
    assert -20.0 < float(leg.quantity) < 0.0
    desk.completes(leg)
    assert 0.0 < desk.core.sample("BTC", desk.now_ns).gamma_coin_per_pct <= 0.25


def test_the_gate_is_told_how_far_a_leg_may_be_from_its_model_value():
    """The plan's tolerance, in the option's own unit, measured from the mark."""
    desk = _desk()
    rules, floor = desk.core.rules["BTC"], desk.core.floor
    exposure = measure(floor.book, "BTC", desk.now_ns)
    question = question_of(floor, rules, exposure, {})
    assert question is not None
    plan = question.plan(solve(question.program), rules)
    caps = desk.core.delta["BTC"].caps_now(floor, exposure)
    allowance = Allowance(caps, floor.budget("BTC", desk.now_ns), lambda _: desk.balance)
    legs = draw_legs(floor, rules, exposure, plan, allowance)
    allowed, planned = legs.may_go[0].allowed, plan.trades[0]
    assert legs.refused == ()
    assert allowed.reference == planned.candidate.mark
    assert 0.0015 <= allowed.tolerance == planned.tolerance <= 0.5 * allowed.reference


def _told(desk):
    return [d for d in noted(desk.commands, Decision) if d.kind == "gamma"]


def test_a_plan_tells_what_it_costs_gives_up_and_takes_away():
    """Theta that short gamma would have earned, and the tail that is lifted per dollar."""
    desk = _desk()
    assert placed(_wanted(desk))
    (told,) = _told(desk)
    assert told.snapshot["plan_theta_usd_day"] < 0.0
    assert told.snapshot["plan_tail_lifted_usd"] > 0.0
    assert told.snapshot["plan_tail_lifted_per_usd"] == pytest.approx(
        told.snapshot["plan_tail_lifted_usd"] / told.cost_usd
    )
    assert told.snapshot["plan_round_trip_usd"] >= 2.0 * told.cost_usd


def _moved(desk):
    desk.market(index=64_000.0)


def _thinned(desk):
    desk.rows = [replace(row, ask_size=1.0) for row in ROWS]
    desk.market()


@pytest.mark.parametrize("happens", [_moved, _thinned])
def test_an_answer_to_another_book_is_dropped_and_asked_for_again(happens):
    """Prices moved, or what was offered is gone: told, and not sent."""
    desk = _asked(_unhedged())
    stale = solve(desk.program)
    assert stale.legs
    happens(desk)
    desk.commands.clear()
    assert placed(desk.handle(GammaWanted(desk.now_ns, "BTC", stale, desk.program.ts_ns))) == []
    assert _refusals(desk) == [[Reason.BOOK_CHANGED]]
    desk.commands.clear()
    for _ in range(16):
        desk.wait(0.5).market()
    assert _wishes_so_far(desk) == 1


def test_a_solver_that_failed_is_told_and_delta_stays_hedged():
    """Nothing is sent for gamma; delta has its own desk, which does not wait for it."""
    desk = _asked(_desk())
    failed = Solution(Stage.FAILED, why="no answer within 3 s")
    assert placed(desk.handle(GammaWanted(desk.now_ns, "BTC", failed, desk.program.ts_ns))) == []
    (told,) = _told(desk)
    assert [(b.reason, b.subject) for b in told.refused] == [
        (Reason.SOLVER_FAILED, "no answer within 3 s")
    ]
    (hedge,) = placed(desk.wait(0.5).market(index=60_300.0))
    assert hedge.purpose == "delta"


@pytest.mark.parametrize("action,rest_s", [("propose", 60), ("auto", 5)])
def test_a_search_rests_after_a_plan_and_longer_after_one_that_was_not_sent(action, rest_s):
    """Nothing is searched for again at once: a minute after a proposal, seconds after orders."""
    desk = _desk(action, limits=LimitRules(order_usd=100_000.0))
    legs = placed(_wanted(desk))
    assert bool(legs) is (action == "auto")
    for leg in legs:
        desk.ends(leg, OrderState.CANCELLED)
    start_ns = desk.now_ns
    desk.commands.clear()
    while not _wishes_so_far(desk):
        desk.wait(0.5).market()
    assert rest_s <= (desk.now_ns - start_ns) / NS_PER_S <= rest_s + 3.0


def test_delta_is_hedged_while_a_plan_is_searched_for():
    """An answer that never comes holds nothing up."""
    desk = _asked(_desk())
    (hedge,) = placed(desk.wait(0.5).market(index=60_300.0))
    assert (hedge.purpose, desk.core.gamma["BTC"].thinking) == ("delta", True)


def test_a_leg_that_stayed_alone_is_planned_on_from_there():
    """One filled, one cancelled: delta is hedged at once, then what is still missing is bought."""
    desk = _desk()
    legs = placed(_wanted(desk))
    assert len(legs) == 2
    hedges = placed(desk.completes(legs[0])) + placed(desk.ends(legs[1], OrderState.CANCELLED))
    assert hedges
    assert {hedge.purpose for hedge in hedges} == {"delta"}
    for hedge in hedges:
        desk.completes(hedge)
    now = desk.core.sample("BTC", desk.now_ns).gamma_coin_per_pct
    more = placed(_wanted(desk.wait(6.0)))
    assert bool(more) is (now < -0.25)
    for leg in more:
        desk.completes(leg)
    assert desk.core.sample("BTC", desk.now_ns).gamma_coin_per_pct >= -0.25
    assert placed(_wanted(desk.wait(61.0))) == []


def test_a_days_turnover_is_the_owners_to_set():
    """Two coins a day: as many, and then none until tomorrow."""
    desk = _desk(turnover_coin=2.0)
    legs = placed(_wanted(desk))
    assert sum(abs(float(leg.quantity)) for leg in legs) == pytest.approx(2.0)
    for leg in legs:
        for hedge in placed(desk.completes(leg)):
            desk.completes(hedge)
    desk.commands.clear()
    assert placed(_wanted(desk.wait(6.0))) == []
    assert [b.reason for d in _told(desk) for b in d.refused] == [Reason.TURNOVER_SPENT]


@pytest.mark.parametrize("model_vol,chosen", [(None, 60_000.0), (0.75, 59_000.0)])
def test_an_owners_own_volatility_says_which_option_is_bought(model_vol, chosen):
    """Of two the tighter, at 70 %; where 75 % are seen the one at 60 %. The preview says so too."""
    rows = [
        OptionRow(ATM, vol=0.7, bid=0.0302, ask=0.0304, ask_size=50.0),
        OptionRow(contract_of(59_000.0), vol=0.6, bid=0.0300, ask=0.0305, ask_size=50.0),
        OptionRow(CALL, bid_size=0.0),
    ]
    desk = _desk(rows=rows, model_vol=model_vol, max_legs=1)
    shown = desk.core.preview("BTC", desk.now_ns, solve)
    (leg,) = placed(_wanted(desk))
    assert leg.instrument == contract_of(chosen).name
    (told,) = _told(desk)
    edges = {row["instrument"]: row.get("edge_usd_per_coin") for row in shown["candidates"]}
    if model_vol is None:
        assert set(edges.values()) == {None}
        assert "plan_edge_usd" not in told.snapshot
        assert "edge_usd" not in shown["options"]
    else:
        assert edges[leg.instrument] > edges[ATM.name] > 0.0
        edge = edges[leg.instrument] * float(leg.quantity)
        assert told.snapshot["plan_edge_usd"] == pytest.approx(edge, rel=1e-4)
        assert shown["options"]["edge_usd"] == pytest.approx(edge, rel=1e-4)


@pytest.mark.parametrize("kind", list(DeltaKind))
def test_a_plan_nets_the_delta_that_is_traded(kind):
    """What buying the calls back was to make of delta is what it makes of it, whoever's it is."""
    rules = UnderlyingRules(
        "BTC", Numeraire.USD, "exclude", ("perpetual",), greeks=DeltaRule(kind, 2.0)
    )
    strikes = range(59_000, 72_000, 1_000)
    rows = [
        OptionRow(one, vol=0.6 - 2e-6 * (k - 60_000), bid=0.0300, ask=0.0305, ask_size=50.0)
        for k, one in ((k, contract_of(float(k))) for k in strikes)
    ]
    gamma = GammaPolicy(GammaBand(lower=-0.25), GammaBand(), max_days=1.0, min_days=0.0)
    desk = ScriptedDesk(rules=desk_rules(measure=rules, gamma=gamma), rows=rows)
    desk.positions = {CALL.name: "-20", PERPETUAL: "422670"}
    desk.started()
    held = tuple(desk.core.floor.book.holdings.positions.values())
    desk.handle(PositionsReport(desk.now_ns, held, (BALANCE,), ((CALL.name, -20 * 0.41),)))
    floor, now_ns = desk.core.floor, desk.now_ns
    before = measure(floor.book, "BTC", now_ns)
    assert (before.kind, before.by_model) == (kind, 0)
    question = question_of(floor, desk.rules, before, {})
    assert question is not None
    (offer,) = question.program.offers
    plan = question.plan(solve(question.program), desk.rules)
    (call,) = (one for one in held if one.instrument == CALL.name)
    rest = replace(call, quantity=CALL.quantity(f"{-20 + plan.trades[0].quantity:.1f}"))
    floor.book.adopt([rest, *(one for one in held if one is not call)], ())
    after = measure(floor.book, "BTC", now_ns)
    assert offer.closes
    assert after.delta - before.delta == pytest.approx(plan.delta, rel=1e-3)


def test_a_fill_that_is_told_after_its_orders_end_is_turnover_too():
    """While the plan's other leg is still under way."""
    desk = _desk(limits=LimitRules(order_usd=300_000.0))
    first, *others = placed(_wanted(desk))
    assert others
    desk.ends(first, OrderState.CANCELLED)
    desk.fills(first)
    assert desk.core.floor.day("BTC", desk.now_ns).gamma_coin == float(first.quantity)
    assert set(desk.core.gamma["BTC"].traded) == {first.instrument}


@pytest.mark.parametrize("age_s,sold", [(3_590, False), (3_610, True)])
def test_what_was_bought_is_not_sold_again_within_its_time(age_s, sold):
    """The cheaper one was bought an hour ago, or a little less."""
    gamma = GammaPolicy(GammaBand(upper=0.25), GammaBand(), action="auto", min_hold_s=3_600.0)
    wide = DeltaPolicy(Band(-50.0, 0.0, 50.0), Fixed(45.0))
    rules = desk_rules(gamma=gamma, delta=wide, limits=LimitRules(order_usd=1e9))
    rows = [replace(ROWS[0], bid=0.0304), ROWS[1]]
    held = {CALL.name: "10", PUT.name: "10"}
    desk = ScriptedDesk(rules=rules, rows=rows, positions=held)
    desk.core.gamma["BTC"].traded[CALL.name] = Traded(desk.now_ns - age_s * NS_PER_S, 1.0)
    legs = placed(_wanted(desk.started()))
    assert legs
    assert (CALL.name in {leg.instrument for leg in legs}) is sold


def test_a_plan_that_is_not_worth_its_round_trip_is_told_and_not_sent():
    """To an owner who minds little; a limit that is passed badly is not asked."""
    desk = _desk(aversion=1e-4)
    assert placed(_wanted(desk))
    gamma = {"aversion": 1e-4, "aim_share": 0.2}
    desk = _desk(**gamma)
    assert placed(_wanted(desk)) == []
    assert _refusals(desk) == [[Reason.NOT_WORTH_IT]]
    assert placed(_wanted(_desk(**(gamma | {"benefit_factor": 0.0}))))
    assert placed(_wanted(_desk(aim_share=0.2)))


def test_a_vega_limit_is_kept_too():
    """Twenty calls short of nearly 30 days: their vega comes back inside its own bucket."""
    gamma = GammaPolicy(GammaBand(), GammaBand(), action="auto", vega_usd={"from_7d": 800.0})
    rules = desk_rules(gamma=gamma, limits=LimitRules(order_usd=1e9))
    desk = ScriptedDesk(rules=rules, rows=list(ROWS), positions={CALL.name: "-20"})
    desk.positions[PERPETUAL] = "422670"
    legs = placed(_wanted(desk.started()))
    assert legs
    for leg in legs:
        desk.completes(leg)
    sample = desk.core.sample("BTC", desk.now_ns)
    vega = sum(sample.vega_by_tenor_usd.values())
    assert -800.0 <= vega <= 0.0
    assert _told(desk)[0].reasons[0].reason is Reason.VEGA_LIMIT


def test_a_position_in_two_accounts_is_planned_for_as_one():
    """Split or not: the same program but for the time."""
    whole = _asked(_desk("propose"))
    split = _desk("propose")
    parts = [Position(CALL.name, CALL.quantity(Decimal(n)), a) for n, a in ((-12, "x"), (-8, "y"))]
    parts.append(Position(PERPETUAL, parse(PERPETUAL).quantity(Decimal(422670)), "x"))
    split.handle(PositionsReport(split.now_ns, tuple(parts), (split.balance,)))
    split.core.gamma["BTC"].asked_ns = None
    split = _asked(split.wait(3.0))
    one, other = (replace(d.program, ts_ns=0) for d in (whole, split))
    assert one.held == other.held
    assert [(o.name, o.most, o.closes) for o in one.offers] == [
        (o.name, o.most, o.closes) for o in other.offers
    ]


def test_a_large_proposal_is_a_ticket_for_a_block():
    """Signed legs and what the whole is worth; a small one is none."""
    desk = _desk("propose", rfq_usd=100_000.0)
    shown = desk.core.preview("BTC", desk.now_ns, solve)
    (ticket,) = shown["rfq"]
    assert {leg["instrument"]: leg["quantity"] for leg in ticket["legs"]} == {
        row["instrument"]: row["quantity"] for row in shown["proposed"]
    }
    coins = sum(leg["quantity"] for leg in ticket["legs"])
    assert ticket["currency"] == "BTC"
    assert ticket["net_screen"] == pytest.approx(0.0305 * coins)
    assert ticket["net_mark"] == pytest.approx(0.03025 * coins)
    assert ticket["net_most"] > ticket["net_screen"]
    assert shown["options"]["found"] in {"rounded", "integer"}
    assert _desk("propose", rfq_usd=1e9).core.preview("BTC", desk.now_ns, solve)["rfq"] == []


def test_a_preview_does_not_search_by_itself():
    """A running bot shows what was found last, while that fits the book."""
    desk = _desk("propose")
    assert desk.core.preview("BTC", desk.now_ns)["proposed"] == []
    _wanted(desk)
    shown = desk.core.preview("BTC", desk.now_ns)
    assert shown["proposed"]
    assert shown["proposed"] == desk.core.preview("BTC", desk.now_ns, solve)["proposed"]
    _thinned(desk)
    assert desk.core.preview("BTC", desk.now_ns)["proposed"] == []


def test_a_late_answer_is_not_taken_for_that_to_a_newer_question():
    """The owner traded meanwhile and the desk asked anew: the first solution is of another book."""
    desk = _desk()
    first = desk.program
    late = solve(first)
    newer = replace(first, ts_ns=first.ts_ns + NS_PER_S)
    desk.core.gamma["BTC"].asked = newer
    assert placed(desk.handle(GammaWanted(desk.now_ns, "BTC", late, first.ts_ns))) == []
    assert desk.core.gamma["BTC"].asked is newer


def test_a_plan_has_the_delta_that_is_there_then_options_then_what_they_bring():
    """As the desks do it: a search takes longer than a hedge."""
    desk = _desk(rows=[row for row in ROWS if row.instrument.is_call])
    desk.wait(1.0).market()
    desk.commands.clear()
    desk.wait(0.1).market(61_000.0)
    desk.wait(0.2)
    shown = desk.core.preview("BTC", desk.now_ns, solve)
    trades = [row["instrument"] for row in shown["trades"]]
    assert (trades[0], trades[-1]) == (PERPETUAL, PERPETUAL)
    legs = set(trades[1:-1])
    assert legs
    assert PERPETUAL not in legs
    assert {row["instrument"] for row in shown["candidates"][: len(legs)]} == legs
    assert any("with the options" in why for why in shown["reasons"])
    assert abs(shown["after"]["delta_coin"]) < 0.1
    assert shown["after"]["gamma_coin_per_pct"] >= -0.25
    assert not shown["outside"]


def test_a_plan_tells_of_a_passed_limit_that_nobody_acts_on():
    """With the action off."""
    desk = _desk(action="off")
    shown = desk.core.preview("BTC", desk.now_ns, solve)
    assert shown["refused"] == ["gamma_off(BTC)"]
    assert any(why.startswith("gamma_below") for why in shown["reasons"])
