"""The first large live hedge waits for typed words, with its figures in both numeraires."""

import pytest

from bot.domain.reasons import Reason
from bot.domain.records import CommandOutcome, Decision
from bot.risk.limits import LimitRules
from tests.builders.scripted_desk import CALL, ScriptedDesk, desk_rules, noted, placed

SHORT = {CALL.name: "-1"}


def _waiting(confirm_usd=1_000.0, **limits):
    """Return a live desk whose first hedge is larger than what goes unasked."""
    rules = desk_rules(limits=LimitRules(confirm_usd=confirm_usd, **limits))
    desk = ScriptedDesk(rules=rules, positions=dict(SHORT))
    desk.core.floor.unconfirmed.add("BTC")
    return desk.started()


def _refusal(desk):
    (decision,) = [d for d in noted(desk.commands, Decision) if d.refused]
    (because,) = decision.refused
    return because


def test_a_large_first_hedge_waits_and_says_before_and_after_in_both_numeraires():
    """A short call is another delta in coin than in dollars; the hedge moves both alike."""
    desk = _waiting()
    assert placed(desk.commands) == []
    because = _refusal(desk)
    assert because.reason is Reason.NEEDS_CONFIRMATION
    figures = because.numbers
    assert figures["before_in_usd_book"] != pytest.approx(figures["before_in_coin_book"], abs=1e-3)
    moved = figures["after_in_usd_book"] - figures["before_in_usd_book"]
    assert moved == pytest.approx(figures["after_in_coin_book"] - figures["before_in_coin_book"])
    assert abs(figures["after_in_usd_book"]) < abs(figures["before_in_usd_book"])


def test_the_right_words_let_it_go():
    """The words name the hedge; with them it is sent, and later ones need no more."""
    desk = _waiting()
    words = desk.core.floor.words["BTC"]
    (outcome,) = noted(desk.says("confirm", "BTC", why=words), CommandOutcome)
    assert outcome.accepted
    desk.wait(1.0).market()
    assert len(placed(desk.commands)) == 1


@pytest.mark.parametrize("words", ["yes", "", "hedge BTC +99.00"])
def test_wrong_words_let_nothing_go(words):
    """What was expected and what was typed is the answer."""
    desk = _waiting()
    (outcome,) = noted(desk.says("confirm", "BTC", why=words), CommandOutcome)
    assert not outcome.accepted
    assert desk.core.floor.words["BTC"] in outcome.outcome
    desk.wait(1.0).market()
    assert placed(desk.commands) == []


def test_a_small_hedge_needs_no_words():
    """Below the owner's size nobody is asked."""
    assert len(placed(_waiting(confirm_usd=1e9).commands)) == 1


def test_a_large_hedge_in_small_slices_waits_all_the_same():
    """What counts is the whole plan, not what one order may carry."""
    desk = _waiting(confirm_usd=10_000.0, order_usd=5_000.0)
    assert placed(desk.commands) == []
    assert _refusal(desk).reason is Reason.NEEDS_CONFIRMATION


def test_the_words_are_told_and_stay_while_the_hedge_is_nearly_the_same():
    """A person has a minute to type them; a much different hedge asks anew."""
    desk = _waiting()
    words = desk.core.floor.words["BTC"]
    assert _refusal(desk).subject == words
    desk.wait(5.0).market(60_200.0)
    assert desk.core.floor.words["BTC"] == words
    desk.wait(5.0).market(64_000.0)
    assert desk.core.floor.words["BTC"] != words


def test_the_words_of_one_underlying_let_no_other_go():
    """Each coin is confirmed on its own."""
    desk = _waiting()
    desk.core.floor.unconfirmed.add("ETH")
    desk.says("confirm", "BTC", why=desk.core.floor.words["BTC"])
    assert desk.core.floor.unconfirmed == {"ETH"}


def test_a_standing_refusal_is_told_again_every_five_minutes():
    """Nobody has to search the journal for the one line that said it."""
    desk = _waiting()
    for _ in range(61):
        desk.wait(10.0).market()
    told = [d for d in noted(desk.commands, Decision) if d.refused]
    assert [round((d.ts_ns - told[0].ts_ns) / 1e9) for d in told] == [0, 300, 600]
