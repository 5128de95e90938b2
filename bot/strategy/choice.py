"""Which instrument hedges delta, and what a coin of hedging costs there now.

Of the listed instruments of the owner's kinds that have a trustworthy quote, the one whose all-in
cost is least (see `hedge_cost`); at equal cost the owner's order of kinds decides, of futures the
sooner expiry. The instrument of the last hedge is kept until another is cheaper by a margin, so
that noise in quotes does not spread a book over everything that is listed.

Passed over are a future in its last day, whose hedge would be gone with the next settlement and
have to be bought again, one whose expiry holds as many futures as the owner allows, and, as long as
there is another, one in whose currency the account holds no funds. A future takes no more than its
expiry has room for; the rest of a hedge is for another instrument.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import NamedTuple

from bot.book.basis import futures_by_expiry
from bot.book.book import Book, CoinBook
from bot.book.numeraire import future_delta
from bot.domain.instruments import FeeTier, Instrument
from bot.domain.quotes import Quote
from bot.domain.reasons import Because, Reason
from bot.domain.units import NS_PER_S, SECONDS_PER_DAY, years_between
from bot.strategy.dealt import UNDEALT, Dealt
from bot.strategy.hedge_cost import HedgeCost, HedgePolicy, carry_usd_year, hedge_cost

MIN_LEFT_NS = int(SECONDS_PER_DAY) * NS_PER_S
NOTHING = 0.0, 0.0
ROUNDED = 1.01
ALL_IN = itemgetter(0)
ANY_POLICY = HedgePolicy()


@dataclass(frozen=True, slots=True)
class Task:
    """What an instrument is wanted for.

    `change` is the signed change of delta (coin), 0 where nothing is to be traded: then only the
    cost of crossing counts. `last` names the instrument of the last hedge, `barred` those that have
    an order whose fate is unknown; `pending` lists what those may still fill.
    """

    change: float = 0.0
    last: str = ""
    barred: frozenset[str] = frozenset()
    pending: tuple[tuple[str, float], ...] = ()


ANY_TASK = Task()


class Offer(NamedTuple):
    """A listed instrument with what it costs, or why it is not to be used.

    `funded` tells that the account holds funds of the currency that it settles in, `room_coin` how
    much delta its expiry may still take. A tuple, as every tick makes one for each instrument.
    """

    instrument: Instrument
    quote: Quote | None
    cost: HedgeCost | None
    why_not: Because | None = None
    funded: bool = True
    room_coin: float = math.inf


class Hedge(NamedTuple):
    """The instrument to hedge with, its quote and its cost; `because` tells why this one.

    `next_usd` is the all-in cost (USD per coin) of the best other one, NaN where there is none;
    `room_coin` the largest change of delta (coin, unsigned) that the basis limit leaves it.
    """

    instrument: Instrument
    quote: Quote
    cost: HedgeCost
    because: Because
    next_usd: float = math.nan
    room_coin: float = math.inf

    @property
    def cost_usd_per_coin(self) -> float:
        """Return what a coin costs now, half spread and fee, in USD."""
        return self.cost.crossing

    def fits(self, change: float) -> float:
        """Return the part of a signed change of delta (coin) that there is room for."""
        return math.copysign(min(abs(change), self.room_coin), change)


def choose_hedge(
    book: Book,
    coin: str,
    now_ns: int,
    tier: FeeTier,
    policy: HedgePolicy = ANY_POLICY,
    task: Task = ANY_TASK,
    dealt: Mapping[str, Dealt] = UNDEALT,
) -> tuple[Hedge | None, tuple[Because, ...]]:
    """Return the hedge to use now, or None; and why what the owner prefers to it was not used.

    `dealt` is what dealing was found to cost, by instrument.
    """
    found = offers(book, coin, now_ns, tier, policy, task, dealt)
    hedge = choose(found, policy, task)
    doubts: list[Because] = []
    for offer in found:
        if hedge is not None and offer.instrument is hedge.instrument:
            break
        # That a future ends is no doubt: it is what futures do.
        if offer.why_not is not None and offer.why_not.reason is not Reason.LAST_DAY:
            doubts.append(offer.why_not)
    if hedge is None and not doubts:
        doubts.append(Because(Reason.NO_HEDGE_INSTRUMENT, coin))
    return hedge, tuple(doubts)


def choose(found: tuple[Offer, ...], policy: HedgePolicy, task: Task) -> Hedge | None:
    """Return the cheapest of the offers that may be used, the first of equals, or the last used."""
    usable = [
        (offer.cost.all_in, offer, offer.quote, offer.cost)
        for offer in found
        if offer.why_not is None and offer.cost is not None and offer.quote is not None
    ]
    if not usable:
        return None
    if len(usable) > 1:
        usable = [one for one in usable if one[1].funded] or usable
        usable.sort(key=ALL_IN)  # of equals in the order of preference
    place, reason = 0, Reason.CHEAPEST
    if usable[0][1].instrument.name != task.last:
        for at, (usd, offer, quote, _) in enumerate(usable):
            if offer.instrument.name == task.last:
                if usd <= usable[0][0] + policy.switch_bps * 1e-4 * quote.index:
                    place = at
                    reason = reason if usd == usable[0][0] else Reason.NOT_WORTH_SWITCHING
                break
    usd, offer, quote, cost = usable.pop(place)
    figures, next_usd = {"usd_per_coin": usd}, math.nan
    if usable:
        figures["next_usd_per_coin"] = next_usd = usable[0][0]
    because = Because(reason, offer.instrument.name, figures)
    return Hedge(offer.instrument, quote, cost, because, next_usd, offer.room_coin)


def smallest_order(instrument: Instrument, mark: float, index: float) -> float:
    """Return the delta (coin) of the smallest order of an instrument."""
    least = float(max(instrument.lot, instrument.min_quantity))
    return abs(future_delta(instrument, least, mark, index))


def offers(
    book: Book,
    coin: str,
    now_ns: int,
    tier: FeeTier,
    policy: HedgePolicy,
    task: Task,
    dealt: Mapping[str, Dealt] = UNDEALT,
) -> tuple[Offer, ...]:
    """Return every listed instrument of the owner's kinds, in the order of preference."""
    mine = book.packed(coin)
    quotes, netted, funding = mine.market.quotes, mine.netted, mine.market.funding
    held: dict[int, tuple[float, float]] | None = None
    if task.change and policy.basis_coin < math.inf:
        held = futures_by_expiry(book, coin, now_ns, task.pending)
    found = []
    for instrument in mine.hedges:
        name, ends_ns = instrument.name, instrument.expiry_ns
        quote = quotes.get(name)
        why_not = _doubt(mine, instrument, now_ns, task)
        if why_not is not None or quote is None:
            found.append(Offer(instrument, quote, None, why_not))
            continue
        room = math.inf
        if held is not None and ends_ns is not None:
            room, why_not = _room(instrument, quote, held.get(ends_ns, NOTHING), policy, task)
        position = future_delta(instrument, netted.get(name, 0.0), quote.mark, quote.index)
        known = dealt.get(name)
        cost = hedge_cost(
            policy if known is None else known.on(policy),
            instrument,
            quote,
            tier,
            change=task.change,
            held=position,
            carry_usd_year=carry_usd_year(instrument, quote, funding.a_year(name), now_ns),
            years_left=math.inf if ends_ns is None else years_between(now_ns, ends_ns),
        )
        funded = position * task.change < 0.0 or _funded(book, instrument)
        found.append(Offer(instrument, quote, cost, why_not, funded, room))
    return tuple(found)


def _doubt(mine: CoinBook, instrument: Instrument, now_ns: int, task: Task) -> Because | None:
    """Return why an instrument is not to be used whatever it costs."""
    name, ends_ns = instrument.name, instrument.expiry_ns
    if ends_ns is not None and ends_ns - now_ns <= MIN_LEFT_NS:
        return Because(Reason.LAST_DAY, name)
    if name in task.barred:
        return Because(Reason.UNKNOWN_ORDER, name)
    return mine.market.doubt(name, now_ns, mine.rules.freshness.of(instrument))


def _room(
    instrument: Instrument,
    quote: Quote,
    held: tuple[float, float],
    policy: HedgePolicy,
    task: Task,
) -> tuple[float, Because | None]:
    """Return how much of a change a future's expiry may take (coin), and why that is nothing.

    `held` is the least and the most that it may hold now, coin.
    """
    low, high = held
    reached = high if task.change > 0.0 else -low
    room = max(policy.basis_coin - reached, 0.0)
    # A little more than one, as the order is sized at the book's index and not the quote's.
    if room >= ROUNDED * smallest_order(instrument, quote.mark, quote.index):
        return room, None
    figures = {"held_coin": reached, "limit_coin": policy.basis_coin}
    return room, Because(Reason.BASIS_LIMIT, instrument.name, figures)


def _funded(book: Book, instrument: Instrument) -> bool:
    balance = book.holdings.balances.get(instrument.currency)
    return balance is not None and balance.funds > 0.0
