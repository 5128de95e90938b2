"""States: who may change them, and what only an operator can undo."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.reasons import Because, Reason
from bot.domain.states import STICKY, State
from bot.domain.units import NS_PER_S
from bot.risk.machine import INSTANCE, Machine
from tests.builders.books import NOW
from tests.struck import struck

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
    struck("F85", sum(kind == "judge" for kind, _ in happenings))
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


def test_what_is_switched_off_is_paused_whatever_happens_beneath():
    """Measuring goes on: the state below is judged, and nobody is told that it may send."""
    machine = _running()
    assert machine.switch_off("BTC", None)
    assert (machine.at("BTC"), machine.at("ETH")) == (State.PAUSED, State.RUNNING)
    machine.judge("BTC", (STALE,), NOW)
    assert machine.states["BTC"] is State.REDUCE_DELTA_ONLY
    assert machine.at("BTC") is State.PAUSED


def test_a_halt_outranks_what_is_switched_off():
    """The stricter applies."""
    machine = _running()
    machine.switch_off("BTC", None)
    machine.operator("", "halt", NOW, WORD)
    assert machine.at("BTC") is State.HALTED


@pytest.mark.parametrize("coin", ["", "BTC"])
def test_a_resume_does_not_switch_on(coin):
    """Whoever ends a halt need not know what another has switched off."""
    machine = _running()
    machine.switch_off("BTC", None)
    machine.operator(coin, "halt", NOW, WORD)
    machine.operator(coin, "resume", NOW, WORD)
    assert machine.at("BTC") is State.PAUSED


@pytest.mark.parametrize("verb,state", [("pause", State.PAUSED), ("halt", State.HALTED)])
def test_switching_on_ends_neither_a_pause_nor_a_halt(verb, state):
    """It takes back its own word and nothing else."""
    machine = _running()
    machine.operator("BTC", verb, NOW, WORD)
    machine.switch_off("BTC", None)
    assert machine.switch_on("BTC", NOW, WORD) == ()
    assert machine.at("BTC") is state


def test_switching_on_leads_through_reconciliation():
    """What happened meanwhile is looked at first; what was never off does not move."""
    machine = _running()
    machine.switch_off("BTC", None)
    (change,) = machine.switch_on("BTC", NOW, WORD)
    assert (change.before, change.after) == (State.RUNNING, State.RECONCILING)
    assert machine.switch_on("ETH", NOW, WORD) == ()
    assert machine.at("ETH") is State.RUNNING


def test_switching_on_before_the_start_leaves_the_way_up_alone():
    """BOOT ends with the instruments, not with a word."""
    machine = Machine(("BTC",))
    machine.switch_off("BTC", None)
    assert machine.switch_on("BTC", NOW, WORD) == ()
    assert machine.at("BTC") is State.BOOT


def test_a_snooze_ends_neither_a_longer_one_nor_what_is_off():
    """A word that stops is never weakened by another that stops."""
    machine = _running()
    assert machine.switch_off("BTC", _later(60.0))
    assert not machine.switch_off("BTC", _later(30.0))
    assert machine.switch_off("BTC", _later(90.0))
    assert machine.awake(_later(89.9)) == ()
    assert machine.awake(_later(90.0)) == ("BTC",)
    assert machine.switch_off("BTC", None)
    assert not machine.switch_off("BTC", _later(600.0))
    assert machine.awake(_later(1e6)) == ()
