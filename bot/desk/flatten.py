"""Flatten: closes a coin's own hedges because a person said so, in slices, and leaves it HALTED.

Never automatic, and never by accident: the coin must be paused or halted first, the words must name
what is closed, and they must have been typed at the command line. From then on the coin is HALTED,
so that nothing hedges what is being closed. Only hedges of ours in futures and perpetuals are
closed, and none beyond what the venue nets: no slice opens or turns a position there.

    size      a twentieth of the whole or 25 000 USD, whichever is more, within the order caps
    pace      one order at a time, one in two seconds, within the order budget
    price     immediate-or-cancel, the collar's ladder up to the owner's collar

The owner's bands do not stop it. A pause, a halt (of any kind) or any other word on the coin's
state does, at once; so do a restart and ten minutes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

from bot.book.exposure import Exposure
from bot.book.measure import measure
from bot.book.numeraire import future_delta
from bot.desk.explain import Wish, decision_record, snapshot
from bot.desk.floor import Floor
from bot.desk.rules import DeskRules
from bot.desk.situation import caps_in_force, circumstances
from bot.domain.commands import Command, Note, Place
from bot.domain.instruments import Instrument, Kind
from bot.domain.orders import Intent, TimeInForce
from bot.domain.positions import HEDGE_TAG
from bot.domain.quotes import Quote
from bot.domain.reasons import Because, Reason
from bot.domain.records import Decision, TradeNote
from bot.domain.states import STICKY
from bot.domain.units import NS_PER_S, Quantity
from bot.execution.rounding import to_lots, to_tick
from bot.execution.tactics import Pricing, Progress, Sight, price_hedge
from bot.risk.gate import Proposal, Verdict, examine_flatten

PURPOSE: Final = "flatten"
COMMAND_LINE: Final = "command line"
GAP_S: Final = 2.0
SLICE_USD: Final = 25_000.0
SLICES: Final = 20.0
LONGEST_S: Final = 600.0
_ASKED: Final = "expected the words "


def asked_for(outcome: str) -> str:
    """Return the words that a refusal asks for; empty where it asks for none."""
    if not outcome.startswith(_ASKED):
        return ""
    return outcome.removeprefix(_ASKED).partition(", found ")[0].strip("'")


@dataclass(slots=True)
class Closing:
    """One coin's flatten under way.

    `slice_usd` is the largest slice, `rung` the collar's; `last` is what was held of an instrument
    before the newest slice, and how much of it that slice was for. `told` are the reasons that were
    last told for sending nothing.
    """

    because: Because
    until_ns: int
    slice_usd: float
    next_ns: int
    rung: int = 0
    last: tuple[str, Decimal, Decimal] | None = None
    told: tuple[str, ...] = ()

    def rung_of(self, name: str, held: Decimal) -> int:
        """Return the collar's rung: one further where the newest slice was not filled whole."""
        if self.last is None or self.last[0] != name:
            return 0
        _, before, asked = self.last
        return 0 if abs(before - held) >= abs(asked) else self.rung + 1

    def sent(self, name: str, held: Decimal, asked: Decimal, rung: int) -> None:
        """Remember the newest slice."""
        self.last, self.rung, self.told = (name, held, asked), rung, ()


@dataclass(slots=True)
class Flatten:
    """What is being flattened, by coin."""

    floor: Floor
    rules: Mapping[str, DeskRules]
    closing: dict[str, Closing] = field(default_factory=dict)

    def held(self, coin: str) -> list[tuple[Instrument, Decimal]]:
        """Return our hedges of a coin that can be closed: instrument and signed quantity."""
        holdings, known = self.floor.book.holdings, self.floor.book.instruments
        found = []
        for position in holdings.positions.values():
            instrument = known.get(position.instrument)
            if position.tag != HEDGE_TAG or instrument is None or instrument.coin != coin:
                continue
            if instrument.kind not in {Kind.FUTURE, Kind.PERPETUAL}:
                continue
            mine, net = position.quantity.value, holdings.total(instrument.name)
            size = min(abs(mine), abs(net)) if mine * net > 0 else Decimal(0)
            closable = Decimal(0) if size < instrument.min_quantity else size.copy_sign(mine)
            if closable:
                found.append((instrument, closable))
        return sorted(found, key=lambda one: one[0].name)

    def words(self, coin: str) -> str:
        """Return what must be typed: the coin and everything that will be closed."""
        named = [f"{held.normalize():+f} {one.name}" for one, held in self.held(coin)]
        return " ".join(["flatten", coin, *named])

    def refusal(self, coin: str, words: str, by: str) -> str | None:
        """Return why a flatten may not begin; None where it may."""
        state = self.floor.machine.at(coin)
        unknown = [order.intent.label for order in self.floor.orders.unknown(coin)]
        lacks = {
            f"expected flatten from the {COMMAND_LINE}, found it from elsewhere": by
            != COMMAND_LINE,
            f"expected {coin} PAUSED or HALTED before it is flattened, found {state}": state
            not in STICKY,
            f"expected hedges of {coin} in futures to close, found none": not self.held(coin),
            f"refused: {len(unknown)} orders are UNKNOWN ({', '.join(unknown)})": bool(unknown),
            f"expected {coin} to be flattened once at a time, found it under way": coin
            in self.closing,
            f"{_ASKED}{self.words(coin)!r}, found {words[:120]!r}": words != self.words(coin),
        }
        return next((sentence for sentence, lacking in lacks.items() if lacking), None)

    def begin(self, coin: str, because: Because, now_ns: int) -> str:
        """Begin, and return what is going to be done."""
        index = self.floor.book.coins[coin].market.index
        held = ((one, float(size)) for one, size in self.held(coin))
        whole = sum(abs(future_delta(one, size, index, index)) for one, size in held) * index
        slice_usd = max(SLICE_USD, whole / SLICES) if whole > 0.0 else SLICE_USD
        until_ns = now_ns + round(LONGEST_S * NS_PER_S)
        first_ns = now_ns + round(GAP_S * NS_PER_S)
        self.closing[coin] = Closing(because, until_ns, slice_usd, first_ns)
        what = self.words(coin).removeprefix(f"flatten {coin} ")
        pace = f"in slices of at most {slice_usd:.0f} USD, one in {GAP_S:g} s"
        return f"closes {what} {pace}; `halt {coin}` stops it; HALTED until `resume {coin}`"

    def stop(self, coin: str) -> str:
        """Stop flattening a coin, or (empty) every coin, and return what was stopped."""
        stopped = [one for one in self.closing if coin in ("", one)]
        for one in stopped:
            del self.closing[one]
        return f"; stopped flattening {', '.join(stopped)}" if stopped else ""

    def tick(self, now_ns: int) -> list[Command]:
        """Send what is due."""
        commands: list[Command] = []
        for coin, closing in list(self.closing.items()):
            if now_ns >= closing.next_ns:
                commands += self._go_on(coin, closing, now_ns)
        return commands

    def _go_on(self, coin: str, closing: Closing, now_ns: int) -> list[Command]:
        if self.floor.machine.at(coin) not in STICKY:
            self.stop(coin)
            return []
        if any(order.coin == coin for order in self.floor.orders):
            return []  # one at a time, and none while something may still fill
        held = self.held(coin)
        exposure = measure(self.floor.book, coin, now_ns, ())
        if not held or now_ns >= closing.until_ns:
            self.stop(coin)
            late = Because(Reason.BACKING_OFF, coin, {"limit_s": LONGEST_S})
            over = self._record(coin, closing, exposure, refused=(late,) if held else ())
            return [Note(over)]
        closing.next_ns = now_ns + round(GAP_S * NS_PER_S)
        refused: tuple[Because, ...] = ()
        for instrument, quantity in held:  # one that has no price must not keep the next waiting
            sent, why_not = self._slice(coin, closing, exposure, instrument, quantity)
            if sent:
                return sent
            refused += why_not
        return self._refuse(coin, closing, exposure, refused)

    def _priced(
        self, coin: str, exposure: Exposure, instrument: Instrument
    ) -> tuple[Quote | None, tuple[Because, ...]]:
        """Return the quote to close an instrument at, or what is wrong with it."""
        market = self.floor.book.coins[coin].market
        max_age_s = self.rules[coin].measure.freshness.of(instrument)
        doubt = market.doubt(instrument.name, exposure.ts_ns, max_age_s)
        if doubt is None and not exposure.index > 0.0:
            doubt = Because(Reason.NO_QUOTE, coin)
        if doubt is not None:
            return None, (doubt,)
        return market.quotes[instrument.name], ()

    def _slice(
        self,
        coin: str,
        closing: Closing,
        exposure: Exposure,
        instrument: Instrument,
        held: Decimal,
    ) -> tuple[list[Command], tuple[Because, ...]]:
        """Return the order for the next slice of an instrument, or why there is none."""
        quote, doubts = self._priced(coin, exposure, instrument)
        if quote is None:
            return [], doubts
        rules, rung = self.rules[coin], closing.rung_of(instrument.name, held)
        change = -future_delta(instrument, float(held), quote.mark, exposure.index)
        share = min(1.0, closing.slice_usd / (abs(change) * exposure.index))
        # The smallest order is always allowed as a slice: what is left would else never go.
        least = min(abs(held), instrument.min_quantity)
        size = max(abs(to_lots(instrument, share * float(held)).value), least)
        wanted = size.copy_sign(-held)
        widest_bps = rules.limits.collar_bps
        now = Sight(exposure.ts_ns, quote, wanted > 0, patience_s=0.0, widest_bps=widest_bps)
        pricing = price_hedge(rules.tactics, Progress(rung=rung), now)
        change = future_delta(instrument, float(wanted), quote.mark, exposure.index)
        proposal = Proposal(
            instrument=instrument,
            quantity=float(wanted),
            delta_coin=change,
            limit=pricing.limit,
            reference=quote.mark,
            notional_usd=abs(change) * exposure.index,
            purpose=PURPOSE,
        )
        verdict = self._allowed(coin, exposure, proposal)
        if verdict.proposal is None:
            return [], verdict.reasons
        cut = to_lots(instrument, verdict.proposal.quantity)
        closing.sent(instrument.name, held, cut.value, rung)
        return self._send(coin, closing, exposure, verdict.proposal, (cut, pricing)), ()

    def _allowed(self, coin: str, exposure: Exposure, proposal: Proposal) -> Verdict:
        """Return the gate's verdict; what passes has spent its part of the order budget."""
        floor, rules = self.floor, self.rules[coin]
        caps = caps_in_force(floor, rules, exposure, None).caps
        if not math.isfinite(caps.order_coin):  # a book that cannot be measured has no need
            caps = replace(caps, order_coin=SLICE_USD / exposure.index)
        now = circumstances(floor, rules, exposure, caps, proposal.instrument)
        verdict, budget = examine_flatten(proposal, now), floor.budget(coin, exposure.ts_ns)
        budget.refill(caps.orders_per_min, caps.reserve_per_min, exposure.ts_ns)
        if verdict.proposal is None or budget.take(reducing=False):
            return verdict
        figures = {"per_min": caps.orders_per_min}
        rate = Because(Reason.ORDER_RATE, proposal.instrument.name, figures)
        return Verdict(None, reducing=False, reasons=(rate,))

    def _send(
        self,
        coin: str,
        closing: Closing,
        exposure: Exposure,
        sent: Proposal,
        how: tuple[Quantity, Pricing],
    ) -> list[Command]:
        lots, pricing = how
        now_ns, instrument = exposure.ts_ns, sent.instrument
        price = to_tick(instrument, pricing.limit, buy=lots.value > 0)
        record = self._record(coin, closing, exposure, sent=sent, limit=float(price))
        intent = Intent(
            label=self.floor.names.label(),
            instrument=instrument.name,
            quantity=lots,
            price=price,
            time_in_force=TimeInForce.IOC,
            post_only=False,
            reduce_delta=False,
            decision=record.id,
            purpose=PURPOSE,
            created_ns=now_ns,
            valid_until_ns=now_ns + round(self.rules[coin].tactics.valid_s * NS_PER_S),
        )
        return [Note(record), Place(intent), *self.floor.orders.add(intent, coin, now_ns)]

    def _refuse(
        self, coin: str, closing: Closing, exposure: Exposure, refused: tuple[Because, ...]
    ) -> list[Command]:
        """Tell why nothing is sent now, once for the same reasons."""
        words = tuple(str(because.reason) for because in refused)
        if words == closing.told:
            return []
        closing.told = words
        return [Note(self._record(coin, closing, exposure, refused=refused))]

    def _record(
        self,
        coin: str,
        closing: Closing,
        exposure: Exposure,
        *,
        sent: Proposal | None = None,
        limit: float = math.nan,
        refused: tuple[Because, ...] = (),
    ) -> Decision:
        owner = self.rules[coin].delta.owner
        trades: tuple[TradeNote, ...] = ()
        if sent is not None:
            unit = str(sent.instrument.unit)
            most_usd = abs(limit / sent.reference - 1.0) * sent.notional_usd
            trades = (TradeNote(sent.instrument.name, sent.quantity, unit, limit, most_usd),)
        wish = Wish(
            kind=PURPOSE,
            reasons=(closing.because,),
            refused=refused,
            trades=trades,
            delta_change=0.0 if sent is None else sent.delta_coin,
        )
        decision = self.floor.names.decision(coin)
        seen = snapshot(self.floor, coin, exposure, None)
        band = self.floor.band(coin, owner)
        return decision_record(exposure, band, owner, decision, wish, seen)
