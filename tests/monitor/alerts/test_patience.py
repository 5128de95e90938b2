"""The same story is told once in a while, what cannot wait always, and nothing vanishes unsaid."""

from bot.domain.units import NS_PER_S
from bot.monitor.alerts.alert import Alert, Severity
from bot.monitor.alerts.patience import KEPT, Patience


def at(patience: Patience, second: float, severity=Severity.WARNING, kind="refused", coin="BTC"):
    """Ask for a message at a second."""
    return patience.let(Alert(kind, severity, coin, "a hedge was refused"), int(second * NS_PER_S))


def test_a_story_waits_for_its_cooldown_and_then_says_how_often_it_had_to():
    """The first at once; three are held back; the last of them is told, and says so."""
    patience = Patience(900.0)
    assert at(patience, 0) is not None
    assert [at(patience, second) for second in (1, 400, 899)] == [None, None, None]
    assert patience.due(int(899 * NS_PER_S)) == []
    (told,) = patience.due(int(900 * NS_PER_S))
    assert told.text == "2 like it were held back"
    assert patience.due(int(2_000 * NS_PER_S)) == []
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


def test_the_last_word_on_an_urgent_story_is_told_within_a_minute():
    """Paused, running, paused: nobody may go on believing that it runs."""
    patience = Patience(900.0)

    def state(second: float, title: str, severity=Severity.INFO):
        alert = Alert("state", severity, "BTC", title, urgent=True)
        return patience.let(alert, int(second * NS_PER_S))

    assert state(0, "BTC is PAUSED", Severity.WARNING) is not None
    assert state(10, "BTC is RUNNING") is None
    assert state(20, "BTC is PAUSED", Severity.WARNING) is None
    (told,) = patience.due(int(60 * NS_PER_S))
    assert (told.title, told.text) == ("BTC is PAUSED", "1 like it were held back")


def test_a_clock_that_is_set_back_silences_nobody():
    """An hour of waiting would be no patience."""
    patience = Patience(900.0)
    assert at(patience, 86_400) is not None
    assert at(patience, 86_401) is None
    assert at(patience, 80_000) is not None
    assert at(patience, 80_001) is None
    assert len(patience.due(int(70_000 * NS_PER_S))) == 1
