"""What the desks share: the book, the orders, the states, ids, and the day's money.

The trading day is cut at 08:00 UTC, when the venue settles. A day's loss is what the account's
equity lost in its coin, valued at the index of now. Collateral that merely changes its dollar price
is no loss of the hedger's, except for the part that a usd book counts as delta (`collateral_delta`)
and therefore hedges: that part loses what the index lost since the day began.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bot.book.book import Book, UnderlyingRules
from bot.book.gamma_account import GammaAccount
from bot.book.numeraire import Numeraire
from bot.desk.controls import Controls
from bot.desk.receipts import Receipts
from bot.domain.commands import Command, Note
from bot.domain.instruments import FeeTier
from bot.domain.labels import stem
from bot.domain.positions import Balance
from bot.domain.reasons import Because
from bot.domain.units import day_start
from bot.execution.orders import OrderTable
from bot.risk.budget import OrderBudget
from bot.risk.host import Host
from bot.risk.machine import Machine
from bot.strategy.bands import Band
from bot.strategy.dealt import Dealt
from bot.strategy.delta import Levels


@dataclass(slots=True)
class DayTotals:
    """Sums of one coin since the last 08:00 UTC, in USD; equity at that time in the coin.

    `counted` is the collateral whose price change is a loss too, in coin: 0 where it is excluded or
    the book is a coin book, None for all of the equity. `gamma_coin` are the options that were
    traded for gamma. `fees_coin` waits for the first index. `cost_usd` is what finished hedges cost
    (fees, slippage), `model_usd` what their orders were expected to.
    """

    counted: float | None = 0.0
    day_ns: int = -1
    fees_usd: float = 0.0
    fees_coin: float = 0.0
    gamma_usd: float = 0.0
    gamma_coin: float = 0.0
    cost_usd: float = 0.0
    model_usd: float = 0.0
    start_equity: float | None = None
    start_index: float = math.nan

    def roll(self, now_ns: int) -> None:
        """Start a new day when 08:00 UTC has passed."""
        start_ns = day_start(now_ns)
        if start_ns != self.day_ns:
            self.day_ns, self.fees_usd, self.fees_coin, self.gamma_usd = start_ns, 0.0, 0.0, 0.0
            self.gamma_coin = self.cost_usd = self.model_usd = 0.0
            self.start_equity, self.start_index = None, math.nan

    def see_index(self, index: float) -> None:
        """Value what waits for an index; an index that is not known changes nothing."""
        if not index > 0.0:
            return
        self.fees_usd += self.fees_coin * index
        self.fees_coin = 0.0
        if self.start_equity is not None and not self.start_index > 0.0:
            self.start_index = index

    def see_equity(self, equity: float, index: float) -> None:
        """Take the first equity that the venue reports in a day as its beginning."""
        if self.start_equity is None and math.isfinite(equity):
            self.start_equity = equity
            self.see_index(index)

    def pay(self, fee: float, unit: str, price: float) -> None:
        """Add a fee in USD or coin; `price` is dollars per coin, NaN while nobody knows it."""
        if unit == "USD":
            self.fees_usd += fee
        elif price > 0.0:
            self.fees_usd += fee * price
        else:
            self.fees_coin += fee

    def loss_usd(self, balance: Balance | None, index: float) -> float:
        """Return today's loss (positive; see the module) as far as the venue has reported equity.

        Infinite where index or equity is not a number: what is unknown is within no limit.
        """
        if balance is None or self.start_equity is None:
            return 0.0
        counted = self.start_equity if self.counted is None else self.counted
        loss = (self.start_equity - balance.equity) * index
        if counted and self.start_index > 0.0:
            loss += counted * (self.start_index - index)
        return math.inf if math.isnan(loss) else max(loss, 0.0)


@dataclass(slots=True)
class Names:
    """Ids that name the instance, the epoch (one per start of the bot) and a sequence.

    On an exchange labels also say when the run was born (see `labels`).
    """

    instance: str
    epoch: int
    born_ns: int | None = None
    sequence: int = 0
    decisions: int = 0
    questions: int = 0

    def label(self) -> str:
        """Return the next order label, unique over restarts (at most 64 characters)."""
        self.sequence += 1
        return f"{self.stem}{self.sequence}"

    def question(self, coin: str) -> str:
        """Return the next id of a question about margin."""
        self.questions += 1
        return f"{coin}-{self.epoch}-m{self.questions}"

    def decision(self, coin: str) -> str:
        """Return the next decision id."""
        self.decisions += 1
        return f"{coin}-{self.epoch}-{self.decisions}"

    @property
    def stem(self) -> str:
        """Return what all labels of this run begin with."""
        return stem(self.instance, self.epoch, self.born_ns)


@dataclass(slots=True)
class Floor:
    """Shared by all desks; only the core holds it.

    A coin is in `unconfirmed` until a person has typed the `words` (by coin) that its first large
    hedge asks for. `barred` is why no order can reach the venue; empty when they can.
    `notices` are what a person should see of a coin although it stops nothing; `skipped` the
    instruments that the newest report of positions could not settle; `levels` the
    policy's bands in force, `accounts` what gamma earned; `receipts` are of the orders under way,
    and `dealt` is what dealing was found to cost by instrument; `controls` the breakers by coin,
    `host` what is seen of this machine.
    """

    book: Book
    orders: OrderTable
    machine: Machine
    names: Names
    tier: FeeTier = field(default_factory=FeeTier)
    days: dict[str, DayTotals] = field(default_factory=dict)
    budgets: dict[str, OrderBudget] = field(default_factory=dict)
    unconfirmed: set[str] = field(default_factory=set)
    words: dict[str, str] = field(default_factory=dict)
    barred: str = ""
    notices: dict[str, Because] = field(default_factory=dict)
    skipped: frozenset[str] = frozenset()
    levels: dict[str, Levels] = field(default_factory=dict)
    accounts: dict[str, GammaAccount] = field(default_factory=dict)
    receipts: Receipts = field(default_factory=Receipts)
    dealt: dict[str, Dealt] = field(default_factory=dict)
    controls: dict[str, Controls] = field(default_factory=dict)
    host: Host = field(default_factory=Host)

    def day(self, coin: str, now_ns: int) -> DayTotals:
        """Return a coin's totals of the current trading day."""
        mine = self.book.coins[coin]
        totals = self.days.setdefault(coin, DayTotals(_counted(mine.rules)))
        totals.roll(now_ns)
        totals.see_index(mine.market.index)
        return totals

    def see_balances(self, balances: Iterable[Balance], now_ns: int) -> None:
        """Take reported balances; the first ones of a day are where its loss is counted from."""
        for balance in balances:
            if balance.coin in self.book.coins:
                index = self.book.coins[balance.coin].market.index
                self.day(balance.coin, now_ns).see_equity(balance.equity, index)
            self.book.see_balances((balance,))

    def settle_receipts(self, now_ns: int) -> list[Command]:
        """Return what orders that are done have paid; what taking cost is learned from."""
        done = self.receipts.done(self.orders, now_ns)
        for paid in done:
            if not paid.post_only and paid.filled:
                known = self.dealt.get(paid.instrument, Dealt())
                self.dealt[paid.instrument] = known.took(paid.slippage_bps, paid.shown_bps)
        return [Note(paid) for paid in done]

    def learn_makers(self, shares: Mapping[str, float], assumed: float) -> None:
        """Learn from a hedge which part of it was filled as a maker, by instrument."""
        for name, share in shares.items():
            self.dealt[name] = self.dealt.get(name, Dealt()).hedged(share, assumed)

    def account(self, coin: str) -> GammaAccount:
        """Return a coin's account of gamma against theta."""
        return self.accounts.setdefault(coin, GammaAccount())

    def control(self, coin: str) -> Controls:
        """Return a coin's breakers."""
        return self.controls.setdefault(coin, Controls(coin, self.orders))

    def band(self, coin: str, owner: Band) -> Band:
        """Return the policy's band in force on a coin; the owner's before the first look."""
        return self.levels[coin].band if coin in self.levels else owner

    def budget(self, coin: str, now_ns: int) -> OrderBudget:
        """Return a coin's order budget."""
        if coin not in self.budgets:
            self.budgets[coin] = OrderBudget.start(now_ns)
        return self.budgets[coin]


def _counted(rules: UnderlyingRules) -> float | None:
    if rules.numeraire is Numeraire.COIN or rules.collateral_delta == "exclude":
        return 0.0
    return None if isinstance(rules.collateral_delta, str) else rules.collateral_delta
