"""When a name that was met is worth a new look at the venue's list."""

from itertools import pairwise

from bot.domain.units import NS_PER_S
from bot.venues.deribit.directory import Directory
from bot.venues.deribit.flaws import Flaws
from tests.wire.scripted import CALL, option, perpetual

STRANGE = "BTC-25DEC26-110000-C"


class Venue:
    """A list and a clock that a test moves."""

    def __init__(self):
        """Begin with what is listed."""
        self.now_ns = 1_795_000_000 * NS_PER_S
        self.rows = [perpetual(), option()]
        self.directory = Directory(("BTC",), self.fetch, lambda: self.now_ns, Flaws())

    async def fetch(self):
        """Return the list as REST does."""
        return {"result": self.rows}

    def looks(self, name, seconds):
        """Return at which seconds a name that is met every second is looked up."""
        found = []
        for second in range(seconds):
            if self.directory.misses(name):
                found.append(second)
            self.now_ns += NS_PER_S
        return found


async def test_what_is_listed_is_no_miss():
    """Nor is what was listed once."""
    venue = Venue()
    await venue.directory.load()
    venue.rows = [perpetual()]
    await venue.directory.load()
    assert venue.looks(CALL, 10) == []


async def test_what_stays_unlisted_is_looked_up_ever_less_often():
    """At once, after 5, 10, 20 … seconds, and in the end every five minutes."""
    venue = Venue()
    await venue.directory.load()
    found = venue.looks(STRANGE, 2_000)
    assert found[:5] == [0, 5, 15, 35, 75]
    assert {later - sooner for sooner, later in pairwise(found[7:])} == {300}


async def test_every_name_has_its_own_pace():
    """A second stranger does not wait for the first one's turn."""
    venue = Venue()
    await venue.directory.load()
    venue.looks(STRANGE, 3)
    assert venue.directory.misses("BTC-25DEC26-120000-C")


async def test_another_coin_s_name_is_none_of_ours():
    """The account may hold what this bot has nothing to do with."""
    venue = Venue()
    await venue.directory.load()
    assert venue.looks("SOL-25DEC26-200-C", 10) == []


async def test_once_listed_its_misses_are_forgotten():
    """A later absence begins anew."""
    venue = Venue()
    await venue.directory.load()
    venue.looks(STRANGE, 40)
    venue.rows.append(option(STRANGE, 110_000.0))
    await venue.directory.load()
    assert venue.looks(STRANGE, 10) == []
    assert venue.directory._missed == {}


async def test_what_expired_is_known_for_a_day_and_no_longer():
    """Its settlement and its last trades still find its terms; what only vanished stays known."""
    venue = Venue()
    await venue.directory.load()
    venue.rows = [perpetual()]
    expiry_ns = venue.directory.known[CALL].instrument.expiry_ns
    assert expiry_ns is not None
    for late_ns, known in ((0, {"BTC-PERPETUAL", CALL}), (1, {"BTC-PERPETUAL"})):
        venue.now_ns = expiry_ns + 86_400 * NS_PER_S + late_ns
        await venue.directory.load()
        assert venue.directory.contracts().keys() == known
