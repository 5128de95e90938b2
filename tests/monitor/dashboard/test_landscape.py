"""The map of a page against the bot's own shocks, which it was not told."""

from typing import Any

import numpy as np
import pytest

from bot.monitor.dashboard.landscape import MOVES, VOLS, figures, landscape
from bot.monitor.dashboard.legs import Book, book, columns
from greeks import scenario
from tests.monitor.dashboard.bots import shown

COIN_BOOK = ('underlying.BTC.numeraire="coin"', 'underlying.ETH.numeraire="coin"')
COUNTED = ('underlying.BTC.collateral_delta="include"',)
IN_WINDOW_S = 75 * 60 + 300.0


def books(seconds: float, *changes: str) -> dict[str, tuple[Book, dict[str, Any]]]:
    """Return each coin's book as a reader packs it, with the shocks that the bot computed."""
    views = shown(seconds, *changes)
    found = {}
    for coin, sample in views["exposure"].items():
        windows = views["feeds"][coin]["windows"]
        averages = {int(expiry): average for expiry, average in windows.items()}
        found[coin] = (book(coin, sample, views["greeks"], averages), sample)
    return found


@pytest.mark.parametrize(
    "seconds,changes",
    [(120.0, ()), (120.0, COIN_BOOK), (120.0, COUNTED), (IN_WINDOW_S, ())],
    ids=["dollars", "coins", "counted", "window"],
)
def test_the_map_agrees_with_the_bots_own_shocks(seconds, changes):
    """Profit after 5 % and 10 %, delta after 2 %, and the exposure itself in the middle."""
    for mine, sample in books(seconds, *changes).values():
        moves = np.array([-0.10, -0.05, 0.05, 0.10])
        pnl, _ = figures(mine, moves, np.zeros(1))
        words = ("down_10", "down_5", "up_5", "up_10")
        wanted = [sample["shocks"][f"pnl_{word}pct_usd"] for word in words]
        scale = max(map(abs, wanted))
        assert pnl[:, 0] == pytest.approx(wanted, rel=1e-6, abs=2e-4 * scale)
        _, delta = figures(mine, np.array([-0.02, 0.0, 0.02]), np.zeros(1))
        asked = [
            sample["shocks"]["delta_down_2pct_coin"],
            sample["delta_coin"],
            sample["shocks"]["delta_up_2pct_coin"],
        ]
        size = sum(abs(leg.quantity) for leg in mine.options())
        assert delta[:, 0] == pytest.approx(asked, abs=2e-4 * size)


def test_volatility_moves_as_the_scenarios_of_the_library_do():
    """The same book, revalued by `greeks.scenario` node by node."""
    mine, _ = books(120.0)["BTC"]
    packed = columns(mine)
    grid = (packed.call, packed.forward, packed.strike, packed.years, packed.vol)
    worth = packed.quantity * mine.index / packed.forward
    value = scenario.revalue(worth, *grid, moves=MOVES, vol_moves=VOLS).value[..., 0]
    pnl, _ = figures(mine, MOVES, VOLS)
    linear = (mine.rest + sum(leg.delta for leg in mine.futures())) * mine.index * MOVES
    before = float(scenario.revalue(worth, *grid).value[0, 0, 0])
    assert pnl == pytest.approx(value - before + linear[:, None], abs=1e-6)


def test_the_map_is_a_table_of_volatility_rows_and_price_columns():
    """As a heat map reads it, with the worst of it named."""
    mine, _ = books(120.0)["BTC"]
    found = landscape(mine)
    assert found is not None
    assert np.shape(found["pnl"]) == (len(VOLS), len(MOVES))
    assert found["worst"]["usd"] == pytest.approx(np.min(found["pnl"]))
    place = (list(found["vols"]).index(found["worst"]["vol"]),
             list(found["moves"]).index(found["worst"]["move"]))  # fmt: skip
    assert found["pnl"][place] == found["worst"]["usd"]


def test_without_an_index_there_is_no_map():
    """And no figure that looks like one."""
    mine, _ = books(120.0)["BTC"]
    sample = {"ts_ns": mine.now_ns, "delta_coin": None, "index": None, "numeraire": "usd"}
    assert landscape(book("BTC", sample, [], {})) is None


def test_names_that_nobody_knows_are_left_out_of_the_map():
    """What is no instrument of the coin cannot be revalued."""
    mine, sample = books(120.0)["BTC"]
    row = {"instrument": "<b>x</b>", "quantity": 1.0, "delta_coin": 1.0}
    assert book("BTC", sample, [row], {}).legs == ()
    assert mine.legs != ()
