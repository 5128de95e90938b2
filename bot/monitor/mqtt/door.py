"""The door: which commands come in from outside, and which are told why not.

What anybody may have sent is judged first (size, shape, key, mac) and learns nothing. Then, of one
whose key signed it: that its topic says the same, that it is fresh, that it was not taken before
and comes after all that were, and, for what can add risk, that it answers a challenge of the last
seconds. What only stops needs no challenge, and is taken where nothing can be remembered, too: a
pause that comes twice does less harm than one that does not come.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from bot.monitor.mqtt.envelope import Envelope, Fault, Key, Order, Refusal, order, read
from bot.monitor.mqtt.seen import Seen

STOPS: Final = frozenset({"pause", "halt"})
RISKS: Final = frozenset({"resume", "target"})
CHALLENGE: Final = "challenge"
VERBS: Final = (*sorted(STOPS | RISKS), CHALLENGE)
LONGEST_MS: Final = 10_000
SKEW_MS: Final = 5_000
MOST_PER_MS: Final = 1_000
"""A number may not run ahead of the clock in microseconds: the next must have room after it."""
NONCE_S: Final = 10.0
_OPEN: Final = 100  # challenges that wait for their command


@dataclass(frozen=True, slots=True)
class Taken:
    """A command that comes in: what it asks of the bot."""

    envelope: Envelope
    order: Order


@dataclass(frozen=True, slots=True)
class Challenged:
    """A challenge that is answered with a nonce."""

    envelope: Envelope
    nonce: str


Verdict: TypeAlias = Taken | Challenged | Refusal


class Door:
    """Judges what arrives; remembers what it let in."""

    def __init__(
        self,
        keys: Mapping[str, Key],
        seen: Seen,
        *,
        now_ms: Callable[[], int],
        clock_s: Callable[[], float],
    ) -> None:
        """Take the keys by id. `now_ms` is wall time, `clock_s` one that nobody sets."""
        self.seen = seen
        self._keys = dict(keys)
        self._nobody = Key(secrets.token_hex())
        self._now_ms, self._clock_s = now_ms, clock_s
        self._nonces: dict[str, tuple[str, float]] = {}

    def judge(self, verb: str, payload: bytes, *, retained: bool) -> Verdict:
        """Return what becomes of a command that arrived on the topic of a verb; never raises."""
        if retained:  # of another moment, whoever signed it
            return Refusal(Fault.RETAINED, "expected a command of now, found a retained one")
        envelope = read(payload)
        if isinstance(envelope, Refusal):
            return envelope
        key = self._keys.get(envelope.key_id)
        signed = (key or self._nobody).signed(envelope)
        if key is None:
            return Refusal(Fault.UNKNOWN_KEY, "expected a key that is known here, found another")
        if not signed:
            return Refusal(Fault.BAD_MAC, "expected the mac of its key, found another")
        return self._proven(verb, envelope)

    def _proven(self, verb: str, envelope: Envelope) -> Verdict:
        if envelope.cmd != verb or verb not in VERBS:
            known = f"one of {', '.join(VERBS)}"
            expected = f"a cmd that is {known}" if verb in VERBS else f"the topic of {known}"
            found = f"cmd {envelope.cmd} on the topic of {verb[:20]}"
            return Refusal(Fault.TOPIC, f"expected {expected}, found {found}", envelope)
        asked = order(envelope)
        if isinstance(asked, Refusal):
            return asked
        refusal = self._again(envelope) or self._stale(envelope) or self._late(envelope)
        if refusal is None and verb not in STOPS:
            refusal = self._forgetful(envelope)
        if refusal is None and verb in RISKS:
            refusal = self._unchallenged(envelope)
        if refusal is None:
            refusal = self._remember(envelope)
        if refusal is not None:
            return refusal
        if verb != CHALLENGE:
            return Taken(envelope, asked)
        return Challenged(envelope, self._challenge(envelope.key_id))

    def _again(self, envelope: Envelope) -> Refusal | None:
        mac = self.seen.mac_of(envelope)
        if mac is None:
            return None
        found = "the same again" if mac == envelope.mac else "it used before by another command"
        return Refusal(Fault.REPEATED, f"expected an id of its own, found {found}", envelope)

    def _stale(self, envelope: Envelope) -> Refusal | None:
        now, lasts = self._now_ms(), envelope.exp - envelope.ts
        if abs(envelope.ts - now) > SKEW_MS:
            away = abs(envelope.ts - now)
            side = "after" if envelope.ts > now else "before"
            found = f"expected ts within {SKEW_MS} ms of the clock here, found it {away} ms {side}"
            return Refusal(Fault.STALE, found, envelope)
        if not 0 < lasts <= LONGEST_MS or envelope.exp <= now:
            expected = f"exp to come, and at most {LONGEST_MS} ms after ts"
            found = f"found {envelope.exp - now} ms from now and {lasts} ms after ts"
            return Refusal(Fault.STALE, f"expected {expected}, {found}", envelope)
        return None

    def _late(self, envelope: Envelope) -> Refusal | None:
        last, most = self.seen.last(envelope.key_id), (self._now_ms() + SKEW_MS) * MOST_PER_MS
        if envelope.seq > most:  # nothing could come after it
            found = f"expected seq at most {most}, Unix microseconds, found {envelope.seq}"
            return Refusal(Fault.OUT_OF_ORDER, found, envelope)
        if envelope.seq > last:
            return None
        found = f"expected seq above {last}, the last that was taken, found {envelope.seq}"
        return Refusal(Fault.OUT_OF_ORDER, found, envelope)

    def _forgetful(self, envelope: Envelope) -> Refusal | None:
        if not self.seen.why:
            return None
        return Refusal(Fault.NO_MEMORY, "expected a memory of what was taken, found none", envelope)

    def _unchallenged(self, envelope: Envelope) -> Refusal | None:
        whose, until = self._nonces.pop(envelope.nonce, ("", 0.0))
        if whose == envelope.key_id and self._clock_s() <= until:
            return None
        expected = f"the unused nonce of a challenge of this key within {NONCE_S:g} s"
        found = "none" if not envelope.nonce else "another" if not whose else "one of the past"
        return Refusal(Fault.NO_CHALLENGE, f"expected {expected}, found {found}", envelope)

    def _remember(self, envelope: Envelope) -> Refusal | None:
        try:
            self.seen.take(envelope)
        except OSError as fault:
            if envelope.cmd not in STOPS:
                found = f"expected to write down what was taken, found {fault.strerror}"
                return Refusal(Fault.NO_MEMORY, found, envelope)
        return None

    def _challenge(self, key_id: str) -> str:
        now = self._clock_s()
        for nonce in [one for one, (_, until) in self._nonces.items() if until < now]:
            del self._nonces[nonce]
        while len(self._nonces) >= _OPEN:
            del self._nonces[next(iter(self._nonces))]
        nonce = secrets.token_urlsafe(18)
        self._nonces[nonce] = (key_id, now + NONCE_S)
        return nonce
