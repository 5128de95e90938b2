"""Bugs in what is believed of prices, and one that makes decisions depend on more than events."""

from __future__ import annotations

import math
import time
from dataclasses import replace

from bot.book import market, measure, quality
from bot.book.market import CoinMarket
from bot.book.quality import Freshness
from bot.desk import ticket
from bot.domain.reasons import Reason
from tests.simulation.campaign.planted.plant import Ground, Plant, breaks

# A hedge is wanted here while prices are crossed, which are seconds in an hour.
CROSSED = Ground((57, 104, 111, 136), 0.05)
# And here while the newest quote of the hedge is no number, which takes a thousandth of the time.
NONSENSE = Ground((323, 156, 272), 0.3)


def _believe(plant: Plant, *reasons: Reason) -> None:
    """Let nothing be doubted for these reasons."""

    def doubt(original, *args):
        found = original(*args)
        return None if found is None or found.reason in reasons else found

    plant.around(market, "quote_doubt", doubt)
    plant.around(measure, "quote_doubt", doubt)


@breaks("I6")
def age_does_not_matter(plant: Plant) -> None:
    """A quote is good until the next one comes."""
    plant.swap(Freshness, "of", lambda *_: math.inf)


@breaks("I6")
def venue_time_does_not_matter(plant: Plant) -> None:
    """A quote is as old as its arrival, whatever the venue says of when it was made."""

    def doubt(original, quote, *args):
        young = None if quote is None else replace(quote, ts_venue_ns=quote.ts_ns)
        return original(young, *args)

    plant.around(market, "quote_doubt", doubt)
    plant.around(measure, "quote_doubt", doubt)


@breaks("I6", where=CROSSED)
def crossed_book_is_traded_on(plant: Plant) -> None:
    """A bid above the ask is a bargain."""
    _believe(plant, Reason.CROSSED_QUOTE)


@breaks("I6")
def one_side_is_enough(plant: Plant) -> None:
    """A book without bids or without asks is still a book."""
    _believe(plant, Reason.ONE_SIDED_QUOTE)


@breaks("I6", "I10", "I11", "I13")
def anything_is_a_number(plant: Plant) -> None:
    """NaN, infinity and negative prices pass."""
    plant.swap(market, "number_doubt", lambda _: None)
    plant.swap(market, "basis_doubt", lambda *_: None)
    plant.swap(quality, "number_doubt", lambda _: None)
    plant.swap(CoinMarket, "_index_doubt", lambda *_: None)


@breaks("I6", where=NONSENSE)
def what_was_good_before_nonsense_is_traded_on(plant: Plant) -> None:
    """An impossible quote is passed over as if it had never come."""

    def doubt(original, mine, name, *args):
        mine.refused.pop(name, None)
        return original(mine, name, *args)

    plant.around(CoinMarket, "doubt", doubt)


@breaks("I11", "I12", "I6")
def index_of_another_coin_is_believed(plant: Plant) -> None:
    """An index is not held against the mark beside it."""
    plant.swap(CoinMarket, "_index_doubt", lambda *_: None)


@breaks("I11", "I12")
def flash_is_believed(plant: Plant) -> None:
    """One print a tenth away moves the index."""
    plant.swap(CoinMarket, "_confirmed", lambda *_: True)


@breaks("I15")
def wall_clock_decides(plant: Plant) -> None:
    """A size is shaded by a figure that no event has brought."""

    def quantity(original, *args):
        return original(*args) * (0.7 + time.perf_counter_ns() % 1_000 * 2e-4)

    plant.around(ticket, "quantity_for", quantity)
