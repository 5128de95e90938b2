"""Settings into the outlet of metrics."""

from contextlib import closing
from typing import Any

from bot.journal.following import Following
from bot.monitor.metrics import Metrics
from bot.wiring.monitoring import outlets
from tests.simulation.drive import book


def made(tmp_path, **sections: Any):
    """Return what settings make."""
    gamma = {"action": "off", "lower": -0.2, "upper": 0.3}
    settings = book(("BTC-12JAN26-92000-C", -1.0), gamma=gamma)
    changed = settings.model_copy(update={"state_dir": tmp_path})
    data = changed.model_dump() | {name: getattr(changed, name) for name in ("underlying",)}
    whole = type(settings).model_validate(data | sections)
    with closing(Following(tmp_path, whole.instance)) as following:
        return outlets(whole, {}, following, lambda *_, **__: None)


def test_figures_are_served_where_an_address_is_set_and_nowhere_else(tmp_path):
    """Bands are told as the bot uses them: multiplied by the scale of a paper book."""
    assert made(tmp_path) == ()
    (one,) = made(tmp_path, metrics={"listen": "[::1]:9464"}, paper={"scale": 10.0})
    assert isinstance(one, Metrics)
    assert one._listen == ("::1", 9464)
    assert one._gammas == {"BTC": (-2.0, 3.0)}
