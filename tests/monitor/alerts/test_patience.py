"""The same story is told once in a while, what cannot wait always, and nothing vanishes unsaid."""

from bot.domain.units import NS_PER_S
from bot.monitor.alerts.alert import Alert, Severity
from bot.monitor.alerts.patience import KEPT, Patience


def at(patience: Patience, second: float, severity=Severity.WARNING, kind="refused", coin="BTC"):
    """Ask for a message at a second."""
    return patience.let(Alert(kind, severity, coin, "a hedge was refused"), int(second * NS_PER_S))


def test_a_story_waits_for_its_cooldown_and_then_says_how_often_it_had_to():
    """The first at once; three are held back; the next says so."""
    patience = Patience(900.0)
    assert at(patience, 0) is not None
    assert [at(patience, second) for second in (1, 400, 899)] == [None, None, None]
    told = at(patience, 900)
    assert told is not None
    assert told.text == "3 like it were held back"
    assert at(patience, 901) is None


def test_other_stories_do_not_wait_for_it():
    """Another coin, another kind."""
    patience = Patience(900.0)
    at(patience, 0)
    assert at(patience, 1, coin="ETH") is not None
    assert at(patience, 1, kind="state HALTED") is not None


def test_what_cannot_wait_is_told_always():
    """A hundred times, if it comes to that."""
    patience = Patience(900.0)
    assert all(at(patience, second, Severity.CRITICAL) is not None for second in range(100))


def test_a_story_that_gets_worse_is_told_at_once():
    """And less urgent parts of it wait again."""
    patience = Patience(900.0)
    assert at(patience, 0, Severity.INFO) is not None
    assert at(patience, 1, Severity.WARNING) is not None
    assert at(patience, 2, Severity.INFO) is None


def test_it_remembers_no_more_than_it_needs():
    """A flood of stories is forgotten from its oldest on."""
    patience = Patience(900.0)
    for number in range(KEPT + 10):
        at(patience, 0, kind=f"kind {number}")
    assert len(patience.told) == KEPT
    assert at(patience, 1, kind="kind 0") is not None
