"""The second key: a proof is good for one command, one coin and the words that were typed."""

from contextlib import closing
from dataclasses import replace

import pytest

from bot.cli.second_key import check_of
from bot.domain.errors import JournalError
from bot.domain.states import State
from bot.journal import Durability, Journal, Reader, RunStart
from bot.journal.queue import Command
from bot.journal.second_key import PROOF, REVIEW, no_key, proof, unproven
from bot.stepper import Stepper
from tests.desk.test_controls import BROKEN, WORDS, remembered

SECRET = "correct horse battery staple"
ASKED = Command("id1", REVIEW, "BTC", {}, "ann@desk", WORDS, 0)


def proven(secret=SECRET, **said):
    """Return a command with the proof of another, or of itself."""
    meant = replace(ASKED, **said)
    signed = proof(secret, meant.id, meant.verb, meant.coin, meant.why)
    return replace(ASKED, arguments={PROOF: signed})


def test_the_right_proof_is_believed():
    """Of this command by this secret."""
    assert unproven(SECRET, proven()) == ""


@pytest.mark.parametrize(
    "said",
    [
        {"secret": "correct horse battery stapler"},
        {"id": "id2"},
        {"verb": "resume"},
        {"coin": "ETH"},
        {"why": WORDS + " "},
    ],
)
def test_a_proof_of_anything_else_is_refused(said):
    """Another secret, a command that was sent before, another coin, other words."""
    assert "another key or another command" in unproven(SECRET, proven(**said))


@pytest.mark.parametrize("given", [None, 1, "", ["x"], "é"])
def test_what_is_no_proof_is_refused(given):
    """Whatever stands in its place."""
    refused = unproven(SECRET, replace(ASKED, arguments={} if given is None else {PROOF: given}))
    assert refused.startswith("refused: expected the proof of the second key, found")


def test_the_proof_does_not_show_the_secret():
    """What the journal keeps is of no use to who reads it."""
    (signed,) = proven().arguments.values()
    assert SECRET not in signed
    assert len(signed) == 64


def key_file(folder, mode=0o600, text=SECRET + "\n"):
    """Write a second key."""
    path = folder / "second.key"
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_file_that_others_may_read_is_no_key(tmp_path, mode):
    """It is looked at each time."""
    refused = check_of(key_file(tmp_path, mode))(proven())
    assert "a file for its owner alone (0600)" in refused
    assert SECRET not in refused


def test_a_short_secret_is_no_key(tmp_path):
    """It could be guessed from its proofs."""
    assert "at least 16 characters" in check_of(key_file(tmp_path, text="short"))(proven("short"))


def test_without_a_file_nothing_is_proven():
    """There is no way around it."""
    assert check_of(None) is no_key
    assert "found none" in no_key(proven())


class Deaf:
    """A venue that hears and says nothing."""

    def next_time(self):
        """Return that nothing ever happens."""

    def next_event(self, until_ns=None):
        """Return that nothing did."""

    def send(self, *_):
        """Take a request to nowhere."""

    def wake_at(self, _):
        """Sleep on."""


def listened(folder, check, command):
    """Let a halted bot hear one command; return its answer and where it stands."""
    desk = remembered(BROKEN, {})
    journal = Journal.open(folder, "demo", durability=Durability.BATCH)
    journal.begin_run(RunStart("sandbox", "venue", None, "test", desk.now_ns, {}, fresh=True))
    steps = Stepper(
        desk.core, Deaf(), journal, desk.now_ns, views=lambda _: (), account=lambda: ((), ())
    )
    steps.second_key = check
    reader = Reader.open(folder, "demo")
    given = command.arguments
    name = reader.submit(
        command.verb, command.coin, who="ann", why=command.why, arguments=given, name=command.id
    )
    steps.listen()
    journal.commit()
    answer = reader.answer(name)
    reader.close()
    journal.close()
    return answer, desk.stands()


def test_a_proven_review_lifts_the_halt(tmp_path):
    """And the journal has who asked, when, and what was lifted."""
    answer, state = listened(tmp_path, check_of(key_file(tmp_path)), proven())
    assert answer.accepted
    assert "lifted: runaway" in answer.outcome
    assert state is State.RECONCILING


@pytest.mark.parametrize("command", [ASKED, proven("another secret entirely"), proven(coin="ETH")])
def test_an_unproven_review_lifts_nothing(tmp_path, command):
    """The bot answers why; the core never hears of it."""
    answer, state = listened(tmp_path, check_of(key_file(tmp_path)), command)
    assert (answer.done, answer.accepted) == (True, False)
    assert "second key" in answer.outcome
    assert state is State.HALTED


def test_a_bot_without_a_second_key_stays_halted(tmp_path):
    """Somebody sets one up, restarts it and reviews."""
    answer, state = listened(tmp_path, no_key, proven())
    assert (answer.accepted, state) == (False, State.HALTED)


def test_a_command_that_was_taken_cannot_be_sent_again(tmp_path):
    """Its id is unique in the journal, so that its proof dies with it."""
    listened(tmp_path, check_of(key_file(tmp_path)), proven())
    with closing(Reader.open(tmp_path, "demo")) as reader, pytest.raises(JournalError):
        reader.submit(REVIEW, "BTC", who="eve", why=WORDS, name=ASKED.id)
