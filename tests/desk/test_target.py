"""An operator's target: the band moves as a whole, trades follow, and it stays over a restart."""

import math
from dataclasses import replace

import pytest

from bot.desk.target import Targets, moved
from bot.domain.events import Operator
from bot.domain.records import CommandOutcome, Decision, ExposureSample, Standing, Word
from bot.journal.queue import Command
from tests.builders.scripted_desk import CALL, ScriptedDesk, noted, placed

SHORT = {CALL.name: "-1"}


def hedged() -> ScriptedDesk:
    """Return a desk whose first hedge is done: delta is about its target of 0."""
    desk = ScriptedDesk(positions=dict(SHORT)).started()
    (order,) = placed(desk.commands)
    desk.completes(order)
    desk.commands.clear()
    return desk


def says(desk: ScriptedDesk, level: float | None, why: str = "lean"):
    """Say a target; return the answer and all commands."""
    event = Operator(desk.now_ns, f"c{desk.now_ns}", "target", "BTC", "ann", why, level=level)
    commands = desk.handle(event)
    (answer,) = noted(commands, CommandOutcome)
    return answer, commands


def owner(desk: ScriptedDesk):
    """Return the owner's band in force."""
    return desk.core.rules["BTC"].delta.owner


def test_the_band_moves_as_a_whole_and_delta_follows():
    """Target, lower and upper by the same distance; the next look trades to the new target."""
    desk = hedged()
    answer, commands = says(desk, -0.5)
    assert answer.accepted
    assert answer.outcome == "BTC: target +0 -> -0.5 coin, band -0.6 to -0.4"
    (word,) = noted(commands, Standing)
    assert (word.word, word.active, word.until_ns) == (Word.TARGET, True, None)
    assert word.because.subject == "ann: lean"
    band = owner(desk)
    assert (band.lower, band.target, band.upper) == pytest.approx((-0.6, -0.5, -0.4))
    desk.wait(0.5).market()
    (order,) = placed(desk.commands)
    (made,) = noted(desk.commands, Decision)
    assert (made.target, made.lower, made.upper) == pytest.approx((-0.5, -0.6, -0.4))
    assert float(order.quantity) / 60_000.0 == pytest.approx(-0.5, abs=0.01)
    sample = desk.core.sample("BTC", desk.now_ns)
    assert isinstance(sample, ExposureSample)
    assert (sample.target, sample.lower) == pytest.approx((-0.5, -0.6))


def test_the_policys_band_moves_with_it():
    """What is inside it is chosen anew around the new target."""
    desk = hedged()
    says(desk, 0.3)
    desk.wait(0.5).market()
    (made,) = noted(desk.commands, Decision)
    assert 0.2 <= made.policy_lower < 0.3 < made.policy_upper <= 0.4


def test_back_where_the_settings_say_nothing_stands_any_more():
    """The band is exactly the settings' again."""
    desk = hedged()
    usual = owner(desk)
    says(desk, 0.3)
    answer, commands = says(desk, 0.0)
    (word,) = noted(commands, Standing)
    assert not word.active
    assert answer.outcome.endswith("as the settings say")
    assert owner(desk) == usual


@pytest.mark.parametrize(
    "level,found",
    [
        (None, "found none"),
        (math.nan, "found nan"),
        (math.inf, "found inf"),
        (5.01, "found 5.01"),
        (-100.0, "found -100"),
    ],
)
def test_a_slip_of_the_finger_moves_nothing(level, found):
    """No number, or further than fifty half-widths: refused with what is possible."""
    desk = hedged()
    usual = owner(desk)
    answer, commands = says(desk, level)
    assert not answer.accepted
    assert found in answer.outcome
    assert noted(commands, Standing) == []
    assert owner(desk) == usual
    desk.wait(0.5).market()
    assert placed(desk.commands) == []


def test_it_stands_over_a_restart_even_where_the_settings_have_moved():
    """The word is absolute: another width of the settings is kept around it."""
    desk = hedged()
    _, commands = says(desk, -0.5)
    (word,) = noted(commands, Standing)
    again = ScriptedDesk(positions=dict(SHORT))
    assert again.core.remember((word,), (), again.now_ns) == ()
    band = owner(again)
    assert (band.lower, band.target, band.upper) == pytest.approx((-0.6, -0.5, -0.4))


@pytest.mark.parametrize("levels", [(4.9, 5.3), (-4.9, -5.3), (2.0, 4.0, 4.5)])
def test_hedges_to_a_target_that_moves_are_no_repeated_orders(levels):
    """An operator's word explains them: no breaker takes them for a bot gone wild."""
    desk = hedged()
    for level in levels:
        says(desk, level)
        for _ in range(4):
            desk.wait(0.5).market()
            orders = placed(desk.commands)
            desk.commands.clear()
            for order in orders:
                desk.wait(0.05).completes(order)
        assert desk.core.sample("BTC", desk.now_ns).delta_coin == pytest.approx(level, abs=0.1)
        assert not desk.core.floor.control("BTC").review


def test_a_word_is_over_once_the_settings_say_the_same():
    """Else it would come back when they move on, weeks later."""
    desk = hedged()
    _, commands = says(desk, 0.3)
    (word,) = noted(commands, Standing)
    again = ScriptedDesk(positions=dict(SHORT))
    rules = again.core.rules["BTC"]
    rules.delta = replace(rules.delta, owner=moved(rules.delta.owner, 0.3))
    again.core.verbs.targets = Targets(again.core.floor, again.core.rules)
    (over,) = noted(again.core.remember((word,), (), again.now_ns), Standing)
    assert (over.word, over.active) == (Word.TARGET, False)
    assert owner(again).target == 0.3


def test_a_word_from_another_process_is_a_number_or_refused():
    """What the queue holds is JSON that anybody may have written."""
    for said, level in ((-0.25, -0.25), (3, 3.0), ("0.1", math.nan), (True, math.nan)):
        event = Command("c", "target", "BTC", {"target": said}, "w", "", 0).event(1)
        assert event.level == pytest.approx(level, nan_ok=True)
    assert Command("c", "target", "BTC", {}, "w", "", 0).event(1).level is None
