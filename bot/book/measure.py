"""From book to exposure: one kernel call over packed columns, then sums.

`measure` is cheap enough for every tick; `shocks` is where the book is revalued elsewhere.
What cannot be trusted is marked with its reason, and only for the coin that it belongs to.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from bot.book import quarantine
from bot.book.book import Book, CoinBook
from bot.book.columns import FORWARD, PHI, STRIKE, VOL, seconds_left
from bot.book.exposure import Exposure
from bot.book.kinds import DeltaKind, DeltaRule, leg_shifts
from bot.book.legs import (
    FutureLeg,
    collateral,
    collateral_gamma,
    fill_delta,
    future_legs,
    net_fading,
    payoff_bound,
    settlement_averages,
)
from bot.book.numeraire import Numeraire, future_gamma, option_figures
from bot.book.quality import quote_doubt
from bot.domain.quotes import BoolArray, FloatArray
from bot.domain.reasons import Because, Reason
from bot.domain.units import NS_PER_S, seconds_between

EXPIRING_S = 86_400.0


def measure(
    book: Book, coin: str, now_ns: int, pending: Iterable[tuple[str, float]] = ()
) -> Exposure:
    """Return the exposure of one coin.

    `pending` lists (instrument, signed remaining quantity) of every order that may still fill.
    """
    return _measured(book, book.packed(coin), now_ns, pending)


def delta_in(book: Book, coin: str, now_ns: int, numeraire: Numeraire) -> float:
    """Return a coin's delta (coin) as a book of the given numeraire would see it."""
    mine = book.packed(coin)
    seen = replace(mine, rules=replace(mine.rules, numeraire=numeraire))
    return _measured(book, seen, now_ns, ()).delta


def measure_by(book: Book, coin: str, now_ns: int, rule: DeltaRule) -> Exposure:
    """Return the exposure of one coin as another delta would have it, without pending orders."""
    mine = book.packed(coin)
    seen = replace(mine, rules=replace(mine.rules, greeks=rule))
    return _measured(book, seen, now_ns, ())


def _measured(
    book: Book, mine: CoinBook, now_ns: int, pending: Iterable[tuple[str, float]]
) -> Exposure:
    coin, index = mine.rules.coin, mine.market.index
    doubts = list(_doubts(mine, now_ns))
    # Without one account there is no report at all: every position may have changed since.
    doubts += (Because(Reason.ACCOUNT_UNSEEN, name) for name in sorted(book.unseen))
    trusted = math.isfinite(index) and not mine.unknown
    if not math.isfinite(index):
        return Exposure(
            coin, now_ns, mine.rules.numeraire, index, 0.0, -np.inf, np.inf, 0.0, 0.0, 0.0, 0.0,
            doubts=tuple(doubts), trusted=False,
        )  # fmt: skip
    parts = _options(mine, index, now_ns)
    futures = future_legs(mine, index, now_ns)
    fading, fading_left_s = net_fading(futures)
    counted = collateral(book, mine, index, parts.settled_coin)
    unlisted = quarantine.bounds(mine.unlisted, index, now_ns)
    delta = parts.delta + sum(leg.delta for leg in futures) + counted
    apart_low, apart_high = _gap(mine)
    low = delta + parts.unsure_low + unlisted.low + apart_low
    high = delta + parts.unsure_high + unlisted.high + apart_high
    delta += unlisted.delta
    for name, quantity in pending:
        instrument = book.instruments.get(name)
        if instrument is None:
            doubts.append(Because(Reason.UNKNOWN_INSTRUMENT, name))
            trusted = False
            continue
        change = fill_delta(mine, instrument, quantity, index, now_ns)
        low, high = low + min(change, 0.0), high + max(change, 0.0)
    return Exposure(
        coin=coin,
        ts_ns=now_ns,
        numeraire=mine.rules.numeraire,
        index=index,
        delta=delta,
        low=low,
        high=high,
        gamma=parts.gamma + _linear_gamma(mine, futures) + collateral_gamma(mine, counted),
        gamma_expiring=parts.gamma_expiring,
        vega_usd=parts.vega_usd,
        theta_usd_day=parts.theta_usd_day,
        collateral=counted,
        window_delta=parts.window_delta + fading,
        window_left_s=max(parts.window_left_s, fading_left_s),
        vol=parts.vol,
        gross_option_coin=parts.gross,
        doubts=tuple(doubts) + parts.doubts,
        trusted=trusted,
        kind=mine.rules.greeks.kind,
        by_model=parts.by_model,
    )


def _gap(mine: CoinBook) -> tuple[float, float]:
    """Return how far the venue disagrees: only what is right for both of us is traded.

    Its own delta has the difference in it already, as far as it was told: ours lies on either side.
    """
    if mine.rules.greeks.kind is DeltaKind.VENUE:
        return -abs(mine.gap), abs(mine.gap)
    return min(mine.gap, 0.0), max(mine.gap, 0.0)


class _Options:
    """Sums over the option legs of one coin; a plain record without behaviour."""

    __slots__ = (
        "by_model", "delta", "doubts", "gamma", "gamma_expiring", "gross", "settled_coin",
        "theta_usd_day", "unsure_high", "unsure_low", "vega_usd", "vol", "window_delta",
        "window_left_s",
    )  # fmt: skip

    def __init__(self) -> None:
        self.delta = self.gamma = self.gamma_expiring = self.gross = 0.0
        self.vega_usd = self.theta_usd_day = self.unsure_low = self.unsure_high = 0.0
        self.window_delta = self.window_left_s = self.settled_coin = 0.0
        self.vol = float("nan")
        self.doubts: tuple[Because, ...] = ()
        self.by_model = 0


def _options(mine: CoinBook, index: float, now_ns: int) -> _Options:
    sums = _Options()
    columns = mine.columns
    if not columns.names:
        return sums
    averages = settlement_averages(mine, now_ns)
    first = columns.price_at(index, now_ns, averages)
    forward = columns.inputs[FORWARD]
    figures = option_figures(
        mine.rules.numeraire, first, forward, index, columns.inverse, columns.fading
    )
    quantity = columns.quantity
    legs = np.empty((4, quantity.size))  # delta, gamma, vega, theta
    np.multiply(quantity, figures.delta, out=legs[0])
    np.multiply(quantity, figures.gamma, out=legs[1])
    np.multiply(
        quantity * np.where(columns.inverse, index / forward, 1.0), first[3:5], out=legs[2:]
    )
    old = _outdated(mine, now_ns)
    if old is not None:
        legs[:, old] = np.nan
    known = None
    ending = columns.any_ends_within(now_ns, EXPIRING_S)
    left_s = seconds_left(columns.expiry_ns, now_ns) if ending else None
    totals = legs.sum(axis=1)
    # A NaN in any leg is a NaN in its sum: only then is it worth looking leg by leg.
    if not np.isfinite(totals).all() or columns.any_ends_within(now_ns, 0.0):
        left_s = seconds_left(columns.expiry_ns, now_ns)
        known = np.isfinite(legs[0])
        _set_aside(mine, sums, legs, known, left_s, old)
        totals = legs.sum(axis=1)
    sums.delta, gamma, vega, theta = totals.tolist()
    if mine.rules.greeks.kind is not DeltaKind.MODEL:
        shifts, sums.by_model = leg_shifts(mine.rules.greeks, columns, legs[2], index, now_ns)
        # A leg that was set aside is bounded, whatever anybody says of it.
        sums.delta += float(shifts[legs[0] != 0.0].sum())
    if ending and left_s is not None:
        sums.gamma_expiring = float(legs[1][left_s < EXPIRING_S].sum())
    sums.gamma = gamma - sums.gamma_expiring
    sums.vega_usd, sums.theta_usd_day = vega / 100.0, theta / 365.0
    sums.gross = float(np.abs(quantity).sum())
    sums.vol = _book_vol(columns.inputs[VOL], legs[1])
    if averages:
        held = quantity if known is None else np.where(known, quantity, 0.0)
        _window(mine, sums, legs[0], held, averages, now_ns)
    return sums


def _outdated(mine: CoinBook, now_ns: int) -> BoolArray | None:
    """Return which legs were last told of too long ago; None (the rule) where none was.

    What is inside its settlement window keeps the volatility from before it, however old.
    """
    seen, limit_ns = mine.columns.seen_ns, round(mine.rules.freshness.aged_s * NS_PER_S)
    if int(seen.min()) > now_ns - limit_ns:
        return None
    columns = mine.columns
    before = seconds_left(columns.expiry_ns, now_ns) > columns.averaging_s
    old: BoolArray = (seen > 0) & (seen <= now_ns - limit_ns) & before
    return old


def _window(
    mine: CoinBook,
    sums: _Options,
    delta: FloatArray,
    quantity: FloatArray,
    averages: Mapping[int, float],
    now_ns: int,
) -> None:
    """Tell what the open windows have decided in coin, and what they will still take away."""
    columns, rules = mine.columns, mine.rules
    inside = np.isin(columns.expiry_ns, list(averages))
    settled, coming = columns.coin_shares()
    fading = delta[inside]
    if rules.numeraire is Numeraire.USD and rules.collateral_delta == "include":
        # The coin that is paid out stays delta, as cash: only the rest fades.
        sums.settled_coin = float(np.nansum((quantity * settled)[inside]))
        fading = fading - np.nan_to_num(quantity * coming)[inside]
    sums.window_delta = float(fading.sum())
    sums.window_left_s = max(seconds_between(now_ns, expiry_ns) for expiry_ns in averages)


def _set_aside(
    mine: CoinBook,
    sums: _Options,
    legs: FloatArray,
    known: BoolArray,
    left_s: FloatArray,
    old: BoolArray | None,
) -> None:
    """Take legs without a value out of the sums.

    Past expiry they add nothing; without a volatility, or with one that is too old to be believed
    at all, they add their payoff's range.
    """
    columns, doubts = mine.columns, []
    for i in np.flatnonzero(~known | (left_s <= 0.0)):
        past = left_s[i] <= 0.0
        aged = old is not None and bool(old[i])
        unknown = Reason.AGED_VOLATILITY if aged else Reason.NO_VOLATILITY
        reason = Reason.PAST_EXPIRY if past else unknown
        doubts.append(Because(reason, columns.names[i]))
        if not past:
            phi = columns.inputs[PHI, i]
            bound = payoff_bound(
                is_call=bool(phi > 0.0),
                inverse=bool(columns.inverse[i]),
                strike=float(columns.inputs[STRIKE, i]),
                ratio=float(columns.ratio[i]),
                index=mine.market.index,
            )
            end = float(columns.quantity[i] * phi * bound)
            sums.unsure_low += min(end, 0.0)
            sums.unsure_high += max(end, 0.0)
        legs[:, i] = 0.0
    sums.doubts = tuple(doubts)


def _linear_gamma(mine: CoinBook, futures: Iterable[FutureLeg]) -> float:
    return sum(future_gamma(mine.rules.numeraire, leg.delta) for leg in futures)


def _book_vol(vol: FloatArray, gamma: FloatArray) -> float:
    """Return the gamma-weighted volatility of the book: what its delta will diffuse with."""
    weight = np.abs(gamma)
    total = float(weight.sum())
    if total > 0.0:
        mean = float(weight.dot(vol)) / total
        return mean if math.isfinite(mean) else float(np.nansum(weight * vol)) / total
    finite = vol[np.isfinite(vol)]
    return float(finite.mean()) if finite.size else float("nan")


def _doubts(mine: CoinBook, now_ns: int) -> Iterable[Because]:
    rules, market = mine.rules, mine.market
    if mine.disagreement is not None:
        yield mine.disagreement
    for name in mine.unknown:
        yield Because(Reason.UNKNOWN_INSTRUMENT, name)
    yield from quarantine.doubts(mine.unlisted, market.index, now_ns)
    if market.refused:
        matters = {market.chain_subject, *market.witnesses, *(i.name for i in mine.futures)}
        yield from (b for name, b in market.refusals(now_ns).items() if name in matters)
    if not np.isfinite(market.index):
        yield Because(Reason.NO_QUOTE, rules.coin)
    for instrument in mine.futures:
        if instrument.expiry_ns is not None and instrument.expiry_ns <= now_ns:
            yield Because(Reason.PAST_EXPIRY, instrument.name)
            continue
        doubt = quote_doubt(
            market.quotes.get(instrument.name),
            now_ns,
            rules.freshness.of(instrument),
            instrument.name,
        )
        if doubt is not None:
            yield doubt
    seen = mine.columns.seen_ns
    if seen.size:
        age_s = seconds_between(int(seen.min()), now_ns)
        if age_s > rules.freshness.chain_s and seen.min() > 0:
            oldest = mine.columns.names[int(seen.argmin())]
            limit = rules.freshness.chain_s
            yield Because(Reason.STALE_CHAIN, oldest, {"age_s": age_s, "limit_s": limit})
