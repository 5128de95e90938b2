"""`deltaband` whose summary also has what pooling over runs needs: each coin's clocks and breaches.

The command line, the run and its scorecard are the real ones; the scorecard only says more.
"""

import sys
from collections.abc import Iterable
from unittest import mock

from bot.cli import main, paper
from bot.lab.scorecard import Scorecard
from bot.lab.scorecard.figures import JumpWindow


class TalkativeScorecard(Scorecard):
    """A scorecard that adds `pooling` to its figures."""

    def result(self, jumps: Iterable[JumpWindow] = ()) -> dict[str, object]:
        """Return the figures of the run, with the counts and times behind its shares."""
        windows = tuple(jumps)
        return super().result(windows) | {"pooling": self._pooling(), "jumps": len(windows)}

    def _pooling(self) -> dict[str, object]:
        return {
            coin: {
                "delta_ns": [card.delta_clock.inside_ns, card.delta_clock.outside_ns],
                "gamma_ns": [card.gamma_clock.inside_ns, card.gamma_clock.outside_ns],
                "breaches_s": [breach.seconds for breach in self.breaches(coin)],
            }
            for coin, card in self.cards.items()
        }


if __name__ == "__main__":
    with mock.patch.object(paper, "Scorecard", TalkativeScorecard):
        sys.exit(main())
