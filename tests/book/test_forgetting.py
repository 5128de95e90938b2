"""What a book of a run without an end remembers: no more than it can still be asked about."""

import pytest

from bot.book.trades import Trades
from bot.domain.deribit import parse
from bot.domain.events import InstrumentsListed, Settled
from bot.domain.positions import Position
from bot.domain.units import utc_ns
from tests.builders.books import PERPETUAL, BookBuilder, quote
from tests.builders.fills import fill

CALL, OLD, FUTURE = "BTC-27MAR26-60000-C", "BTC-5JAN26-60000-C", "BTC-5JAN26"
EIGHT_NS = utc_ns(2026, 1, 5, 8)
NEXT_DAY_NS = utc_ns(2026, 1, 6, 8)


@pytest.fixture
def few(monkeypatch):
    """Let memories be short: three trades, six at most."""
    monkeypatch.setattr("bot.book.trades.KEPT", 3)


def told(*seconds):
    """Return a memory that was told of trades of these times."""
    trades = Trades()
    for second in seconds:
        trades.add(at(second))
    return trades


def at(second, label="a1"):
    """Return the trade of a second."""
    return fill(PERPETUAL, 10, trade=f"t{second}", label=label, ts_ns=second)


@pytest.mark.usefixtures("few")
def test_of_many_trades_the_newest_are_kept_and_the_others_stay_known():
    """However many there were, one that is told again counts never twice."""
    trades = told(*range(100))
    assert len(trades) <= 6
    assert all(trades.knows(at(second)) for second in range(100))
    assert not trades.knows(at(100))
    assert not trades.knows(at(99, label="another"))


@pytest.mark.usefixtures("few")
def test_trades_are_forgotten_by_their_own_time_and_not_by_when_they_were_told():
    """One that arrives late is older than others that stay, and one from the future stays."""
    trades = told(10, 9_999, 11, 12, 1, 13, 14)
    assert len(trades) == 3
    assert trades.forgotten_ns == 12
    assert all(trades.knows(at(second)) for second in (1, 10, 11, 12, 13, 14, 9_999))
    assert not trades.knows(at(15))


def listed(book, now_ns, *names):
    """List these now."""
    book.apply(InstrumentsListed(now_ns, "BTC", tuple(parse(name) for name in names)))


@pytest.mark.parametrize("late_ns, knows", [(0, True), (1, False)])
def test_what_expired_leaves_with_a_listing_a_day_later(late_ns, knows):
    """Until then a late fill or a settlement still finds its terms, and a future its price."""
    book = BookBuilder().built()
    listed(book, EIGHT_NS - 1, PERPETUAL, CALL, OLD, FUTURE)
    book.apply(quote(FUTURE, ts_ns=EIGHT_NS - 1, ts_venue_ns=EIGHT_NS - 1))
    listed(book, EIGHT_NS, PERPETUAL, CALL)
    listed(book, NEXT_DAY_NS + late_ns, PERPETUAL)
    old = {OLD, FUTURE} if knows else set()
    assert book.instruments.keys() == {PERPETUAL, CALL} | old
    assert (FUTURE in book.coins["BTC"].market.quotes) is knows


def test_what_is_held_stays_until_it_settles():
    """A settlement that is late finds what it is about."""
    book = BookBuilder().built()
    listed(book, EIGHT_NS - 1, PERPETUAL, OLD)
    book.adopt((Position(OLD, parse(OLD).quantity(-1)),), ())
    listed(book, NEXT_DAY_NS + 1, PERPETUAL)
    assert OLD in book.instruments
    book.apply(Settled(NEXT_DAY_NS + 2, OLD, 60_000.0))
    listed(book, NEXT_DAY_NS + 3, PERPETUAL)
    assert OLD not in book.instruments
