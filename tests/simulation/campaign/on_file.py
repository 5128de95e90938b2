"""The invariants of the journal's file, held against the wire and the exchange."""

from __future__ import annotations

import hashlib
from contextlib import closing
from dataclasses import dataclass, field

from bot.domain.orders import TERMINAL, OrderState
from bot.domain.units import NS_PER_S
from tests.simulation.campaign.monitors import Monitor, Scene, labels, reader
from tests.simulation.campaign.truth import Arrival


class OnDisk(Monitor):
    """I1: what the exchange sees was committed before; I3: what it has, the file knows."""

    def arrived(self, arrival: Arrival, scene: Scene) -> None:
        """Look for the label in the file, which shows only what is committed."""
        if arrival.intent.label not in labels(scene.file):
            words = f"{arrival.intent.label} arrived and is not in the journal"
            self.blame(arrival.ts_ns, words, "I1")

    def quiet(self, scene: Scene) -> None:
        """Look for orphans."""
        strange = set(scene.tap.booked) - labels(scene.file)
        if strange:
            self.blame(scene.now_ns, f"orders unknown to the journal: {sorted(strange)}", "I3")


class Evidence(Monitor):
    """I4: each end in the file was proven by what was heard; I5: each order has come to its end.

    I17 is the same where the bot died twice before that end was known.
    """

    def quiet(self, scene: Scene) -> None:
        """Compare the ends with the exchange, and their times with the wire."""
        with closing(reader(scene.file)) as base:
            rows = base.execute(
                "SELECT label, after, ts_ns, evidence FROM transitions ORDER BY seq"
            ).fetchall()
        ends = {label: after for label, after, _, _ in rows}
        for label, after, ts_ns, evidence in rows:
            if after in TERMINAL and not self._proven(scene, label, OrderState(after), ts_ns):
                self.blame(ts_ns, f"{label} is {after} by '{evidence}', which was not heard", "I4")
        for label in sorted(labels(scene.file)):
            said, real = ends.get(label, "nothing"), scene.tap.ended(label)
            told = scene.wire.orders.get(label)
            code = "I17" if told is not None and told.deaths > 1 else "I5"
            words = f"{label} is {said} in the journal, {real} at the exchange"
            if said not in TERMINAL:
                self.blame(scene.now_ns, words, code)
            elif said in {OrderState.REJECTED, OrderState.NOT_BOOKED}:
                if scene.tap.booked[label]:
                    self.blame(scene.now_ns, words, code)
            elif said != real:
                self.blame(scene.now_ns, words, code)

    @staticmethod
    def _proven(scene: Scene, label: str, state: OrderState, by_ns: int) -> bool:
        told = scene.wire.orders.get(label)
        if told is None or not told.sent_ns:
            never_left = not scene.tap.booked[label]
            return never_left and (
                state is OrderState.REJECTED or (told is not None and told.proves(state, by_ns))
            )
        return told.proves(state, by_ns)


@dataclass(slots=True)
class Kept(Monitor):
    """I19: what was once in the file of orders, their states and fills is there for ever."""

    seen: dict[str, tuple[int, str]] = field(default_factory=dict)

    def died(self, scene: Scene) -> None:
        """Look between two lives."""
        self._look(scene)

    def quiet(self, scene: Scene) -> None:
        """Look at the end."""
        self._look(scene)

    def _look(self, scene: Scene) -> None:
        if not scene.file.exists():
            return
        with closing(reader(scene.file)) as base:
            for table in ("intents", "transitions", "fills"):
                rows = base.execute(f"SELECT * FROM {table} ORDER BY seq").fetchall()
                count, digest = self.seen.get(table, (0, _digest([])))
                if _digest(rows[:count]) != digest:
                    self.blame(scene.now_ns, f"{count} rows of {table} are not as they were")
                self.seen[table] = (len(rows), _digest(rows))


class Words(Monitor):
    """I23: no resume is accepted while an order's fate is unknown; I24: words work once, in time.

    An order is surely unknown where nothing at all has been heard of it for longer than the bot may
    wait.
    """

    patience_ns = round(2.6 * NS_PER_S)
    longest_ns = 60 * NS_PER_S

    def quiet(self, scene: Scene) -> None:
        """Read what became of every word."""
        with closing(reader(scene.file)) as base:
            rows = base.execute(
                "SELECT id, verb, at_ns, taken_ns FROM commands WHERE accepted = 1"
            ).fetchall()
            stops = base.execute(
                "SELECT after, count(*) FROM states WHERE coin = ''"
                " AND after IN ('PAUSED', 'HALTED') GROUP BY after"
            ).fetchall()
        for name, verb, at_ns, taken_ns in rows:
            if verb != "resume":
                continue
            if taken_ns - at_ns > self.longest_ns:
                waited_s = (taken_ns - at_ns) / NS_PER_S
                self.blame(taken_ns, f"{name} was obeyed after {waited_s:.0f} s", "I24")
            for label, told in scene.wire.orders.items():
                if not told.sent_ns or told.sent_ns + self.patience_ns > taken_ns:
                    continue
                heard_ns = told.first_ns
                if heard_ns is None or heard_ns > taken_ns:
                    self.blame(taken_ns, f"{name} resumed while {label} was unknown", "I23")
        for state, count in stops:
            verb = {"PAUSED": "pause", "HALTED": "halt"}[state]
            if count > scene.words[verb]:
                self.blame(scene.now_ns, f"{scene.words[verb]} {verb}, obeyed {count} times", "I24")


def _digest(rows: list[tuple[object, ...]]) -> str:
    return hashlib.sha256(repr(rows).encode()).hexdigest()
