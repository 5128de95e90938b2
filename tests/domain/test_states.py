"""Which state allows less, and what a reason looks like."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.reasons import Because, Reason
from bot.domain.states import SENDING, STICKY, State, stricter

states = st.sampled_from(State)


@given(states, states, states)
def test_the_stricter_state_is_an_order(one, two, three):
    """Whatever is combined first, the same state applies."""
    assert stricter(one, two) is stricter(two, one)
    assert stricter(one, stricter(two, three)) is stricter(stricter(one, two), three)
    assert stricter(one, one) is one


@pytest.mark.parametrize("state", State)
def test_a_halt_outranks_everything(state):
    """Nothing loosens a halt."""
    assert stricter(state, State.HALTED) is State.HALTED


@given(states, st.sampled_from(sorted(STICKY)))
def test_an_operators_word_outranks_every_automatic_state(state, word):
    """A pause or halt is never undone by combining it with another state."""
    assert stricter(state, word) in STICKY


def test_only_two_states_send_orders():
    """Everything before RUNNING and every operator's word sends nothing."""
    assert set(SENDING) == {State.RUNNING, State.REDUCE_DELTA_ONLY}


def test_a_reason_prints_its_subject_and_numbers():
    """Readable in a log line, parts left out when they are empty."""
    full = Because(Reason.STALE_QUOTE, "BTC-PERPETUAL", {"age_s": 3.5, "limit_s": 2.0})
    assert str(full) == "stale_quote(BTC-PERPETUAL: age_s=3.5, limit_s=2)"
    assert str(Because(Reason.COOLDOWN)) == "cooldown"
    assert str(Because(Reason.NO_QUOTE, "BTC")) == "no_quote(BTC)"
