"""States: who may change them, and what only an operator can undo."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.reasons import Because, Reason
from bot.domain.states import STICKY, State
from bot.domain.units import NS_PER_S
from bot.risk.machine import INSTANCE, Machine
from tests.builders.books import NOW

STALE = Because(Reason.STALE_QUOTE, "BTC-PERPETUAL")
WORD = Because(Reason.OPERATOR, "ann: test")


def _later(seconds):
    return NOW + round(seconds * NS_PER_S)


def _running():
    return Machine(("BTC", "ETH"), states=dict.fromkeys(("", "BTC", "ETH"), State.RUNNING))


def test_everything_begins_in_boot_but_for_an_operators_word():
    """A restart loosens nothing."""
    machine = Machine(("BTC",), states={"BTC": State.PAUSED})
    assert (machine.at("BTC"), machine.states[INSTANCE]) == (State.PAUSED, State.BOOT)


def test_doubts_lead_to_reduced_operation_and_no_further():
    """With their reasons, once."""
    machine = _running()
    (change,) = machine.judge("BTC", (STALE,), NOW)
    assert (change.before, change.after) == (State.RUNNING, State.REDUCE_DELTA_ONLY)
    assert change.reasons == (STALE,)
    assert machine.judge("BTC", (STALE,), _later(60.0)) == ()
    assert machine.at("BTC") is State.REDUCE_DELTA_ONLY
    assert machine.at("ETH") is State.RUNNING


def test_reduced_operation_ends_after_five_quiet_seconds():
    """A doubt in between starts them anew."""
    machine = _running()
    machine.judge("BTC", (STALE,), NOW)
    assert machine.judge("BTC", (), _later(1.0)) == ()
    assert machine.judge("BTC", (STALE,), _later(3.0)) == ()
    assert machine.judge("BTC", (), _later(4.0)) == ()
    assert machine.judge("BTC", (), _later(8.9)) == ()
    (change,) = machine.judge("BTC", (), _later(9.0))
    assert change.after is State.RUNNING


events = st.lists(
    st.one_of(
        st.tuples(st.just("judge"), st.sampled_from([(), (STALE,)])),
        st.tuples(
            st.just("climb"), st.sampled_from([State.RECONCILING, State.READY, State.RUNNING])
        ),
    ),
    max_size=20,
)


@given(st.sampled_from(sorted(STICKY)), events)
def test_nothing_automatic_ends_an_operators_word(word, happenings):
    """Neither good data nor a reconciliation resumes."""
    machine = _running()
    machine.states["BTC"] = word
    for second, (kind, what) in enumerate(happenings):
        if kind == "judge":
            machine.judge("BTC", what, _later(second))
        else:
            machine.climb("BTC", what, _later(second))
    assert machine.states["BTC"] is word


@given(events)
def test_nothing_automatic_pauses_or_halts(happenings):
    """Automatic controls never do more than reduce or reconcile."""
    machine = _running()
    for second, (kind, what) in enumerate(happenings):
        if kind == "judge":
            machine.judge("BTC", what, _later(second))
        else:
            machine.climb("BTC", what, _later(second))
        assert machine.at("BTC") not in STICKY


@pytest.mark.parametrize("verb,state", [("pause", State.PAUSED), ("halt", State.HALTED)])
def test_a_word_for_one_coin_leaves_the_other_running(verb, state):
    """And a word for all stops all."""
    machine = _running()
    machine.operator("BTC", verb, NOW, WORD)
    assert (machine.at("BTC"), machine.at("ETH")) == (state, State.RUNNING)
    machine.operator("", verb, NOW, WORD)
    assert (machine.at("BTC"), machine.at("ETH")) == (state, state)


def test_a_pause_does_not_soften_a_halt():
    """The stricter word stands; the same word twice is one change."""
    machine = _running()
    machine.operator("BTC", "halt", NOW, WORD)
    assert machine.operator("BTC", "pause", NOW, WORD) == ()
    assert machine.operator("BTC", "halt", NOW, WORD) == ()
    assert machine.at("BTC") is State.HALTED


def test_a_resume_leads_through_reconciliation():
    """Only what was stopped moves, never straight to RUNNING."""
    machine = _running()
    machine.operator("", "pause", NOW, WORD)
    machine.operator("BTC", "halt", NOW, WORD)
    changes = machine.operator("", "resume", NOW, WORD)
    assert [(c.coin, c.after) for c in changes] == [
        ("", State.RECONCILING),
        ("BTC", State.RECONCILING),
    ]
    assert machine.at("ETH") is State.RECONCILING
    assert machine.operator("", "resume", NOW, WORD) == ()


@pytest.mark.parametrize("verb", ["", "flatten", "RESUME", "stop"])
def test_a_word_that_is_not_understood_changes_nothing(verb):
    """Least of all does it resume."""
    machine = _running()
    machine.operator("BTC", "halt", NOW, WORD)
    assert machine.operator("BTC", verb, NOW, WORD) == ()
    assert machine.at("BTC") is State.HALTED
