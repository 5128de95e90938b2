"""All monitors of one world, each under the invariant that it judges."""

from __future__ import annotations

import math

from tests.simulation.campaign import monitors, on_file, on_wire
from tests.simulation.campaign.monitors import Monitor


def judges(order_usd: float | None) -> list[Monitor]:
    """Return new monitors; `order_usd` is the owner's cap of an order."""
    return [
        on_file.OnDisk("I1"),
        monitors.AtMostOnce("I2"),
        on_file.Evidence("I4"),
        on_wire.GoodData("I6"),
        monitors.Obeys("I7"),
        on_wire.NoLane("I7"),
        on_wire.OneAtATime("I8"),
        monitors.Capped("I9", order_usd=order_usd or math.inf),
        monitors.OnGrid("I10"),
        on_wire.Collared("I10"),
        monitors.TowardsTarget("I11"),
        on_wire.Converges("I13"),
        monitors.Restless("I14"),
        on_wire.Unhurried("I27"),
        monitors.Agrees("I16"),
        on_wire.OwnFills("I18"),
        on_file.Kept("I19"),
        on_wire.Startled("I21"),
        on_wire.Stops("I22"),
        on_file.Words("I23"),
    ]
