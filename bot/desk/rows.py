"""Positions and Greeks row by row, as readers are shown them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bot.book.basis import usd_per_pct
from bot.book.columns import FORWARD, VOL
from bot.book.kinds import leg_shifts
from bot.book.legs import settlement_averages
from bot.book.numeraire import future_delta, future_gamma, option_figures
from bot.desk.floor import Floor
from bot.desk.rules import DeskRules
from bot.domain.positions import HEDGE_TAG
from bot.domain.units import iso

Row = dict[str, object]


def position_rows(floor: Floor) -> list[Row]:
    """Return every holding with its unit, tag, account, whether it is hedged, and what is parked.

    What is parked stands beside the owner's part; where that is closed, in a row of its own.
    """
    book = floor.book
    parked = {part.position.instrument: part for part in book.parked}
    held = {p.instrument for p in book.holdings.positions.values() if p.tag != HEDGE_TAG}
    closed = (p.position for name, p in parked.items() if name not in held)
    flat = [replace(p, quantity=p.quantity - p.quantity) for p in closed]
    rows: list[Row] = []
    for position in sorted(
        (*book.holdings.positions.values(), *flat), key=lambda p: (p.instrument, p.tag, p.account)
    ):
        instrument = book.instruments.get(position.instrument)
        coin = None if instrument is None else book.coins.get(instrument.coin)
        part = None if position.tag == HEDGE_TAG else parked.get(position.instrument)
        rows.append(
            {
                "instrument": position.instrument,
                "quantity": float(position.quantity),
                "unit": str(position.quantity.unit),
                "tag": position.tag,
                "account": position.account,
                "hedged": coin is not None and coin.rules.scope.covers(position),
                "expiry": None
                if instrument is None or instrument.expiry_ns is None
                else iso(instrument.expiry_ns),
                "parked": 0.0 if part is None else float(part.position.quantity),
                "parked_until": None if part is None else iso(part.until_ns),
            }
        )
    return rows


def parked_rows(floor: Floor, coin: str) -> list[Row]:
    """Return what is parked of a coin, and until when."""
    return [
        {
            "instrument": part.position.instrument,
            "quantity": float(part.position.quantity),
            "unit": str(part.position.quantity.unit),
            "until": iso(part.until_ns),
        }
        for part in sorted(floor.book.parked, key=lambda part: part.position.instrument)
        if part.coin == coin
    ]


def greek_rows(floor: Floor, rules: DeskRules, now_ns: int) -> list[Row]:
    """Return each leg's part of an underlying's exposure, in the numeraire of its book.

    Delta coin, gamma coin per 1 %, vega USD per volatility point, theta USD per day, of dated
    futures the USD that 1 % a year of basis is worth; vol 1.00 = 100 %.
    """
    mine = floor.book.packed(rules.coin)
    index = mine.market.index
    if not np.isfinite(index):
        return []
    rows = _options(floor, rules, now_ns)
    for instrument, quantity in mine.futures.items():
        leg = future_delta(instrument, quantity, index, index)
        rows.append(
            {
                "instrument": instrument.name,
                "quantity": quantity,
                "delta_coin": leg,
                "gamma_coin_per_pct": future_gamma(mine.rules.numeraire, leg),
                "vega_usd": 0.0,
                "theta_usd_day": 0.0,
                "vol": None,
                "forward": None,
            }
        )
        if instrument.expiry_ns is not None:
            worth = usd_per_pct(leg, index, instrument.expiry_ns, now_ns)
            rows[-1]["basis_usd_per_pct"] = worth
    return rows


def _options(floor: Floor, rules: DeskRules, now_ns: int) -> list[Row]:
    mine = floor.book.packed(rules.coin)
    columns, index = mine.columns, mine.market.index
    if not columns.names:
        return []
    first = columns.price_at(index, now_ns, settlement_averages(mine, now_ns))
    forward = columns.inputs[FORWARD]
    figures = option_figures(
        mine.rules.numeraire, first, forward, index, columns.inverse, columns.fading
    )
    usd = np.where(columns.inverse, index / forward, 1.0)
    vega_usd = columns.quantity * usd * first[3]
    shifts, _ = leg_shifts(mine.rules.greeks, columns, vega_usd, index, now_ns)
    return [
        {
            "instrument": name,
            "quantity": float(quantity),
            "delta_coin": float(quantity * figures.delta[i] + shifts[i]),
            "gamma_coin_per_pct": float(quantity * figures.gamma[i]),
            "vega_usd": float(quantity * usd[i] * first[3, i]) / 100.0,
            "theta_usd_day": float(quantity * usd[i] * first[4, i]) / 365.0,
            "vol": float(columns.inputs[VOL, i]),
            "forward": float(forward[i]),
        }
        for i, (name, quantity) in enumerate(zip(columns.names, columns.quantity, strict=True))
    ]
