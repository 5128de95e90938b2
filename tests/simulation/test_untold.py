"""What others trade in the account, as far as a report has told it: the campaign's own measure."""

from decimal import Decimal

import pytest

from bot.domain.deribit import parse
from bot.domain.events import PositionsReport
from bot.domain.positions import Position
from bot.domain.units import NS_PER_S
from tests.simulation.campaign import truth
from tests.simulation.campaign.world import World

PERPETUAL = parse("BTC-PERPETUAL")
NOW = 10**18


@pytest.fixture
def tap(tmp_path):
    """Return an exchange at which somebody else has just sold 15,000 USD of the perpetual."""
    world = World(1, 0.1, tmp_path)
    while not world.tap.exchange.index:
        world.venue.next_event()
    world.tap.traded(_sold(15_000), NOW)
    return world.tap


def _sold(usd):
    return Position(PERPETUAL.name, PERPETUAL.quantity(Decimal(-usd)))


def _told(tap, seconds, *positions):
    tap.told(PositionsReport(NOW + seconds * NS_PER_S, tuple(positions), ()))
    return tap.untold.get(PERPETUAL.name)


def test_a_trade_is_news_until_a_report_shows_it(tap):
    """One that is older than the trade, or empty by a glitch, tells nothing of it."""
    assert _told(tap, 1) == Decimal(-15_000)
    assert _told(tap, 31, _sold(15_000)) is None
    assert tap.exchange.holdings[PERPETUAL.name].quantity == Decimal(-15_000)


def test_news_grow_old_whatever_is_told(tap):
    """Who hears nothing of it for three reports is not excused any longer."""
    assert _told(tap, 60) == Decimal(-15_000)
    assert _told(tap, 90) is None


def test_what_is_untold_is_not_in_the_delta_that_a_hedge_is_judged_by(tap):
    """Neither in the position that its owner has capped."""
    exchange = tap.exchange
    sold = -15_000 / exchange.index["BTC"]
    told = truth.delta(exchange, "BTC", NOW, without=tap.untold)
    assert truth.delta(exchange, "BTC", NOW) - told == pytest.approx(sold, rel=0.01)
    assert truth.futures(exchange, "BTC") == pytest.approx(sold)
    assert truth.futures(exchange, "BTC", tap.untold) == 0.0
