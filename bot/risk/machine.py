"""States of the instance and of each underlying, and who may change them.

Automatic controls lead to REDUCE_DELTA_ONLY, and leave it again once the cause has been gone for
`clear_s`; the two that halt are `bot.desk.rivals` and `bot.desk.stops`. Pause and halt are an
operator's word, stick across restarts, and only `resume` ends them. An underlying that is switched
off is PAUSED for whoever asks, whatever its state is beneath: it goes on climbing and being judged,
`resume` does not touch it, and only `switch_on` (or the end of a snooze) ends it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.domain.reasons import Because, Reason
from bot.domain.records import StateChange
from bot.domain.states import STICKY, State, stricter
from bot.domain.units import seconds_between

INSTANCE = ""
VERBS = ("pause", "resume", "halt")
_STOPS: Mapping[str, State] = {"pause": State.PAUSED, "halt": State.HALTED}


@dataclass(slots=True)
class Machine:
    """States by coin; the key "" is the instance. `states` holds what `at` combines.

    `off_until` names the coins that are switched off, and when that ends by itself (None: never);
    `why` is for what reasons this run put each place where it is. What is under `review` is not
    ended by a resume.
    """

    coins: tuple[str, ...]
    clear_s: float = 5.0
    states: dict[str, State] = field(default_factory=dict)
    good_since: dict[str, int] = field(default_factory=dict)
    off_until: dict[str, int | None] = field(default_factory=dict)
    why: dict[str, tuple[Because, ...]] = field(default_factory=dict)
    review: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Start everything in BOOT, except what an earlier run left paused or halted."""
        for coin in (INSTANCE, *self.coins):
            self.states.setdefault(coin, State.BOOT)

    def at(self, coin: str) -> State:
        """Return the state that applies: the strictest of the coin's, the instance's and off."""
        state = stricter(self.states[INSTANCE], self.states[coin])
        return stricter(state, State.PAUSED) if coin in self.off_until else state

    def climb(
        self, coin: str, to: State, now_ns: int, reasons: tuple[Because, ...] = ()
    ) -> tuple[StateChange, ...]:
        """Move along the way up, or back to reconciling; a sticky state stays where it is."""
        if self.states[coin] in STICKY or self.states[coin] is to:
            return ()
        return (self._move(coin, to, now_ns, reasons),)

    def operator(
        self, coin: str, verb: str, now_ns: int, because: Because
    ) -> tuple[StateChange, ...]:
        """Obey pause, halt or resume for an underlying or (coin "") the whole instance.

        Any other word changes nothing: what is not understood must never resume.
        """
        if verb in _STOPS:
            if self.states[coin] in (State.HALTED, _STOPS[verb]):
                return ()
            return (self._move(coin, _STOPS[verb], now_ns, (because,)),)
        if verb != "resume":
            return ()
        places = [coin] if coin else [INSTANCE, *self.coins]
        return tuple(
            self._move(place, State.RECONCILING, now_ns, (because,))
            for place in places
            if self.states[place] in STICKY and place not in self.review
        )

    def switch_off(self, coin: str, until_ns: int | None) -> bool:
        """Switch a coin off until a time (None: until `switch_on`); False if it is off for longer.

        A snooze neither ends what is off for good nor a longer snooze.
        """
        if coin in self.off_until:
            before_ns = self.off_until[coin]
            if before_ns is None or (until_ns is not None and until_ns <= before_ns):
                return False
        self.off_until[coin] = until_ns
        return True

    def switch_on(self, coin: str, now_ns: int, because: Because) -> tuple[StateChange, ...]:
        """Switch a coin on again, through reconciliation; a pause or halt of it still stands."""
        if coin not in self.off_until:
            return ()
        del self.off_until[coin]
        if self.states[coin] is State.BOOT:
            return ()
        return self.climb(coin, State.RECONCILING, now_ns, (because,))

    def stay(self, coin: str, now_ns: int, because: Because) -> tuple[StateChange, ...]:
        """Say why a coin stays in RECONCILING; nothing in another state, or where it was said last.

        A pause or halt keeps the reason that it has.
        """
        if self.states[coin] is not State.RECONCILING or self.why.get(coin) == (because,):
            return ()
        return (self._move(coin, State.RECONCILING, now_ns, (because,)),)

    def awake(self, now_ns: int) -> tuple[str, ...]:
        """Return the coins whose snooze is over."""
        found = [c for c, until_ns in self.off_until.items() if until_ns and until_ns <= now_ns]
        return tuple(sorted(found))

    def judge(self, coin: str, doubts: tuple[Because, ...], now_ns: int) -> tuple[StateChange, ...]:
        """Enter REDUCE_DELTA_ONLY while doubts stand, leave it `clear_s` after the last of them."""
        state = self.states[coin]
        if doubts:
            self.good_since.pop(coin, None)
            if state is State.RUNNING:
                return (self._move(coin, State.REDUCE_DELTA_ONLY, now_ns, doubts),)
            return ()
        if state is not State.REDUCE_DELTA_ONLY:
            return ()
        since = self.good_since.setdefault(coin, now_ns)
        if seconds_between(since, now_ns) < self.clear_s:
            return ()
        return (self._move(coin, State.RUNNING, now_ns, (Because(Reason.CLEARED, coin),)),)

    def _move(self, coin: str, to: State, now_ns: int, reasons: tuple[Because, ...]) -> StateChange:
        change = StateChange(now_ns, coin, self.states[coin], to, reasons)
        self.states[coin], self.why[coin] = to, reasons
        self.good_since.pop(coin, None)
        return change
