"""Which instrument hedges: preference, expiry, exclusion, and what is too near its end."""

from bot.book.book import Book, UnderlyingRules
from bot.book.measure import delta_in, measure
from bot.book.numeraire import Numeraire
from bot.book.scope import Scope
from bot.domain.deribit import parse
from bot.domain.events import InstrumentsListed
from bot.domain.instruments import FeeTier
from bot.domain.reasons import Reason
from bot.domain.units import NS_PER_S
from bot.strategy.choice import choose_hedge
from tests.builders.books import DAY_NS, NOW, PERPETUAL, book, quote

FUTURES = ("BTC-6JAN26", "BTC-30JAN26", "BTC-27MAR26", "BTC-26JUN26")


def _book(*names, kinds=("future",), exclude=()):
    """Return a book whose futures are all quoted."""
    scope = Scope(exclude=frozenset(exclude))
    made = Book([UnderlyingRules("BTC", Numeraire.USD, "exclude", kinds, scope)])
    made.apply(InstrumentsListed(NOW, "BTC", tuple(parse(name) for name in names)))
    return _quoted(made, names, NOW)


def _quoted(made, names, now_ns):
    for name in names:
        made.apply(quote(name, ts_ns=now_ns, ts_venue_ns=now_ns))
    return made


def _chosen(made, now_ns=NOW):
    hedge, doubts = choose_hedge(made, "BTC", now_ns, FeeTier())
    return (None if hedge is None else hedge.instrument.name), [d.reason for d in doubts]


def test_the_future_that_expires_first_is_taken_not_the_first_by_name():
    """26JUN26 comes before 27MAR26 in the alphabet and after it in time."""
    assert _chosen(_book("BTC-26JUN26", "BTC-27MAR26")) == ("BTC-27MAR26", [])


def test_a_future_in_its_last_day_is_passed_over():
    """Its hedge would be gone at the next settlement."""
    made = _book(*FUTURES)
    assert _chosen(made) == ("BTC-30JAN26", [])


def test_a_future_is_taken_until_a_day_before_its_end():
    """A second more than a day is enough, a day is not."""
    now_ns = (parse("BTC-30JAN26").expiry_ns or 0) - DAY_NS
    made = _quoted(_book(*FUTURES), FUTURES, now_ns - NS_PER_S)
    assert _chosen(made, now_ns - NS_PER_S) == ("BTC-30JAN26", [])
    assert _chosen(made, now_ns) == ("BTC-27MAR26", [])


def test_without_anything_but_an_ending_future_there_is_no_hedge():
    """And that is said."""
    assert _chosen(_book("BTC-6JAN26")) == (None, [Reason.NO_HEDGE_INSTRUMENT])


def test_preference_comes_before_expiry():
    """The perpetual first where it is listed first."""
    names, kinds = (PERPETUAL, *FUTURES), ("perpetual", "future")
    assert _chosen(_book(*names, kinds=kinds)) == (PERPETUAL, [])


def test_an_excluded_instrument_never_hedges():
    """Neither the preferred one nor any other."""
    names, kinds = (PERPETUAL, "BTC-27MAR26", "BTC-26JUN26"), ("perpetual", "future")
    made = _book(*names, kinds=kinds, exclude=(PERPETUAL, "BTC-27MAR26"))
    assert _chosen(made) == ("BTC-26JUN26", [])
    assert _chosen(_book(PERPETUAL, kinds=kinds, exclude=(PERPETUAL,))) == (
        None,
        [Reason.NO_HEDGE_INSTRUMENT],
    )


def test_the_other_numeraires_delta_leaves_the_live_book_alone():
    """Nothing that others may be reading is changed, not even for a moment."""
    built = book("usd").short_call().perpetual().built()
    rules = built.coins["BTC"].rules
    expected = measure(book("coin").short_call().perpetual().built(), "BTC", NOW).delta
    assert delta_in(built, "BTC", NOW, Numeraire.COIN) == expected
    assert built.coins["BTC"].rules is rules
