"""One seed from beginning to end: the exchange lives through it, the bot lives and dies in it."""

from __future__ import annotations

import hashlib
import math
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import cast

import numpy as np

from bot import wiring
from bot.domain.commands import Place
from bot.domain.errors import DeltabandError
from bot.domain.events import Event, InstrumentsListed, PositionsReport, Settled
from bot.domain.orders import OrderState
from bot.domain.positions import HEDGE_TAG
from bot.domain.units import NS_PER_S
from bot.sim.exchange import Exchange
from bot.venues.paper import Latency, PaperVenue
from bot.venues.port import Request
from tests.simulation.campaign import truth
from tests.simulation.campaign.judges import judges
from tests.simulation.campaign.life import Fate, Killed, Life
from tests.simulation.campaign.mishaps import Locked
from tests.simulation.campaign.outcome import Outcome
from tests.simulation.campaign.people import NEVER_NS, Operators, gap_ns
from tests.simulation.campaign.scenario import misfortunes, scenario, weather
from tests.simulation.campaign.streams import stream
from tests.simulation.campaign.truth import Tap
from tests.simulation.campaign.venue import FaultyVenue
from tests.simulation.campaign.wire import Wire

QUIET_NS = 90 * NS_PER_S
DRAIN_NS = 15 * NS_PER_S
LISTEN_NS = 50_000_000
SETTLING_NS = 1_800 * NS_PER_S
GONE_S = (0.05, 0.05, 1.0, 8.0, 40.0, 90.0)
RESUME_NS = 20 * NS_PER_S


class World:
    """A seed's exchange, network and bot; `run` is the whole of it.

    `enough` is asked about what is broken, and may end the run early.
    """

    def __init__(
        self,
        seed: int,
        hours: float,
        folder: Path,
        enough: Callable[[list[str]], bool] = lambda _: False,
    ) -> None:
        """Build everything but the bot, whose journal will be in `folder`."""
        self.seed, self.hours, self.folder, self.enough = seed, hours, folder, enough
        self.life: Life | None = None
        self.hits: Counter[str] = Counter()
        self.kills: Counter[str] = Counter()
        self.wire = Wire()
        self.off_scale: frozenset[str] = frozenset()
        self.calm = False
        self.fate = Fate()
        self._kill_ns = self._back_ns = 0
        self.scene = scenario(self.seed)
        settings = self.scene.settings.scaled()
        market = wiring.market(settings, self.seed, self.scene.start_ns)
        streams = np.random.SeedSequence(self.seed).spawn(2)
        matching, network = (np.random.Generator(np.random.PCG64(one)) for one in streams)
        self.tap = Tap(Exchange(market, wiring.starting_account(settings), matching))
        asked = cast("Exchange", self.tap)  # it has all that an exchange has
        inner = PaperVenue(asked, network, Latency())
        self.venue = FaultyVenue(inner, weather(self.seed))
        self.mishaps = misfortunes(self.seed)
        for mishap in self.mishaps:
            mishap.begin(self.venue.now_ns)
        self.monitors = judges(self.scene.order_usd)
        self._chance = stream(self.seed, "kills")
        self.people = Operators(self.seed, self.scene.words_per_hour, self.venue.now_ns)
        self._judged = self._end_ns = self._look_ns = self._resume_ns = self._listen_ns = 0

    # what monitors may look at

    @property
    def now_ns(self) -> int:
        """Return the time."""
        return self.venue.now_ns

    @property
    def file(self) -> Path:
        """Return the journal's file."""
        return self.folder / self.scene.settings.instance / "journal.sqlite"

    @property
    def owner(self) -> dict[str, tuple[float, float, float]]:
        """Return the owner's bands: lower, target, upper."""
        rows = self.scene.settings.underlying.items()
        return {coin: (u.delta.lower, u.delta.target, u.delta.upper) for coin, u in rows}

    @property
    def words(self) -> Counter[str]:
        """Return how often each word was said."""
        return self.people.words

    @property
    def locked(self) -> bool:
        """Tell whether somebody holds the journal's file."""
        return any(isinstance(m, Locked) and m.guest is not None for m in self.mishaps)

    @property
    def there(self) -> bool:
        """Tell whether the bot lives."""
        return self.life is not None

    @property
    def calm_left_s(self) -> float:
        """Return how long the quiet at the end will still last; 0 before and after it."""
        left_ns = self._end_ns + QUIET_NS - self.now_ns
        return max(left_ns, 0) / NS_PER_S if self.calm else 0.0

    @property
    def position_coin(self) -> float:
        """Return the owner's cap of the futures position, coin; infinite where none is set."""
        return self.scene.position_coin or math.inf

    def futures(self, coin: str) -> float:
        """Return what the account holds of a coin's futures, coin at the index."""
        return truth.futures(self.tap.exchange, coin)

    def delta(self, coin: str) -> float:
        """Return the account's delta by the exchange's own prices, coin."""
        return truth.delta(self.tap.exchange, coin, self.now_ns)

    def hedges(self) -> Mapping[str, Decimal]:
        """Return what the bot takes for its own hedges."""
        if self.life is None:
            return {}
        positions = self.life.core.floor.book.holdings.positions.values()
        return {p.instrument: p.quantity.value for p in positions if p.tag == HEDGE_TAG}

    def held(self) -> Mapping[str, Decimal]:
        """Return what the bot takes for its holdings."""
        return {} if self.life is None else self.life.core.floor.book.holdings.held()

    # the run

    def run(self) -> Outcome:
        """Live through the hours and a quiet end, and return what was seen."""
        begin_ns = self.venue.next_time() or 0
        end_ns = self._end_ns = begin_ns + round(self.hours * 3_600) * NS_PER_S
        self._plan_kill(begin_ns)
        self._live(begin_ns)
        while (event := self.venue.next_event(end_ns + QUIET_NS + DRAIN_NS)) is not None:
            if self.enough(self.broken):
                break
            if event.ts_ns >= end_ns:
                self._calm(event.ts_ns)
            self._note(event)
            self._befall(event.ts_ns)
            self._turn(event)
        else:
            self._judge_end()
        if self.life is not None:
            self.life.end()
        return self._outcome()

    def _turn(self, event: Event) -> None:
        """Let the bot live through an event, if it is there or its time has come again."""
        now_ns = event.ts_ns
        if self.life is None:
            if now_ns >= self._back_ns:
                self._live(now_ns)
            return
        if now_ns >= self._end_ns + QUIET_NS:
            self.life.close()
        if not self.calm and now_ns >= self._kill_ns:
            self._kill_ns = NEVER_NS
            if self._chance.random() < 0.4:
                self.doom(40)
            self.fate.lurks = not self.fate.at
        if listen := now_ns >= self._listen_ns:
            self._listen_ns = now_ns + LISTEN_NS
        self._step(event, listen=listen)

    @property
    def broken(self) -> list[str]:
        """Return everything that was seen broken so far."""
        return [words for monitor in self.monitors for words in monitor.broken]

    def _step(self, event: Event, *, listen: bool) -> None:
        if (life := self.life) is None:
            return
        for monitor in self.monitors:
            monitor.heard(event, self)
        self.wire.heard(event)
        if isinstance(event, PositionsReport):
            self.tap.told(event)
        try:
            life.step(event, listen=listen)
        except Killed:
            self._die()
        except DeltabandError:
            self._die()
            self.hits["run ended by itself"] += 1
        except Exception:  # noqa: BLE001  a fault of the program is what is looked for
            self.monitors[0].blame(self.now_ns, traceback.format_exc(limit=-3), "bot broke")
            self._die()
        self._judge_arrivals()

    def _befall(self, now_ns: int) -> None:
        for mishap in self.mishaps:
            if mishap.due(now_ns):
                mishap.strike(now_ns)
                mishap.befall(self)
            mishap.release(now_ns)
        if not self.calm:
            self.people.speak(self, now_ns)

    def _sent(self, request: Request, now_ns: int) -> None:
        for monitor in self.monitors:
            monitor.sent(request, now_ns, self)
        self.wire.sent(request, now_ns)
        if isinstance(request, Place) and self._chance.random() < 0.5:
            self.fate.pounce(self._chance.randrange(1, 10))

    def _live(self, now_ns: int) -> None:
        """Start the bot and connect it."""
        self.fate.effects = 0
        try:
            self.life = Life(
                self.scene.settings.scaled(),
                self.tap.exchange.market,
                self.venue,
                self.folder,
                self.fate,
                self._sent,
            )
        except Killed:
            self._die()
            return
        except DeltabandError:  # another process holds the journal: it is tried again
            self.hits["start refused"] += 1
            self._back_ns = now_ns + NS_PER_S
            return
        if self.tap.exchange._opened:
            newest = [one.intent.label for one in self.tap.arrivals[-3:]]
            self.venue.connect(now_ns, newest if self._chance.random() < 0.5 else ())

    def _die(self) -> None:
        """End the process where it stands; another comes after a while."""
        self.kills[self.fate.last] += 1
        if self.life is not None:
            self.life.end()
            self.life = None
        self.wire.died()
        for monitor in self.monitors:
            monitor.died(self)
        self.venue.hang_up()
        self.fate.at = 0
        gone_s = self._chance.choice(GONE_S)
        self._back_ns = self.now_ns + round(gone_s * NS_PER_S)
        self._plan_kill(self._back_ns)
        if self.calm:
            return
        if self._chance.random() < 0.4:  # again, while it recovers
            self.fate.at = self._chance.randrange(1, 40)
        self.people.mourn(self, gone_s)

    def doom(self, within: int) -> None:
        """Let the process die at one of so many effects that come next."""
        self.fate.at = self.fate.effects + self._chance.randrange(1, within)

    def heed(self, verb: str) -> None:
        """Tell everybody that a word was put in."""
        self.hits[f"operator: {verb}"] += 1
        if verb == "resume" and self.life is not None:
            orders = self.life.core.floor.orders
            self.hits["F83"] += any(o.state is OrderState.UNKNOWN for o in orders)
        for monitor in self.monitors:
            monitor.said(verb, self.now_ns, self)

    def _plan_kill(self, now_ns: int) -> None:
        self._kill_ns = now_ns + gap_ns(self._chance, self.scene.kills_per_hour)

    def _calm(self, now_ns: int) -> None:
        """End the faults; the bot is there and may trade, as soon as it agrees to that."""
        if not self.calm:
            self.calm = True
            self.fate.at, self.fate.lurks = 0, False
            self.venue.calm()
            for mishap in self.mishaps:
                mishap.off = True
                mishap.release(now_ns)
            if self.life is None:
                self._live(now_ns)
            self._resume_ns = now_ns
        if self._resume_ns <= now_ns < self._end_ns + QUIET_NS:
            self._resume_ns = now_ns + RESUME_NS
            self.people.say(self, "resume")

    def _note(self, event: Event) -> None:
        """Count what the market itself brings, and see when deltas roll off into a settlement."""
        if isinstance(event, Settled):
            self.hits["F51"] += 1
        if isinstance(event, InstrumentsListed):
            self.hits["F54"] += 1
        expiries = [h.instrument.expiry_ns for h in self.tap.exchange.holdings.values()]
        near = any(e is not None and 0 <= e - event.ts_ns < SETTLING_NS for e in expiries)
        self.off_scale = frozenset(self.owner) if near else frozenset()
        if event.ts_ns >= self._look_ns + NS_PER_S:
            self._look_ns = event.ts_ns
            if any(order.filled for order in self.tap.exchange.working):
                self.fate.pounce(1)
            for monitor in self.monitors:
                monitor.look(self)

    def _judge_arrivals(self) -> None:
        for arrival in self.tap.arrivals[self._judged :]:
            for monitor in self.monitors:
                monitor.arrived(arrival, self)
        self._judged = len(self.tap.arrivals)

    def _judge_end(self) -> None:
        self._judge_arrivals()
        if self.life is None:
            self.monitors[0].blame(self.now_ns, "nobody is there at the end", "bot gone")
            return
        self.life.journal.commit()
        for monitor in self.monitors:
            monitor.quiet(self)

    def _outcome(self) -> Outcome:
        hits = Counter({f.code: f.hits for f in (*self.venue.faults, *self.mishaps)}) + self.hits
        hits["F22"] += self.tap.late_cancels
        hits["F21"] += self.tap.partly
        hits["F14"] += sum(self.kills.values())
        name, orders = self.scene.name, self.tap.arrivals
        trace = hashlib.sha256(repr(orders).encode()).hexdigest()
        seen = (hits, self.kills, len(orders), self.broken, trace)
        return Outcome(self.seed, name, self.hours, *seen)
