"""A hand-written path: one quote a second, positions, fills, and the card that saw them."""

from decimal import Decimal

from bot.book.book import UnderlyingRules
from bot.book.numeraire import Numeraire
from bot.domain.deribit import parse
from bot.domain.events import Filled, InstrumentsListed, PositionsReport, Settled
from bot.domain.positions import Fill, Position
from bot.domain.quotes import Quote
from bot.domain.records import StateChange
from bot.domain.states import State
from bot.domain.units import NS_PER_S
from bot.lab.scorecard import Promise, Scorecard
from bot.strategy.bands import Band, GammaBand
from tests.builders.scripted_market import START_NS

PERPETUAL = "BTC-PERPETUAL"


def promise(
    band=(-0.1, 0.0, 0.1), numeraire="usd", gamma=(None, None), collateral="exclude", coin="BTC"
):
    """Return what an owner was promised."""
    rules = UnderlyingRules(coin, Numeraire(numeraire), collateral, ("perpetual",))
    return Promise(rules, Band(*band), GammaBand(*gamma))


class Walk:
    """Feeds a scorecard; every step is a second, at which the perpetual stands at the index."""

    def __init__(self, *promises, positions=None, listed=(PERPETUAL,), start_ns=START_NS):
        self.card = Scorecard(promises or (promise(),))
        self.now_ns = start_ns - NS_PER_S
        self.trades = 0
        self.tier = next(iter(self.card.cards.values())).promise.tier
        self.listed(*listed)
        held = tuple(
            Position(name, parse(name).quantity(size)) for name, size in (positions or {}).items()
        )
        self.card.see(PositionsReport(start_ns, held, ()))

    def listed(self, *names):
        """List these instruments."""
        for coin in self.card.cards:
            mine = tuple(parse(name) for name in names if name.startswith(coin))
            self.card.see(InstrumentsListed(self.now_ns, coin, mine))

    def run(self, *prices, half=0.5, funding=0.0, step_s=1, coin="BTC"):
        """Let seconds pass at these index prices."""
        for price in prices:
            self.now_ns += step_s * NS_PER_S
            now, name = self.now_ns, f"{coin}-PERPETUAL"
            sides = (price - half, price + half, 1e5, 1e5)
            self.card.see(Quote(name, coin, now, now, *sides, price, price, funding))
        return self

    def begin(self, coin="BTC"):
        """Let the coin run from just before the first second on."""
        ts_ns = self.now_ns
        self.card.note(StateChange(ts_ns, coin, State.READY, State.RUNNING, ()))
        return self

    def fill(self, quantity, price, fee=0.0, name=PERPETUAL, after_s=0.1, trade_id=None):
        """Let one of our orders be filled a moment later."""
        self.trades += 1
        instrument = parse(name)
        unit = instrument.coin if instrument.is_inverse else "USD"
        ts_ns = self.now_ns + round(after_s * NS_PER_S)
        fill = Fill(
            trade_id or f"t{self.trades}",
            "a1",
            name,
            instrument.quantity(quantity),
            Decimal(price),
            fee,
            unit,
            maker=False,
            ts_ns=ts_ns,
        )
        self.card.see(Filled(ts_ns, fill))
        return self

    def settle(self, name, price):
        """Let an instrument expire with the next second."""
        self.card.see(Settled(self.now_ns + NS_PER_S, name, price))
        return self

    def result(self, jumps=()):
        """End the run and return its figures."""
        self.card.finish()
        return self.card.result(jumps)
