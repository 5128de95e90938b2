"""Labels say whose an order is and which of two bots was there first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.labels import is_elder, stem

BORN = 1_795_000_000_000_000_000
names = st.from_regex(r"[a-z][a-z0-9-]{0,30}", fullmatch=True)
moments = st.integers(0, 4_000_000_000_000_000_000)


def test_on_paper_a_label_is_the_same_in_every_repetition():
    """No clock in it."""
    assert stem("demo", 3) == "db-demo-3-"


def test_on_an_exchange_it_tells_when_the_run_began():
    """Two machines with one name, or two runs of one journal's copies, differ by a nanosecond."""
    assert stem("demo", 1, BORN) == "db-demo-dmyae83teiv4.1-"
    assert stem("demo", 1, BORN) != stem("demo", 1, BORN + 1)


@given(names, names, moments, moments, st.integers(1, 10**6))
def test_two_bots_agree_about_who_was_there_first(one, other, first_ns, then_ns, epoch):
    """Exactly one of two runs is the elder, whoever is asked; the earlier one where they differ."""
    left, right = stem(one, epoch, first_ns), stem(other, epoch, then_ns)
    if left == right:
        return
    left_is_elder = is_elder(f"{left}7", than=right)
    assert left_is_elder is not is_elder(f"{right}9", than=left)
    if first_ns != then_ns:
        assert left_is_elder is (first_ns < then_ns)


@pytest.mark.parametrize("label", ["db-1", "db-demo-3-7", "db-", "db-demo-.3-7", "db-demo-é.3-7"])
def test_a_label_that_does_not_tell_its_age_counts_as_elder(label):
    """What is not known must not be traded against."""
    assert is_elder(label, than=stem("demo", 1, BORN))


def test_a_label_fits_the_venue():
    """64 characters at most, whatever the instance is called."""
    assert len(f"{stem('x' * 200, 10**6, 4 * BORN)}{10**9}") <= 64
