"""Prices as the venue sends them: tickers, quotes, books, summaries and the index.

Absent prices are 0 in a ticker and null in a summary, as there. Volatilities are in percent, prices
on the instrument's grid, Greeks rounded to five decimals (so a gamma of BTC keeps one digit).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR
from typing import Any, Final

from bot.domain.instruments import Instrument
from bot.domain.units import NS_PER_MS
from bot.sim.exchange.ladder import Level, lots, snap
from bot.sim.wire.exchange import ServedExchange
from bot.sim.wire.figures import FigureDesk, Figures
from bot.sim.wire.instruments import Json, index_name

LIMIT_SHARE: Final = 0.015  # how far from the mark a future's price bounds lie
OPTION_LIMIT: Final = 0.05  # coin
OPEN_INTEREST: Final = 100.0


@dataclass(frozen=True, slots=True)
class Best:
    """Best prices and sizes of a book; 0 where a side is empty."""

    bid: float
    bid_size: float
    ask: float
    ask_size: float


@dataclass(slots=True)
class Quotes:
    """Everything public about prices, read from the exchange at the moment of the call."""

    exchange: ServedExchange
    desk: FigureDesk

    def best(self, one: Instrument) -> Best:
        """Return the best prices of a traded instrument."""
        figures = self.desk.of(one.coin) if one.is_option else None
        row = None if figures is None else figures.row(one.name)
        if figures is None or row is None or self.exchange.taken(one):
            bids, asks = self.exchange.depth(one)
            return Best(*_first(bids), *_first(asks))
        bid, ask = float(figures.bid[row]), float(figures.ask[row])
        sizes = float(figures.chain.bid_size[row]), float(figures.chain.ask_size[row])
        return Best(
            *_snapped(bid, sizes[0], one, ROUND_FLOOR),
            *_snapped(ask, sizes[1], one, ROUND_CEILING),
        )

    def ticker(self, one: Instrument) -> Json:
        """Return the ticker object."""
        figures = self.desk.of(one.coin) if one.is_option else None
        best = self.best(one)
        entry = {
            **self._common(one),
            "best_bid_price": best.bid,
            "best_bid_amount": best.bid_size,
            "best_ask_price": best.ask,
            "best_ask_amount": best.ask_size,
        }
        if figures is not None:
            return entry | self._option(one, figures)
        return entry | self._future(one)

    def quote(self, one: Instrument) -> Json:
        """Return the data of a quote channel."""
        best = self.best(one)
        return {
            "instrument_name": one.name,
            "timestamp": self.now_ms(),
            "best_bid_price": best.bid,
            "best_bid_amount": best.bid_size,
            "best_ask_price": best.ask,
            "best_ask_amount": best.ask_size,
        }

    def summary(self, one: Instrument) -> Json:
        """Return one entry of a book summary."""
        best = self.best(one)
        both = best.bid > 0.0 and best.ask > 0.0
        entry: Json = {
            "instrument_name": one.name,
            "base_currency": one.coin,
            "quote_currency": one.coin if one.is_option else "USD",
            "bid_price": best.bid or None,
            "ask_price": best.ask or None,
            "mid_price": 0.5 * (best.bid + best.ask) if both else None,
            "mark_price": self.mark(one),
            "last": None,
            "high": None,
            "low": None,
            "open_interest": OPEN_INTEREST,
            "volume": 0.0,
            "volume_usd": 0.0,
            "price_change": None,
            "estimated_delivery_price": self.index(one.coin),
            "creation_timestamp": self.now_ms(),
        }
        figures = self.desk.of(one.coin) if one.is_option else None
        row = None if figures is None else figures.row(one.name)
        if figures is not None and row is not None:
            entry["mark_price"] = _rounded(float(figures.mark[row]), 8)
            entry["mark_iv"] = percent(float(figures.chain.vol[row]))
            entry["underlying_price"] = round(float(figures.forward[row]), 4)
            entry["underlying_index"] = self.underlying(one)
            entry["interest_rate"] = 0.0
        elif not one.is_option:
            entry["funding_8h"] = entry["current_funding"] = self._funding(one)
        return entry

    def closed(self, entry: Json) -> Json:
        """Return the ticker of an instrument that is listed without a market."""
        return {
            "timestamp": self.now_ms(),
            "instrument_name": entry["instrument_name"],
            "state": "closed",
            "index_price": self.index(entry["base_currency"]),
            "estimated_delivery_price": self.index(entry["base_currency"]),
            "mark_price": None,
            "last_price": None,
            "open_interest": 0.0,
            "best_bid_price": 0.0,
            "best_bid_amount": 0.0,
            "best_ask_price": 0.0,
            "best_ask_amount": 0.0,
            "stats": _stats(),
        }

    def price_index(self, coin: str) -> Json:
        """Return the data of an index channel."""
        return {
            "timestamp": self.now_ms(),
            "price": self.index(coin),
            "index_name": index_name(coin),
        }

    def index(self, coin: str) -> float:
        """Return a coin's index, USD."""
        return self.exchange.index.get(coin, 0.0)

    def mark(self, one: Instrument) -> float | None:
        """Return the mark in the instrument's price unit, None where there is none."""
        if not one.is_option:
            return _rounded(self.exchange.board.future_mark(one), 4)
        figures = self.desk.of(one.coin)
        row = None if figures is None else figures.row(one.name)
        if figures is None or row is None:
            return None
        return _rounded(float(figures.mark[row]), 6)

    def underlying(self, one: Instrument) -> str:
        """Return what an option's forward is: a listed future, or a synthetic one."""
        dated = one.name.rsplit("-", 2)[0]
        return dated if self.exchange.instrument(dated) is not None else f"SYN.{dated}"

    def now_ms(self) -> int:
        """Return the market's time."""
        return self.exchange.board.moved_ns // NS_PER_MS

    def _common(self, one: Instrument) -> Json:
        mark = self.mark(one)
        index = self.index(one.coin)
        low, high = _bounds(one, mark or 0.0)
        expired = one.expiry_ns is not None and one.expiry_ns <= self.exchange.board.moved_ns
        return {
            "timestamp": self.now_ms(),
            "instrument_name": one.name,
            "state": "closed" if expired else "open",
            "index_price": index,
            "estimated_delivery_price": index,
            "settlement_price": mark,
            "open_interest": OPEN_INTEREST,
            "min_price": low,
            "max_price": high,
            "last_price": mark if mark is None else float(snap(mark, one, ROUND_FLOOR)),
            "mark_price": mark,
            "stats": _stats(),
        }

    def _option(self, one: Instrument, figures: Figures) -> Json:
        row = figures.row(one.name)
        if row is None:
            return {}
        best = {"bid_iv": figures.bid_vol[row], "ask_iv": figures.ask_vol[row]}
        return {
            "mark_iv": percent(float(figures.chain.vol[row])),
            **{name: percent(float(vol)) for name, vol in best.items()},
            "interest_rate": 0.0,
            "underlying_index": self.underlying(one),
            "underlying_price": round(float(figures.forward[row]), 4),
            "greeks": {
                name: _rounded(float(getattr(figures, name)[row]), 5) or 0.0
                for name in ("delta", "gamma", "vega", "theta", "rho")
            },
        }

    def _future(self, one: Instrument) -> Json:
        if one.expiry_ns is not None:
            return {}
        funding = self._funding(one)
        return {"funding_8h": funding, "current_funding": funding, "interest_value": 0.0}

    def _funding(self, one: Instrument) -> float:
        move = self.exchange.board.future(one.name)
        return 0.0 if move is None else round(move.quote.funding_8h, 10)


def percent(vol: float) -> float:
    """Return a volatility in percent with two decimals; 0 where there is none."""
    return round(100.0 * vol, 2) if math.isfinite(vol) else 0.0


def pairs(levels: list[Level]) -> list[list[float]]:
    """Return levels as [price, amount]."""
    return [[float(level.price), level.size] for level in levels]


def _first(levels: list[Level]) -> tuple[float, float]:
    return (float(levels[0].price), levels[0].size) if levels else (0.0, 0.0)


def _snapped(price: float, size: float, one: Instrument, rounding: str) -> tuple[float, float]:
    """Return a best price on the grid with its size; zeros where the side is empty."""
    if not (price > 0.0 and size > 0.0):
        return 0.0, 0.0
    on_grid, whole = snap(price, one, rounding), lots(size, one)
    return (float(on_grid), float(whole)) if on_grid > 0 and whole > 0 else (0.0, 0.0)


def _bounds(one: Instrument, mark: float) -> tuple[float, float]:
    """Return the lowest and highest price that the venue would show as allowed."""
    reach = OPTION_LIMIT if one.is_option else LIMIT_SHARE * mark
    tick = float(one.ticks.base)
    low = float(snap(max(mark - reach, tick), one, ROUND_CEILING))
    return low, float(snap(mark + reach, one, ROUND_FLOOR))


def _rounded(value: float, digits: int) -> float | None:
    return round(value, digits) if math.isfinite(value) else None


def _stats() -> dict[str, Any]:
    return {"volume_usd": 0.0, "volume": 0.0, "price_change": None, "low": None, "high": None}
