"""Names that are ours, words that are right, and how often one may be wrong."""

import pytest

from bot.monitor.dashboard.access import ALL_TRIES, FORGET_S, PEERS, TRIES, Access

WORD = "correct-horse-battery"


class Clock:
    """A clock that is set."""

    now = 0.0

    def __call__(self) -> float:
        """Return its time."""
        return self.now


@pytest.mark.parametrize(
    "host,ours",
    [
        ("127.0.0.1:8787", True),
        ("[::1]:8787", True),
        ("192.168.1.5", True),
        ("localhost:1", True),
        ("LOCALHOST.", True),
        ("desk.example:80", True),
        ("evil.example", False),
        ("127.0.0.1.evil.example:8787", False),
        ("localhost.evil.example", False),
        ("", False),
        (None, False),
    ],
)
def test_only_our_own_names_are_answered(host, ours):
    """A name that somebody else can point at us is not ours."""
    assert Access(None, ["desk.example"]).named(host) is ours


def test_without_a_word_everybody_on_this_machine_is_let_in():
    """Loopback needs none."""
    access = Access(None)
    assert access.open
    assert access.knows(None)


def test_the_cookie_stands_for_the_word_and_is_not_it():
    """It survives a restart, and ends when the word is changed."""
    access = Access(WORD)
    assert WORD not in access.cookie()
    assert access.knows(access.cookie())
    assert Access(WORD).knows(access.cookie())
    assert not Access(f"{WORD}2").knows(access.cookie())
    for wrong in (None, "", WORD, access.cookie()[:-1]):
        assert not access.knows(wrong)


def test_a_peer_with_too_many_wrong_words_is_not_heard_for_a_while():
    """Not even with the right one; others are."""
    clock = Clock()
    access = Access(WORD, clock_s=clock)
    assert [access.try_word("a", "no") for _ in range(TRIES)] == [False] * TRIES
    assert access.try_word("a", WORD) is None
    assert access.try_word("b", WORD) is True
    clock.now = FORGET_S + 1.0
    assert access.try_word("a", WORD) is True
    assert access.try_word("a", "no") is False


def test_many_peers_together_are_slowed_down_too():
    """Guesses from a thousand addresses are guesses."""
    access = Access(WORD, clock_s=Clock())
    heard = [access.try_word(f"peer {n}", "no") for n in range(ALL_TRIES + 5)]
    assert heard == [False] * ALL_TRIES + [None] * 5
    assert ALL_TRIES < PEERS
