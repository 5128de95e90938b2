"""What a run says of settings once it knows its market."""

from bot.cli.oddities import Oddities
from bot.domain.events import InstrumentsListed
from bot.strategy.bands import Band
from bot.strategy.delta import DeltaPolicy
from bot.strategy.policies import Fixed
from bot.wiring import market, paper
from config.schema import Settings
from tests.builders.exposures import conditions

BTC = {
    "numeraire": "usd",
    "collateral_delta": "exclude",
    "delta": {"upper": 0.1, "lower": -0.1},
    "scope": {"exclude": ["BTC-PERPETUALL"]},
}


class Heard:
    """A voice that remembers."""

    def __init__(self):
        """Begin with nothing."""
        self.what = []

    def say(self, event, level="info", **fields):
        """Remember an event."""
        self.what.append((event, level, fields["what"]))


def test_a_band_below_a_lot_and_a_strange_name_are_told_once():
    """The price is known only now, and so is the listing."""
    settings = Settings.model_validate({"underlying": {"BTC": BTC}})
    graph = paper(settings, market(settings, 1), seed=1)
    heard = Heard()
    odd = Oddities(graph.core, settings, heard)
    listed = graph.market.instruments("BTC", graph.market.start_ns)
    event = InstrumentsListed(graph.market.start_ns, "BTC", listed)
    policy = DeltaPolicy(Band(-0.1, 0.0, 0.1), Fixed(1e-9))
    graph.core.floor.levels["BTC"] = policy.levels(conditions(smallest_coin=1e-4))
    odd.see(event)
    odd.see(event)
    assert heard.what == [
        (
            "settings.odd",
            "warning",
            (
                "underlying.BTC.scope.exclude: expected an instrument that is listed or held (the "
                'nearest is BTC-PERPETUAL), found "BTC-PERPETUALL"'
            ),
        ),
        (
            "settings.odd",
            "warning",
            (
                "underlying.BTC.delta: expected every side of the band, and the policy's, at least "
                "0.0001 coin, one lot of the hedge instrument, found 1e-09: it is kept to a lot"
            ),
        ),
    ]
