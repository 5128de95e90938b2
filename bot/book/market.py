"""The market as last seen: quotes per instrument, the newest chain per coin, settlement averages.

Impossible numbers are refused here (and remembered as a possible doubt of their coin); the last
good value stays, with its age. What the venue made before what is held is dropped: data is ordered
by the venue's time (never later than ours), not by its arrival. An index that another witness of
the same moment contradicts is refused as well. The running average of the index inside an expiry's
settlement window is kept here too, because the value of an option that settles on that average
depends on the part that is already known.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from bot.book.funding import FundingMean
from bot.book.quality import basis_doubt, number_doubt, quote_doubt, usable_rows
from bot.book.realised import Realised
from bot.domain.instruments import Instrument, Kind
from bot.domain.quotes import Chain, Quote
from bot.domain.reasons import Because, Reason
from bot.domain.units import NS_PER_S

# A perpetual stands within some 0.15 % of its index, and both come from the venue: 1 % between two
# figures of one moment is no basis but an error.
DISAGREE = 0.01
# A crash moves an index by 2 % between two batches, so only figures of about one moment compare.
SAME_MOMENT_NS = 2 * NS_PER_S
# What an index does in one print without being asked for a second one; twice as much asks for a
# third. After a silence longer than VOUCHES_NS it grows with the root of time.
LEAP = 0.03
# How long an index still refuses a new one that the quote's own mark contradicts; later that one
# has to be said twice.
VOUCHES_NS = 30 * NS_PER_S
# A refusal that is not repeated is forgotten: by then a held quote's age speaks for itself.
REFUSAL_NS = 300 * NS_PER_S
# What counts as near the money, relative to the forward.
NEAR = 0.05


def made_ns(data: Quote | Chain) -> int:
    """Return when data was made: the venue's time, or ours where the venue's lies ahead."""
    return min(data.ts_venue_ns, data.ts_ns)


def apart(one: float, other: float) -> bool:
    """Tell whether two prices of one coin disagree beyond any basis."""
    return abs(one - other) > DISAGREE * other


def near_the_money(chain: Chain) -> float:
    """Return the mean volatility that is believed within 5 % of the forward; NaN without any."""
    with np.errstate(invalid="ignore", divide="ignore"):
        near = np.abs(chain.listing.strike / chain.forward - 1.0) <= NEAR
    vols = chain.vol[near & usable_rows(chain)]
    return float(vols.mean()) if vols.size else float("nan")


@dataclass(slots=True)
class WindowAverage:
    """The time-weighted average of an index since a settlement window opened."""

    opened_ns: int
    last_ns: int
    last_index: float
    weighted: float = 0.0

    def add(self, ts_ns: int, index: float) -> None:
        """Extend the average to `ts_ns` with the index that held since the last sample."""
        self.weighted += self.last_index * (ts_ns - self.last_ns) / NS_PER_S
        self.last_ns, self.last_index = ts_ns, index

    def value(self) -> float:
        """Return the average so far; the current index while nothing has elapsed."""
        elapsed_s = (self.last_ns - self.opened_ns) / NS_PER_S
        return self.weighted / elapsed_s if elapsed_s > 0.0 else self.last_index


@dataclass(slots=True)
class CoinMarket:
    """Everything last seen of one coin.

    `witnesses` names the hedge instruments, whose quotes a chain's index is compared with;
    `funding` averages what perpetuals have charged of late. `leapt` is a leap of the index (when,
    how far, in how many prints) that others have yet to confirm.
    """

    coin: str
    index: float = float("nan")
    index_ns: int = 0
    last_index: float = float("nan")
    last_index_ns: int = 0
    chain: Chain | None = None
    quotes: dict[str, Quote] = field(default_factory=dict)
    instruments: dict[str, Instrument] = field(default_factory=dict)
    windows: dict[int, WindowAverage] = field(default_factory=dict)
    refused: dict[str, Because] = field(default_factory=dict)
    refused_ns: dict[str, int] = field(default_factory=dict)
    witnesses: tuple[str, ...] = ()
    realised: Realised = field(default_factory=Realised)
    funding: FundingMean = field(default_factory=FundingMean)
    leapt: tuple[int, float, int] | None = None

    def see_quote(self, quote: Quote) -> None:
        """Take a future's quote; keep the last good one when it is older or impossible."""
        name, at_ns = quote.instrument, made_ns(quote)
        held = self.quotes.get(name)
        if held is not None and at_ns < made_ns(held):
            return
        doubt = number_doubt(quote) or self._index_doubt(quote, held, at_ns)
        if doubt is not None:
            self._refuse(name, doubt, quote.ts_ns)
            return
        if self.refused:
            self._accept(name)
        self.quotes[name] = quote
        self._see_index(at_ns, quote.index)
        instrument = self.instruments.get(name)
        if instrument is not None and instrument.kind is Kind.PERPETUAL:
            self.funding.see(name, quote.funding_8h, at_ns)

    def doubt(self, name: str, now_ns: int, max_age_s: float) -> Because | None:
        """Return why a future cannot be traded on what is known of it, or None when it can.

        The last good quote goes on valuing what is held; but where the newest word is impossible,
        nobody knows whether its prices still stand.
        """
        refused = self.refused.get(name) if self.refused else None
        return refused or quote_doubt(self.quotes.get(name), now_ns, max_age_s, name)

    def see_chain(self, chain: Chain) -> bool:
        """Take a chain batch; return whether it was believable as a whole, and not a late one."""
        at_ns = made_ns(chain)
        if self.chain is not None and at_ns < made_ns(self.chain):
            return False
        numbers = {"index": chain.index}
        good = bool(np.isfinite(chain.index)) and chain.index > 0.0
        against = self._witness_against(chain, at_ns) if good else None
        if against is not None:
            numbers |= {"quoted_index": against.index, "quoted_mark": against.mark}
        if not good or against is not None:
            doubt = Because(Reason.BAD_NUMBER, self.chain_subject, numbers)
            self._refuse(self.chain_subject, doubt, chain.ts_ns)
            return False
        self._accept(self.chain_subject)
        self.chain = chain
        self._see_index(at_ns, chain.index)
        if self.realised.implied.due(at_ns):
            self.realised.implied.see(at_ns, near_the_money(chain))
        return True

    @property
    def chain_subject(self) -> str:
        """Return what refusals of the coin's chain are filed under."""
        return f"{self.coin} chain"

    def see_instruments(self, instruments: tuple[Instrument, ...]) -> None:
        """Replace the list of what is traded; what is still held is kept by the holdings."""
        self.instruments = {instrument.name: instrument for instrument in instruments}
        for name in self.refused.keys() - self.instruments.keys() - {self.chain_subject}:
            self._accept(name)
        self.funding.keep(self.instruments)

    def refusals(self, now_ns: int) -> dict[str, Because]:
        """Return what was refused and has not been good since, by subject; old ones are dropped."""
        for subject in [s for s, ts_ns in self.refused_ns.items() if now_ns - ts_ns > REFUSAL_NS]:
            self._accept(subject)
        return self.refused

    def open_window(self, expiry_ns: int, averaging_s: float, now_ns: int) -> WindowAverage:
        """Return an expiry's running average since its window opened.

        When first asked, it begins with the index that held at the opening; a start inside the
        window knows no more than the first index that it saw.
        """
        window = self.windows.get(expiry_ns)
        if window is None:
            start_ns = expiry_ns - round(averaging_s * NS_PER_S)
            if self.index_ns <= start_ns or not np.isfinite(self.last_index):
                opened_ns = max(start_ns, min(self.index_ns, now_ns))
                window = WindowAverage(opened_ns, opened_ns, self.index)
            else:
                opened_ns = max(start_ns, self.last_index_ns)
                window = WindowAverage(opened_ns, opened_ns, self.last_index)
                window.add(self.index_ns, self.index)
            self.windows[expiry_ns] = window
        return window

    def close_windows(self, now_ns: int) -> None:
        """Forget the windows of expiries that have passed."""
        for expiry_ns in [e for e in self.windows if e <= now_ns]:
            del self.windows[expiry_ns]

    def _refuse(self, subject: str, doubt: Because, ts_ns: int) -> None:
        self.refused[subject], self.refused_ns[subject] = doubt, ts_ns

    def _accept(self, subject: str) -> None:
        self.refused.pop(subject, None)
        self.refused_ns.pop(subject, None)

    def _index_doubt(self, quote: Quote, held: Quote | None, at_ns: int) -> Because | None:
        """Return why a quote's index is not believed (yet).

        It is another coin's; or it leapt and the instrument's own mark did not (in a crash the mark
        moves with the index, or before it); or both leapt far in one print, which the next prints
        to the same side confirm.
        """
        name = quote.instrument
        instrument = self.instruments.get(name)
        kind = Kind.FUTURE if instrument is None else instrument.kind
        doubt = basis_doubt(quote, kind)
        if doubt is not None:
            return doubt
        if not apart(quote.index, self.index):
            self.leapt = None
            return None
        numbers = {"index": quote.index, "mark": quote.mark, "last_index": self.index}
        if kind is Kind.PERPETUAL:
            stayed = not apart(quote.mark, self.index) and apart(quote.mark, quote.index)
        else:
            before = self.index if held is None else held.mark / held.index * self.index
            moved = quote.mark / before * self.index
            stayed = instrument is not None and apart(moved, quote.index)
        silent = max(1.0, (at_ns - self.index_ns) / VOUCHES_NS)
        vouched = stayed and silent <= 1.0
        credible = 0.0 if stayed else LEAP * math.sqrt(silent)
        if vouched or not self._confirmed(quote.index, at_ns, credible):
            return Because(Reason.BAD_NUMBER, name, numbers)
        return None

    def _confirmed(self, index: float, at_ns: int, credible: float) -> bool:
        """Tell whether a leap is credible at first sight, or enough other prints leapt as well."""
        leap, before = index / self.index - 1.0, self.leapt
        if abs(leap) <= credible:
            self.leapt = None
            return True
        if before is not None and at_ns <= before[0]:
            return False
        again = before is not None and before[1] * leap > 0.0 and abs(leap) > 0.5 * abs(before[1])
        times = before[2] + 1 if before is not None and again else 1
        self.leapt = (at_ns, leap, times)
        return times >= (2 if abs(leap) <= 2.0 * LEAP else 3)

    def _witness_against(self, chain: Chain, at_ns: int) -> Quote | None:
        """Return a hedge instrument's quote of the same moment that contradicts a chain's index."""
        found = None
        for name in self.witnesses:
            quote = self.quotes.get(name)
            if quote is None or abs(made_ns(quote) - at_ns) > SAME_MOMENT_NS:
                continue
            if not (apart(chain.index, quote.index) and apart(chain.index, quote.mark)):
                return None
            found = quote
        return found

    def _see_index(self, ts_ns: int, index: float) -> None:
        if ts_ns < self.index_ns:
            return
        if ts_ns > self.index_ns:
            self.last_index, self.last_index_ns = self.index, self.index_ns
        self.index, self.index_ns = index, ts_ns
        self.realised.see_index(ts_ns, index)
        for expiry_ns, window in self.windows.items():
            if window.last_ns < ts_ns <= expiry_ns:
                window.add(ts_ns, index)
