"""Margin asked before what adds risk: the question, its answers, silence, and what never waits."""

from dataclasses import replace

import pytest

from bot.desk.whatif import GOOD_S, PATIENCE_S
from bot.domain.commands import AskMargin
from bot.domain.events import BalancesReport, MarginAnswer
from bot.domain.positions import Balance
from bot.domain.reasons import Reason
from bot.domain.records import Decision, MarginSample
from bot.domain.states import State
from bot.domain.units import NS_PER_S
from bot.risk.limits import LimitRules
from bot.strategy.bands import GammaBand
from bot.strategy.gamma import GammaPolicy
from bot.strategy.options.solve import solve
from tests.builders.books import PERPETUAL, OptionRow, contract_of
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
STANDARD = Balance("BTC", 5.0, 5.0, 0.1, 0.05, model="segregated_sm")


def short_of_gamma(balance=BALANCE):
    """Return a running desk that will want options; its questions are the test's to answer."""
    gamma = GammaPolicy(GammaBand(lower=-0.25), GammaBand(), action="auto")
    rules = desk_rules(gamma=gamma, limits=LimitRules(order_usd=1e9))
    held = {CALL.name: "-20", PERPETUAL: "422670"}
    desk = ScriptedDesk(rules=rules, rows=list(ROWS), positions=held, balance=balance, after=None)
    return desk.started()


def asked(desk):
    """Let the desk want options and return its question about margin."""
    for _ in range(60):
        desk.wait(0.5).market()
        if desk.core.gamma["BTC"].asked_ns is not None:
            desk.wait(desk.rules.gamma_think_s).market()
            found = [c for c in desk.solved() if isinstance(c, AskMargin)]
            if found:
                return found[0]
    raise AssertionError("no question was asked")


def refusals(desk, kind="gamma"):
    """Return the reasons of what was refused."""
    return [b.reason for d in noted(desk.commands, Decision) if d.kind == kind for b in d.refused]


def test_options_are_asked_about_before_any_of_them_leaves():
    """One question names all legs with their sizes; the answer sends just those."""
    desk = short_of_gamma()
    question = asked(desk)
    assert not [o for o in placed(desk.commands) if o.purpose == "gamma"]
    legs = placed(desk.wait(0.2).answers(question, BALANCE))
    assert {o.instrument: o.quantity for o in legs} == dict(question.changes)
    assert question.currency == "BTC"


@pytest.mark.parametrize(
    "after",
    [
        Balance("BTC", 5.0, 5.0, 3.2, 0.1),
        Balance("BTC", 5.0, 5.0, 0.1, 2.6),
        Balance("BTC", 5.0, 5.0, 1.0, 0.5, margin_balance=1.5),
    ],
)
def test_what_would_pass_the_margin_limit_is_refused(after):
    """Initial above 60 %, maintenance above 50 %, of what the venue holds it against."""
    desk = short_of_gamma()
    assert placed(desk.answers(asked(desk), after)) == []
    assert set(refusals(desk)) == {Reason.MARGIN}


def test_the_premium_is_taken_off_what_margin_is_held_against():
    """A simulated position is not paid for: what the legs cost would be missing afterwards."""
    desk = short_of_gamma(balance=STANDARD)
    question = asked(desk)
    paid = 0.0305 * sum(float(size) for _, size in question.changes)
    funds = 0.2
    enough = Balance("BTC", 5.0, 5.0, 0.6 * funds, 0.0, margin_balance=funds + paid + 1e-6,
                     model="segregated_sm")  # fmt: skip
    short = Balance("BTC", 5.0, 5.0, 0.6 * funds, 0.0, margin_balance=funds + paid - 1e-3,
                    model="segregated_sm")  # fmt: skip
    assert placed(desk.answers(question, short)) == []
    assert set(refusals(desk)) == {Reason.MARGIN}
    desk = short_of_gamma(balance=STANDARD)
    assert placed(desk.answers(asked(desk), enough))


def test_a_venue_that_does_not_say_gets_no_order():
    """Its refusal is told with its words; silence is told as well, and another try follows."""
    desk = short_of_gamma()
    assert placed(desk.answers(asked(desk), None, "expected a result, found 10028")) == []
    desk.wait(0.5).market()
    assert refusals(desk) == [Reason.MARGIN_UNANSWERED]
    desk = short_of_gamma()
    asked(desk)
    for _ in range(round(PATIENCE_S) + 1):
        desk.wait(1.0).market()
    assert refusals(desk) == [Reason.MARGIN_UNANSWERED]
    assert placed(desk.answers(asked(desk), BALANCE))


@pytest.mark.parametrize("held", [{}, {CALL.name: "1"}, {CALL.name: "1", PUT.name: "2"}])
def test_where_the_share_of_margin_is_used_up_the_purse_is_named(held):
    """Nothing is asked; a long option that may be sold does not hide why none may be bought."""
    full = replace(STANDARD, initial_margin=3.5)
    gamma = GammaPolicy(GammaBand(lower=2.0), GammaBand(), action="auto")
    rules = desk_rules(gamma=gamma, limits=LimitRules(order_usd=1e9))
    desk = ScriptedDesk(rules=rules, rows=list(ROWS), positions=held, balance=full).started()
    for _ in range(60):
        desk.wait(0.5).market()
        if desk.core.gamma["BTC"].asked_ns is not None:
            desk.wait(desk.rules.gamma_think_s).market()
            desk.solved()
    (refused,) = [d.refused for d in noted(desk.commands, Decision) if d.kind == "gamma"]
    assert [because.reason for because in refused] == [Reason.NO_FUNDS]
    assert refused[0].numbers["left"] == 0.0
    assert 0.0 < refused[0].numbers["least"] < 0.0305
    assert not [c for c in desk.commands if isinstance(c, AskMargin)]
    assert not [o for o in placed(desk.commands) if o.purpose == "gamma"]


def test_an_answer_to_another_question_sends_nothing():
    """Nor one that comes twice, nor one that comes after its question was given up."""
    desk = short_of_gamma()
    question = asked(desk)
    strange = AskMargin("BTC-9-m9", "BTC", "BTC", question.changes)
    assert placed(desk.answers(strange, BALANCE)) == []
    for _ in range(round(PATIENCE_S) + 1):
        desk.wait(1.0).market()
    assert placed(desk.answers(question, BALANCE)) == []


def test_a_plan_that_grew_while_it_was_asked_about_waits():
    """An answer about less says nothing about more: it is asked about anew."""
    desk = short_of_gamma()
    question = asked(desk)
    whatif = desk.core.gamma["BTC"].whatif
    (orders,) = [asked_about.orders for asked_about in whatif.questions.values()]
    for name, order in list(orders.items()):
        orders[name] = replace(order, quantity=0.4 * order.quantity)
    assert placed(desk.answers(question, BALANCE)) == []
    again = asked(desk)
    assert (again.question != question.question, again.changes) == (True, question.changes)


def test_an_old_answer_is_none():
    """What margin was a while ago says nothing about an order of now."""
    desk = short_of_gamma()
    question = asked(desk)
    whatif = desk.core.gamma["BTC"].whatif
    order = next(o for q in whatif.questions.values() for o in q.orders.values())
    assert whatif.after(order, desk.now_ns) is None
    whatif.hear(MarginAnswer(desk.now_ns, question.question, "BTC", BALANCE))
    assert whatif.after(order, desk.now_ns) is BALANCE
    assert whatif.after(order, desk.now_ns + round((GOOD_S + 0.1) * NS_PER_S)) is None


def test_a_hedge_that_reduces_delta_asks_nobody():
    """It goes at once, whatever the venue would say."""
    desk = ScriptedDesk(positions={CALL.name: "-1"}, after=None).started()
    (hedge,) = placed(desk.commands)
    assert hedge.purpose == "delta"
    assert not [c for c in desk.commands if isinstance(c, AskMargin)]


def test_a_hedge_is_cut_to_what_the_funds_carry():
    """Under standard margin each perpetual adds margin: what the venue would refuse is not sent."""
    funds = Balance("BTC", 0.104, 0.104, 0.1, 0.05, model="segregated_sm")
    desk = ScriptedDesk(positions={CALL.name: "-1"}, balance=funds).started()
    (hedge,) = placed(desk.commands)
    assert float(hedge.quantity) / 60_000.0 == pytest.approx(0.004 / 0.02, rel=0.01)
    broke = Balance("BTC", 0.1, 0.1, 0.1, 0.05, model="segregated_sm")
    desk = ScriptedDesk(positions={CALL.name: "-1"}, balance=broke).started()
    assert placed(desk.commands) == []
    assert refusals(desk, "delta") == [Reason.NO_FUNDS]


def test_under_portfolio_margin_the_local_formula_stands_in_nobodys_way():
    """There a hedge frees margin."""
    broke = Balance("BTC", 0.1, 0.1, 0.1, 0.05, model="segregated_pm")
    desk = ScriptedDesk(positions={CALL.name: "-1"}, balance=broke).started()
    assert placed(desk.commands)


def test_a_preview_shows_what_would_go_without_asking():
    """The local formula stands in for the venue."""
    desk = short_of_gamma(balance=STANDARD)
    before = len(desk.commands)
    shown = desk.core.preview("BTC", desk.now_ns, solve)
    assert [t for t in shown["trades"] if t["instrument"] != PERPETUAL]
    assert len(desk.commands) == before


def test_streamed_balances_are_what_is_in_force():
    """Between two complete reports."""
    desk = ScriptedDesk(positions={CALL.name: "-1"}).started()
    desk.handle(BalancesReport(desk.now_ns, (STANDARD,)))
    assert desk.core.floor.book.holdings.balances["BTC"] is STANDARD


def test_margin_is_sampled_with_the_exposure():
    """What the account needs, what it has, and how far it is from liquidation."""
    desk = ScriptedDesk(positions={CALL.name: "-1"}, balance=STANDARD).started()
    desk.wait(6.0).market()
    sample = noted(desk.commands, MarginSample)[-1]
    assert (sample.model, sample.funds, sample.maintenance_margin) == ("segregated_sm", 5.0, 0.05)
    assert sample.down < 0.0 < sample.up


@pytest.mark.parametrize(
    "model,wanted,doubted",
    [
        ("segregated_sm", None, False),
        ("cross_pm", None, False),
        ("cross_pm", "cross_pm", False),
        ("", "cross_pm", False),
        ("segregated_sm", "segregated_pm", True),
        ("segregated_xx", None, True),
    ],
)
def test_an_account_in_another_margin_mode_only_reduces(model, wanted, doubted):
    """A model that is not the owner's, or that nobody knows, is a doubt that names it."""
    funds = Balance("BTC", 5.0, 5.0, 0.1, 0.05, model=model)
    desk = ScriptedDesk(rules=desk_rules(margin_model=wanted), balance=funds).started()
    desk.wait(1.0).market()
    assert (desk.stands() is State.REDUCE_DELTA_ONLY) is doubted
