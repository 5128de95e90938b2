"""The demo book on paper, with faults of the network and an operator's words, told to a voice."""

from dataclasses import dataclass, field
from pathlib import Path

import config
from bot.domain.events import Event
from bot.domain.orders import Intent
from bot.domain.records import Told
from bot.domain.units import NS_PER_S
from bot.journal import Reader
from bot.lab.scorecard import Promise, Scorecard
from bot.lab.witness import Witness
from bot.monitor import Voice
from bot.sim.faults import DropReport, LostAck, LostRequest
from tests.simulation.live import live

WORDS = (("pause", ""), ("resume", ""), ("off", "BTC"), ("on", "BTC"), ("hold", "ETH"))


@dataclass(slots=True)
class Orders:
    """An observer that keeps every order, and has an operator say a word every other minute."""

    folder: Path
    instance: str
    speaks: bool
    sent: list[Intent] = field(default_factory=list)
    said: int = 0
    next_ns: int = 0

    def see(self, event: Event) -> None:
        """Say the next word when it is time."""
        self.next_ns = self.next_ns or event.ts_ns + 120 * NS_PER_S
        if self.speaks and event.ts_ns >= self.next_ns and self.said < len(WORDS):
            verb, coin = WORDS[self.said]
            more = {"for_s": 30.0} if verb == "hold" else {}
            reader = Reader.open(self.folder, self.instance)
            reader.submit(verb, coin, who="owner", why="a test asked", arguments=more)
            reader.close()
            self.said += 1
            self.next_ns += 120 * NS_PER_S

    def note(self, record: Told) -> None:
        """Keep an order."""
        if isinstance(record, Intent):
            self.sent.append(record)


def demo(folder: Path, voice: Voice | None, minutes: float, *, eventful: bool = False) -> Orders:
    """Run the demo book from its start, and return who kept its orders."""
    run = live(config.load(environ={}).settings, folder)
    graph, start_ns = run.paper, run.paper.market.start_ns
    if eventful:
        second = [start_ns + number * NS_PER_S for number in range(2_000)]
        graph.venue._faults.pending[:] = [
            *(LostRequest(second[1], "BTC"), LostAck(second[1], "ETH"), DropReport(second[400])),
            *(LostAck(second[700], "BTC"), LostRequest(second[900], "ETH")),
        ]
    score = Scorecard(Promise(r.measure, r.delta.owner, r.gamma.band) for r in graph.rules)
    orders = Orders(folder, graph.settings.instance, eventful)
    run.run(minutes * 60.0, Witness(score, run.journal, voice), orders)
    return orders
