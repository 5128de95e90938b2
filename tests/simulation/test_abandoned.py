"""The monitor of a book that is left alone: minutes count in which the bot could have acted."""

from dataclasses import dataclass, field
from decimal import Decimal

import pytest

from bot.domain.commands import Place
from bot.domain.deribit import parse
from bot.domain.events import OrderUpdate
from bot.domain.orders import OrderReport, OrderState
from bot.domain.positions import Position
from bot.domain.units import NS_PER_S
from tests.builders.books import quote
from tests.builders.intents import intent
from tests.simulation.campaign.on_delta import Abandoned
from tests.simulation.campaign.truth import Tap
from tests.simulation.campaign.wire import Wire
from tests.simulation.campaign.world import World

PERPETUAL = parse("BTC-PERPETUAL")
NOW = 10**18


@dataclass
class Scene:
    """A real exchange whose account is long a coin, and the time."""

    tap: Tap
    now_ns: int = NOW
    wire: Wire = field(default_factory=Wire)
    owner: dict[str, tuple[float, float, float]] = field(
        default_factory=lambda: {"BTC": (-0.1, 0.0, 0.1)}
    )
    there: bool = True
    position_coin: float = float("inf")

    def futures(self, _coin):
        """Return nothing that a cap could stand in the way of."""
        return 0.0


@pytest.fixture
def scene(tmp_path):
    """Return an account that is outside its band for good."""
    world = World(1, 0.1, tmp_path)
    while not world.tap.exchange.index:
        world.venue.next_event()
    long = PERPETUAL.quantity(Decimal(100_000))
    world.tap.exchange.adopt(Position(PERPETUAL.name, long))
    return Scene(world.tap)


def _report(scene, state):
    nothing = PERPETUAL.quantity(Decimal(0))
    told = OrderReport("one", PERPETUAL.name, "", state, nothing, scene.now_ns)
    return OrderUpdate(scene.now_ns, told)


def _place():
    return Place(intent(PERPETUAL.name, "-100", "90000", label="one"))


def _seconds(scene, monitor, count, *, quoted=True):
    """Let a second pass so many times."""
    for _ in range(count):
        scene.now_ns += NS_PER_S
        if quoted:
            monitor.heard(quote(ts_ns=scene.now_ns, ts_venue_ns=scene.now_ns), scene)
        monitor.look(scene)


def _watched(scene):
    monitor = Abandoned("I13", looked_ns=scene.now_ns)
    _seconds(scene, monitor, 1)
    monitor.outside_s = 0.0
    return monitor


def test_four_minutes_outside_with_prices_and_nothing_in_the_way_are_blamed(scene):
    """No order was sent, or they were answered."""
    monitor = _watched(scene)
    _seconds(scene, monitor, 240)
    assert monitor.broken == []
    _seconds(scene, monitor, 1)
    assert len(monitor.broken) == 1


def test_minutes_without_prices_are_counted_out(scene):
    """But what was counted before stays counted."""
    monitor = _watched(scene)
    _seconds(scene, monitor, 200)
    _seconds(scene, monitor, 300, quoted=False)
    assert monitor.broken == []
    _seconds(scene, monitor, 36)
    assert len(monitor.broken) == 1


def test_half_a_minute_after_each_refusal_is_counted_out(scene):
    """Who tries and is refused has not left the book alone."""
    monitor = _watched(scene)
    monitor.heard(_report(scene, OrderState.REJECTED), scene)
    _seconds(scene, monitor, 269)
    assert monitor.broken == []
    _seconds(scene, monitor, 1)
    assert len(monitor.broken) == 1


def test_an_order_without_any_word_excuses_for_two_minutes(scene):
    """Longer than that no exchange is silent: one has to find out. A word ends it at once."""
    monitor = _watched(scene)
    scene.wire.sent(_place(), scene.now_ns)
    _seconds(scene, monitor, 360)
    assert monitor.broken == []
    _seconds(scene, monitor, 1)
    assert len(monitor.broken) == 1
    other = _watched(scene)
    scene.wire.sent(_place(), scene.now_ns)
    scene.wire.heard(_report(scene, OrderState.CANCELLED))
    _seconds(scene, other, 241)
    assert len(other.broken) == 1
