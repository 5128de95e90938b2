"""Perpetuals and dated futures: grid, basis, funding, and flow that hurts who rests."""

from decimal import Decimal

import numpy as np
import pytest

from bot.domain import deribit
from bot.domain.units import NS_PER_S
from bot.sim.market import EPOCH_NS, SyntheticMarket
from bot.sim.market.futures import funding_8h


@pytest.fixture(scope="module")
def hour():
    """Return every move of an hour of both coins."""
    market = SyntheticMarket(21, "normal")
    return [move for s in range(3_600) for move in market.advance(EPOCH_NS + s * NS_PER_S)]


def of(moves, name):
    """Return the moves of one instrument."""
    return [move for move in moves if move.quote.instrument == name]


@pytest.mark.parametrize(
    "name,count",
    [
        ("BTC-PERPETUAL", 3_600),
        ("ETH-PERPETUAL", 3_600),
        ("BTC-27MAR26", 720),
        ("ETH-26JUN26", 720),
    ],
)
def test_futures_move_on_their_grid(hour, name, count):
    """Perpetuals each second, dated ones every five; both sides on the tick, sizes in lots."""
    moves = of(hour, name)
    terms = deribit.parse(name)
    assert len(moves) == count
    for move in moves:
        quote = move.quote
        assert quote.bid < quote.ask
        assert Decimal(repr(quote.bid)) % terms.ticks.base == 0
        assert Decimal(repr(quote.ask)) % terms.ticks.base == 0
        assert Decimal(repr(quote.bid_size)) % terms.lot == 0
        assert quote.bid - 1.0 <= quote.mark <= quote.ask + 1.0
        assert min(move.depth_usd, move.level_gap_usd, move.bought_usd, move.sold_usd) > 0.0


def test_the_perpetual_stays_near_the_index(hour):
    """Its basis is a few basis points."""
    basis = [move.quote.mark / move.quote.index - 1.0 for move in of(hour, "BTC-PERPETUAL")]
    assert np.abs(basis).max() < 25e-4


def test_dated_futures_stand_on_the_options_forward():
    """A quarter's future and the options of its expiry have one forward, up to the mark's tick."""
    market = SyntheticMarket(21)
    moves = market.advance(EPOCH_NS)
    chain = market.chain("BTC", EPOCH_NS)
    (future,) = of(moves, "BTC-27MAR26")
    row = chain.listing.names.index("BTC-27MAR26-100000-C")
    assert future.quote.mark == pytest.approx(chain.forward[row], rel=1e-12)


def test_aggressive_volume_takes_the_side_of_the_move(hour):
    """In seconds that rise more is bought than sold, in those that fall the other way round."""
    moves = of(hour, "BTC-PERPETUAL")
    returns = np.diff([move.quote.index for move in moves])
    lean = np.array([move.bought_usd - move.sold_usd for move in moves[1:]])
    total = np.array([move.bought_usd + move.sold_usd for move in moves[1:]])
    assert np.corrcoef(np.sign(returns), lean / total)[0, 1] > 0.6
    large = np.abs(returns) > 2.0 * returns.std()
    assert total[large].mean() > 1.5 * total[~large].mean()


def test_funding_is_the_basis_beyond_the_dead_band():
    """Nothing inside ±2.5 bp, the excess outside, with its sign."""
    basis = np.array([0.0, 2e-4, -2e-4, 5e-4, -5e-4])
    assert funding_8h(basis) == pytest.approx([0.0, 0.0, 0.0, 2.5e-4, -2.5e-4])
