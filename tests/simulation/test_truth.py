"""What the judges take for the account's delta is what the exchange's own marks say."""

import pytest

from bot import wiring
from bot.domain.units import NS_PER_S, utc_ns
from greeks import black76
from tests.simulation.campaign import truth
from tests.simulation.drive import book

CALL, STRIKE = "BTC-5JAN26-92000-C", 92_000.0


@pytest.mark.parametrize("left_s", [4_980, 2_400, 1_860])
def test_volatilities_count_by_the_calendar_until_the_average_begins(left_s):
    """The price that they make is the mark, also in the last minutes before."""
    expiry_ns = utc_ns(2026, 1, 5, 8)
    begin_ns, now_ns = expiry_ns - 5_100 * NS_PER_S, expiry_ns - left_s * NS_PER_S
    market = wiring.market(book((CALL, -5.0)).scaled(), 57, begin_ns)
    for at_ns in range(begin_ns, now_ns + 1, 60 * NS_PER_S):
        market.advance(at_ns)
    chain = market.chain("BTC", now_ns)
    row, years = chain.listing.row[CALL], truth.years_of(left_s)
    forward, vol = chain.forward[row], chain.vol[row]
    found = black76.first(True, forward, STRIKE, years, vol)
    assert found.price / forward == pytest.approx(chain.mark[row], rel=1e-9)
    assert chain.mark[row] > 0.0
