"""The invariants of delta itself, by the exchange's own prices: where it goes, where it stays."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

from bot.domain.commands import Place
from bot.domain.events import Event, OrderUpdate
from bot.domain.instruments import Instrument
from bot.domain.orders import OrderState
from bot.domain.quotes import Quote
from bot.domain.units import NS_PER_S, seconds_between
from bot.venues.port import Request
from tests.simulation.campaign import truth
from tests.simulation.campaign.monitors import Monitor, Scene
from tests.simulation.campaign.truth import Arrival


@dataclass(slots=True)
class TowardsTarget(Monitor):
    """A hedge, wholly filled, brings delta nearer to its target (I11), never past it (I12).

    `moved_pct` is what the index may do between the decision and the fill, `least_coin` what a lot
    and the difference of two delta models are worth.
    """

    moved_pct: float = 0.6
    least_coin: float = 0.02

    def arrived(self, arrival: Arrival, scene: Scene) -> None:
        """Compare the distances before and after its fills."""
        intent = arrival.intent
        instrument = scene.tap.exchange.instrument(intent.instrument)
        if instrument is None or instrument.coin not in scene.owner:
            return
        if intent.purpose == "unwind":
            self._unwinds(arrival, instrument, scene)
        if intent.purpose != "delta" or instrument.coin in scene.off_scale:
            return
        lower, target, upper = scene.owner[instrument.coin]
        change = instrument.coins(float(intent.quantity.value), float(intent.price))
        before, after = arrival.delta_before - target, arrival.delta_before + change - target
        if not math.isfinite(after) or arrival.state is OrderState.REJECTED:
            return
        slack = self.least_coin * (upper - lower)
        slack += self.moved_pct * truth.gamma(scene.tap.exchange, instrument.coin, arrival.ts_ns)
        if abs(after) > abs(before) + slack:
            words = f"{intent.label}: {before:+.4f} would become {after:+.4f}"
            self.blame(arrival.ts_ns, words, "I11")
        elif before * after < 0.0 and abs(after) > slack:
            words = f"{intent.label}: past the target, {before:+.4f} {after:+.4f}"
            self.blame(arrival.ts_ns, words, "I12")

    def _unwinds(self, arrival: Arrival, instrument: Instrument, scene: Scene) -> None:
        """Judge a step of an unwind by the delta that is left once what settles is gone."""
        coin, exchange, now_ns = instrument.coin, scene.tap.exchange, arrival.ts_ns
        lower, target, upper = scene.owner[coin]
        untold = scene.tap.untold
        rest = truth.delta(exchange, coin, now_ns, lasting=True, without=untold) - target
        before = rest - (arrival.delta_after - arrival.delta_before)
        after = before + instrument.coins(
            float(arrival.intent.quantity.value), float(arrival.intent.price)
        )
        slack = self.least_coin * (upper - lower)
        if abs(after) > abs(before) + slack and abs(after) > upper - target:
            words = f"{arrival.intent.label} unwinds {before:+.4f} to {after:+.4f}"
            self.blame(now_ns, words, "I11")


@dataclass(slots=True)
class Restless(Monitor):
    """I14: hedges whose need nobody can see, delta being where it should be, are rare.

    `idle` are the times of those that met a delta within a fiftieth of the way to the owner's edge.
    """

    share: float = 0.02
    most: int = 12
    span_s: float = 600.0
    idle: deque[int] = field(default_factory=deque)

    def arrived(self, arrival: Arrival, scene: Scene) -> None:
        """Count what was not needed."""
        instrument = scene.tap.exchange.instrument(arrival.intent.instrument)
        if instrument is None or arrival.intent.purpose != "delta":
            return
        if instrument.coin not in scene.owner or instrument.coin in scene.off_scale:
            return
        lower, target, upper = scene.owner[instrument.coin]
        away = abs(arrival.delta_before - target)
        if away > self.share * min(upper - target, target - lower):
            return
        self.idle.append(arrival.ts_ns)
        while seconds_between(self.idle[0], arrival.ts_ns) > self.span_s:
            self.idle.popleft()
        if len(self.idle) > self.most:
            self.blame(arrival.ts_ns, f"{len(self.idle)} idle hedges in {self.span_s:g} s")
            self.idle.clear()


@dataclass(slots=True)
class Converges(Monitor):
    """I13: with the faults gone and nothing stopped, delta comes back into the owner's band.

    It is enough to be there once in the last half minute: prices go on moving.
    """

    last_s: float = 30.0
    inside: dict[str, bool] = field(default_factory=dict)
    seen: dict[str, float] = field(default_factory=dict)

    def look(self, scene: Scene) -> None:
        """See where delta is."""
        if not 0.0 < scene.calm_left_s <= self.last_s:
            return
        for coin, (lower, _, upper) in scene.owner.items():
            delta = scene.delta(coin)
            slack = 0.03 * (upper - lower) + 0.002
            if _capped(scene, coin, sell=delta > upper):
                slack = math.inf
            within = lower - slack <= delta <= upper + slack or not math.isfinite(delta)
            self.inside[coin] = self.inside.get(coin, False) or within
            self.seen[coin] = delta

    def quiet(self, scene: Scene) -> None:
        """Judge."""
        for coin, inside in self.inside.items():
            if not inside and coin not in scene.off_scale:
                self.blame(scene.now_ns, f"{coin} is left at {self.seen[coin]:+.4f}")


@dataclass(slots=True)
class Abandoned(Monitor):
    """I13: no book is left outside its owner's band for minutes by a bot that lives and may send.

    The minutes are those in which it could have: a quote of a hedge is not older than `fresh_s`, no
    order of the last `silent_s` waits for its first word, and none was refused within `refused_s`.
    What takes these away is counted out, not forgiven: faults in a row may last longer than any.
    Inside a settlement window delta is an interval: an option's lies between nothing and the share
    of its average that is still to come. After a stop the next order shows that it is over.
    """

    longest_s: float = 240.0
    fresh_s: float = 5.0
    refused_s: float = 30.0
    silent_s: float = 120.0
    outside_s: float = 0.0
    looked_ns: int = 0
    stopped: bool = False
    quoted: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)

    def said(self, verb: str, now_ns: int, scene: Scene) -> None:  # noqa: ARG002
        """Wait for an order after a stop."""
        self.stopped |= verb != "resume"

    def died(self, scene: Scene) -> None:  # noqa: ARG002
        """Begin anew."""
        self.outside_s = 0.0

    def heard(self, event: Event, scene: Scene) -> None:
        """Keep when last a hedge was quoted, and when an order of ours was refused."""
        if isinstance(event, Quote):
            self.quoted[event.coin] = event.ts_ns
        elif isinstance(event, OrderUpdate) and event.report.state is OrderState.REJECTED:
            listed = scene.tap.exchange.instrument(event.report.instrument)
            if listed is not None:
                self.refused[listed.coin] = event.ts_ns

    def sent(self, request: Request, now_ns: int, scene: Scene) -> None:  # noqa: ARG002
        """See that it runs."""
        if isinstance(request, Place):
            self.stopped = False

    def look(self, scene: Scene) -> None:
        """Count the time for which delta has surely been outside."""
        now_ns = scene.now_ns
        passed_s, self.looked_ns = seconds_between(self.looked_ns, now_ns), now_ns
        for coin, (lower, _, upper) in scene.owner.items():
            low, high = truth.delta_range(scene.tap.exchange, coin, now_ns)
            slack = 0.05 * (upper - lower) + 0.002
            above, below = low > upper + slack, high < lower - slack
            helpless = _capped(scene, coin, sell=above) or self.stopped or not scene.there
            if not (above or below) or helpless:
                self.outside_s = 0.0
                continue
            self.outside_s += passed_s if self._able(coin, scene) else 0.0
            if self.outside_s > self.longest_s:
                self.blame(now_ns, f"{coin} is outside for minutes: {low:+.4f} to {high:+.4f}")
                self.outside_s = 0.0

    def _able(self, coin: str, scene: Scene) -> bool:
        """Tell whether prices come, and orders are answered with anything but a refusal."""
        never = -(2**62)
        quoted_s = seconds_between(self.quoted.get(coin, never), scene.now_ns)
        refused_s = seconds_between(self.refused.get(coin, never), scene.now_ns)
        if quoted_s > self.fresh_s or refused_s < self.refused_s:
            return False
        return not scene.wire.unanswered(coin, scene.now_ns - round(self.silent_s * NS_PER_S))


def _capped(scene: Scene, coin: str, *, sell: bool) -> bool:
    """Tell whether the owner's cap of the position is in the way of a hedge."""
    held = scene.futures(coin)
    return (-held if sell else held) > 0.97 * scene.position_coin
