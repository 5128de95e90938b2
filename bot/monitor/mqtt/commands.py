"""Commands from the broker to the bot and what became of them back.

What the door lets in goes into the journal's command queue, where the bot takes it like a verb of
the command line; the reply is the bot's own answer. What it does not let in is audited, and
answered only where a key that is known signed it. The same command again gets the same reply and
has no second effect: the door knows it, and the journal has one row for each id of a key.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bot.domain.errors import JournalError
from bot.monitor.mqtt.audit import Audit
from bot.monitor.mqtt.door import STOPS, VERBS, Challenged, Door, Taken, Verdict
from bot.monitor.mqtt.envelope import VERSION, Envelope, Fault, Refusal
from bot.monitor.mqtt.link import Arrived
from bot.monitor.newsroom import Say
from bot.monitor.outlet import Steering

ANSWER_S: Final = 10.0
"""How long a bot has for its answer; what loosens is taken back then, what stops stays queued."""
FORGET_S: Final = 600.0
KEPT: Final = 500

Reply = Callable[[str, Mapping[str, Any]], None]


@dataclass(slots=True)
class _Open:
    """A command that waits for the bot's answer."""

    envelope: Envelope
    since_s: float
    told: bool = False


class Commands:
    """Takes what arrives and answers it."""

    def __init__(
        self,
        door: Door,
        steering: Steering,
        audit: Audit,
        say: Say,
        reply: Reply,
        clock_s: Callable[[], float],
    ) -> None:
        """Take the parts; `reply` is handed an id and what is told about that command."""
        self.door = door
        self._steering, self._audit, self._say = steering, audit, say
        self._reply, self._clock_s = reply, clock_s
        self._open: dict[str, _Open] = {}
        self._replies: OrderedDict[str, dict[str, Any]] = OrderedDict()

    def take(self, topic_verb: str, arrived: Arrived) -> None:
        """Obey, refuse or repeat what arrived on the topic of a verb; never raises."""
        verb = topic_verb if topic_verb in VERBS else ""
        if arrived.lost:
            lost = Refusal(Fault.LOST, f"expected room for what arrives, found none {arrived.lost}")
            self._audit.refused("", lost, arrived.lost)
        try:
            verdict = self.door.judge(topic_verb, arrived.payload, retained=arrived.retained)
            self._act(verb, verdict)
        except Exception as fault:  # noqa: BLE001  no payload may keep others from being heard
            found = f"expected this program to be free of faults, found {type(fault).__name__}"
            self._audit.refused(verb, Refusal(Fault.FAULT, found))

    def tick(self) -> None:
        """Answer what the bot has answered."""
        self._audit.tick()
        for name, waiting in list(self._open.items()):
            self._look(name, waiting)

    def close(self) -> None:
        """Write down what was only counted."""
        self._audit.tick(last=True)

    def _act(self, verb: str, verdict: Verdict) -> None:
        if isinstance(verdict, Taken):
            self._queue(verdict)
        elif isinstance(verdict, Challenged):
            self._answer(verdict.envelope, True, "see nonce", nonce=verdict.nonce)  # noqa: FBT003
        else:
            self._audit.refused(verb, verdict)
            of = verdict.of
            if verdict.fault is Fault.REPEATED and self._same(of):
                return
            if of is not None:
                self._tell(of, accepted=False, outcome=f"refused: {verdict.why}")

    def _same(self, of: Envelope | None) -> bool:
        """Answer the same command again as the first time; False for another with its id."""
        if of is None or self.door.seen.mac_of(of) != of.mac:
            return False
        if of.name in self._open:
            return True
        if of.name not in self._replies:
            self._from_journal(of)
            return True
        self._reply(of.id, self._replies[of.name])
        return True

    def _from_journal(self, of: Envelope) -> None:
        """Answer, or wait for the answer to, what a monitor before this one let in."""
        try:
            found = self._steering.outcome(of.name)
        except JournalError:
            outcome = "refused: it was taken before, and what became of it is not known"
            self._tell(of, accepted=False, outcome=outcome)
            return
        if found is None:
            self._open[of.name] = _Open(of, self._clock_s())
        else:
            self._answer(of, *found)

    def _queue(self, taken: Taken) -> None:
        envelope, order = taken.envelope, taken.order
        who = f"mqtt:{envelope.key_id}"
        try:
            self._steering.submit(
                order.verb,
                order.coin,
                who=who,
                why=order.why,
                arguments=order.arguments,
                name=envelope.name,
            )
        except JournalError as fault:
            why = f"expected to queue it, found that it cannot be: {fault}"
            self._audit.refused(order.verb, Refusal(Fault.NOT_QUEUED, why, envelope))
            outcome = "refused: no bot runs, or its journal cannot be written: nothing was queued"
            self._answer(envelope, False, outcome)  # noqa: FBT003
            return
        self._say("mqtt.command", verb=order.verb, coin=order.coin, who=who, id=envelope.id)
        self._open[envelope.name] = _Open(envelope, self._clock_s())

    def _look(self, name: str, waiting: _Open) -> None:
        envelope, waited_s = waiting.envelope, self._clock_s() - waiting.since_s
        try:
            found = self._steering.outcome(name)
            late = found is None and waited_s > ANSWER_S and not waiting.told
            if late and envelope.cmd not in STOPS and self._steering.withdraw(name):
                found = (False, f"withdrawn: the bot did not take it within {ANSWER_S:g} s")
        except JournalError:  # begun anew, or held: it is asked again
            found, late = None, False
        if found is not None:
            del self._open[name]
            self._answer(envelope, *found)
        elif late:
            waiting.told = True
            outcome = "waits: the bot has not answered yet; another reply follows when it does"
            self._tell(envelope, accepted=False, outcome=outcome)
        elif waited_s > FORGET_S:
            del self._open[name]

    def _answer(self, of: Envelope, accepted: bool, outcome: str, **more: str) -> None:  # noqa: FBT001
        """Reply for good: the same again is told the same."""
        self._replies[of.name] = self._tell(of, accepted=accepted, outcome=outcome, **more)
        while len(self._replies) > KEPT:
            self._replies.popitem(last=False)

    def _tell(self, of: Envelope, *, accepted: bool, outcome: str, **more: str) -> dict[str, Any]:
        about = {"v": VERSION, "id": of.id, "verb": of.cmd}
        told = about | {"accepted": accepted, "outcome": outcome[:500]} | more
        self._reply(of.id, told)
        return told
