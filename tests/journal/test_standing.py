"""What stands until a time outlives the bot that was told, and readers see it."""

from contextlib import closing
from dataclasses import replace
from decimal import Decimal

import pytest

from bot.domain.events import Operator
from bot.domain.positions import Position
from bot.domain.reasons import Because, Reason
from bot.domain.records import Parked, Standing, Word
from bot.domain.states import State
from bot.domain.units import NS_PER_S, Quantity, Unit, iso
from bot.journal import Journal, Reader
from tests.journal.records import T0, run_start, sample

LATER = T0 + 600 * NS_PER_S
SAID = Because(Reason.OPERATOR, "ann: lunch")
OFF = Standing(T0, "BTC", Word.OFF, None, active=True, because=SAID)
SNOOZED = replace(OFF, until_ns=LATER)
HELD = replace(OFF, word=Word.HOLD, until_ns=LATER)
PERPETUAL = Position("BTC-PERPETUAL", Quantity(Decimal(-1230), Unit.USD), "book", "main")
PARKED = Parked(T0, "BTC", PERPETUAL, Decimal(-5000), T0 - 1, LATER)


@pytest.fixture
def journal(tmp_path):
    """Open a journal and begin a run."""
    journal = Journal.open(tmp_path, "demo")
    journal.begin_run(run_start(settings={"underlying": {"BTC": {"numeraire": "usd"}}}))
    yield journal
    journal.close()


@pytest.fixture
def reader(journal):
    """Open a reader beside the writer."""
    with closing(Reader.open(journal.path.parents[1], "demo")) as reader:
        yield reader


def released(part):
    """Return the record that a part is parked no more."""
    nothing = Quantity(Decimal(0), part.position.quantity.unit)
    return replace(part, position=replace(part.position, quantity=nothing))


@pytest.mark.parametrize("word", [OFF, SNOOZED, HELD])
def test_a_word_is_read_back_by_the_next_bot_until_it_is_taken_back(tmp_path, word):
    """With who said it, why, and until when; also by one that begins a fresh account."""
    with closing(Journal.open(tmp_path, "demo")) as first:
        first.begin_run(run_start())
        first.record(word)
    with closing(Journal.open(tmp_path, "demo")) as second:
        assert second.standing() == (word,)
        second.begin_run(run_start(fresh=True))
        assert second.standing() == (word,)
        second.record(replace(word, active=False))
        second.commit()
        assert second.standing() == ()


def test_the_words_of_one_coin_do_not_touch_another_s(journal):
    """Nor does a hold end what is off."""
    ether = replace(SNOOZED, coin="ETH")
    for word in (OFF, HELD, ether):
        journal.record(word)
    journal.record(replace(HELD, active=False))
    journal.commit()
    assert journal.standing() == (OFF, ether)


def test_a_newer_word_takes_the_place_of_the_older(journal):
    """One end for each word of a coin."""
    longer = replace(SNOOZED, until_ns=LATER + NS_PER_S)
    journal.record(SNOOZED)
    journal.record(longer)
    journal.commit()
    assert journal.standing() == (longer,)


def test_what_is_parked_belongs_to_its_account(tmp_path):
    """A resumed run reads it back exactly, a fresh account has nothing parked."""
    with closing(Journal.open(tmp_path, "demo")) as first:
        first.begin_run(run_start())
        first.record(PARKED)
    with closing(Journal.open(tmp_path, "demo")) as second:
        assert second.parked() == (PARKED,)
        second.begin_run(run_start(fresh=False))
        assert second.parked() == (PARKED,)
        second.begin_run(run_start(fresh=True))
        assert second.parked() == ()


def test_what_is_released_is_gone(journal):
    """A flat part takes the row away."""
    journal.record(PARKED)
    journal.record(released(PARKED))
    journal.commit()
    assert journal.parked() == ()


@pytest.mark.parametrize("record", [OFF, HELD, PARKED])
def test_it_does_not_wait_for_the_second(journal, record):
    """A crash right after the answer must not lose it."""
    journal.tick(T0, State.RUNNING)
    journal.record(record)
    journal.tick(T0, State.RUNNING)
    assert len(journal.standing()) + len(journal.parked()) == 1


def test_status_says_what_stands_and_until_when(journal, reader):
    """PAUSED where it is off, whatever state is beneath, and what is parked."""
    journal.record(sample(coin="BTC"))
    for record in (SNOOZED, HELD, PARKED):
        journal.record(record)
    journal.tick(T0, State.RUNNING)
    btc = reader.status()["underlyings"]["BTC"]
    stands = {"until": iso(LATER), "why": "ann: lunch"}
    assert (btc["state"], btc["off"], btc["hold"]) == ("PAUSED", stands, stands)
    assert btc["parked"] == [
        {"instrument": "BTC-PERPETUAL", "quantity": -1230.0, "unit": "usd", "until": iso(LATER)}
    ]
    journal.record(OFF)
    journal.commit()
    assert reader.status()["underlyings"]["BTC"]["off"] == {"until": None, "why": "ann: lunch"}


def test_status_leaves_out_what_has_run_out(journal, reader):
    """A bot that is gone cannot take it back any more."""
    for record in (SNOOZED, HELD, PARKED):
        journal.record(record)
    journal.tick(LATER, State.RUNNING)
    btc = reader.status()["underlyings"]["BTC"]
    assert (btc["off"], btc["hold"], btc["parked"]) == (None, None, [])


@pytest.mark.parametrize("for_s", [90.0, 90, None])
def test_a_length_of_time_reaches_the_core_as_one(journal, reader, for_s):
    """Typed, beside the reason and never inside it."""
    arguments = {} if for_s is None else {"for_s": for_s}
    reader.submit("snooze", "BTC", who="ann", why="lunch", arguments=arguments)
    (command,) = journal.take_commands()
    event = command.event(T0)
    assert event == Operator(T0, command.id, "snooze", "BTC", "ann", "lunch", for_s)


@pytest.mark.parametrize("found", ["90", True, [90], {"s": 90}])
def test_what_is_no_length_of_time_reaches_the_core_as_no_number(journal, reader, found):
    """So that it is refused like any other that makes no sense."""
    reader.submit("snooze", "BTC", who="ann", arguments={"for_s": found})
    (command,) = journal.take_commands()
    for_s = command.event(T0).for_s
    assert for_s is not None
    assert for_s != for_s  # noqa: PLR0124  NaN


@pytest.mark.parametrize("verb,waits", [("off", True), ("snooze", True), ("on", False)])
def test_what_only_stops_never_ages(tmp_path, verb, waits):
    """What loosens, parks or trades was meant for another moment."""
    now = [T0]
    with closing(Journal.open(tmp_path, "demo", wall_ns=lambda: now[0])) as journal:
        journal.begin_run(run_start())
        with closing(Reader.open(tmp_path)) as reader:
            reader.submit(verb, "BTC", who="ann")
        now[0] = 2**62
        assert bool(journal.take_commands()) is waits


def test_a_length_of_time_is_kept_with_a_command_that_came_by_another_way(journal):
    """The list of commands says what was asked, whole."""
    journal.heard(Operator(T0, "x1", "snooze", "BTC", "mqtt", "", 60.0))
    journal.commit()
    rows = journal._db.execute("SELECT verb, arguments FROM commands").fetchall()
    assert rows == [("snooze", '{"for_s":60.0}')]
