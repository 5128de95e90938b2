"""What a monitor of the campaign sees, told report by report: it can fail, and does not cry."""

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from bot.domain.commands import Place
from bot.domain.deribit import parse
from bot.domain.events import Filled, PositionsReport
from bot.domain.orders import Intent, TimeInForce
from bot.domain.positions import Balance, Position
from bot.domain.units import NS_PER_S
from tests.builders.books import NOW, PERPETUAL
from tests.builders.fills import fill
from tests.simulation.campaign.on_wire import Startled
from tests.simulation.campaign.wire import Wire

MARGIN = Balance("BTC", 5.0, 5.0, 0.1, 0.05)


class Script:
    """A monitor of jumps, and what it is told; times in seconds."""

    def __init__(self) -> None:
        """Begin without anything."""
        self.judge = Startled("I21")
        self.wire = Wire()
        exchange = SimpleNamespace(instrument=parse)
        self.scene: Any = SimpleNamespace(wire=self.wire, tap=SimpleNamespace(exchange=exchange))

    def report(self, at_s: float, held: int) -> None:
        """Report a position of the perpetual, USD."""
        rows = (Position(PERPETUAL, parse(PERPETUAL).quantity(Decimal(held))),) if held else ()
        self.judge.heard(PositionsReport(_ns(at_s), rows, (MARGIN,)), self.scene)

    def order(self, at_s: float, quantity: int = 10, label: str = "a1") -> None:
        """Send an order."""
        place = Place(_intent(label, quantity, _ns(at_s)))
        self.judge.sent(place, _ns(at_s), self.scene)
        self.wire.sent(place, _ns(at_s))

    def filled(self, at_s: float, quantity: int, label: str = "a1") -> None:
        """Fill an order wholly."""
        done = fill(PERPETUAL, quantity, label=label, trade=label, ts_ns=_ns(at_s))
        self.wire.heard(Filled(_ns(at_s), done))

    def dies(self) -> None:
        """End a life."""
        self.judge.died(self.scene)

    @property
    def blamed(self) -> int:
        """Return how often it blamed the bot."""
        return len(self.judge.broken)


def _ns(at_s: float) -> int:
    return NOW + round(at_s * NS_PER_S)


def _intent(label: str, quantity: int, now_ns: int) -> Intent:
    return Intent(
        label=label,
        instrument=PERPETUAL,
        quantity=parse(PERPETUAL).quantity(Decimal(quantity)),
        price=Decimal(60_000),
        time_in_force=TimeInForce.IOC,
        post_only=False,
        reduce_delta=True,
        decision="BTC-1-1",
        purpose="delta",
        created_ns=now_ns,
        valid_until_ns=now_ns + 2 * NS_PER_S,
    )


@pytest.fixture(name="script")
def scripted() -> Script:
    """Return a life that has begun with 1,000 USD of the owner's."""
    script = Script()
    script.report(0, 1_000)
    script.report(30, 1_000)
    return script


def test_an_order_on_the_first_sight_of_a_jump_is_seen(script):
    """Until another report has come."""
    script.report(60, 5_000)
    script.order(60.2)
    assert script.blamed == 1
    script.filled(60.3, 10)
    script.report(61, 5_010)
    script.report(70, 5_010)
    script.order(71, label="a2")
    assert script.blamed == 1


def test_a_jump_that_was_looked_at_while_a_fill_settled_is_no_first_sight(script):
    """The owner sold 4,000 just after our fill; the bot has looked twice and hedged since."""
    script.order(60)
    script.filled(60.1, 10)
    script.report(64, -2_990)
    script.report(65, -2_990)
    script.order(69, 20, "a2")
    script.filled(69.1, 20, "a2")
    script.report(99, -2_970)
    script.order(100, label="a3")
    assert script.blamed == 0


def test_a_jump_after_a_fill_has_settled_is_a_first_sight_whatever_was_glimpsed(script):
    """What was glimpsed is another figure."""
    script.order(60)
    script.filled(60.1, 10)
    script.report(64, 1_010)
    script.report(90, -2_990)
    script.order(91, label="a2")
    assert script.blamed == 1


def test_what_was_glimpsed_is_forgotten_once_it_is_agreed(script):
    """A position that comes back to where it once was has jumped again."""
    script.order(60)
    script.filled(60.1, 10)
    script.report(64, 1_010)
    script.report(90, 1_010)
    script.report(200, 5_010)
    script.report(201, 5_010)
    script.report(400, 1_010)
    script.order(400.2, label="a2")
    assert script.blamed == 1


def test_a_late_list_after_a_fill_of_a_new_life_is_not_what_it_begins_with(script):
    """It lacks the newest fill; the next list shows what the life began with and that fill."""
    script.order(60)
    script.dies()
    script.filled(70, 10)
    script.report(71, 1_010)
    script.order(75, 20, "a2")
    script.filled(75.1, 20, "a2")
    script.report(90, 1_010)  # as it was before the fill
    script.report(90.1, 1_030)
    script.order(90.5, label="a3")
    assert script.blamed == 0


def test_what_a_list_of_nothing_denied_is_there_as_before_when_it_is_over(script):
    """It came while an order was open, and once more after that."""
    script.order(60)
    script.report(64, 0)
    script.filled(64.5, 10)
    script.report(72, 0)
    script.report(73, 1_010)
    script.order(74, label="a2")
    assert script.blamed == 0


def test_a_list_of_nothing_is_not_to_be_traded_on_however_often_it_is_told(script):
    """It contradicts itself each time."""
    script.report(60, 0)
    script.report(61, 0)
    script.report(64, 0)
    script.order(65)
    assert script.blamed == 1


def test_no_life_begins_with_an_empty_list_beside_margin(script):
    """It contradicts itself; in the midst of a life it is a jump like any other."""
    script.dies()
    script.report(60, 0)
    script.report(60.1, 1_000)
    script.order(62)
    assert script.blamed == 0
    script.filled(62.1, 10)
    script.report(90, 0)
    script.order(90.1, label="a2")
    assert script.blamed == 1


@pytest.mark.parametrize("then,blamed", [(1_010, 0), (1_030, 1)])
def test_an_old_list_that_is_told_twice_is_left_again_without_a_surprise(script, then, blamed):
    """What was there before it is no jump; anything else is one."""
    script.order(200)
    script.filled(200.1, 10)
    script.report(201, 1_000)
    script.report(202, 1_010)
    script.report(230, 1_000)
    script.report(231, then)
    script.order(235, label="a2")
    assert script.blamed == blamed


def test_leaving_an_old_list_is_no_surprise_after_a_silence_either(script):
    """Told just after a fill, and again much later; then nothing is heard for a while."""
    for at_s in (0.0, 1.0):
        script.report(at_s, 1_000)
    script.order(9.0, -10)
    script.filled(10.0, -10)
    script.report(10.1, 1_000)
    for at_s in (11.0, 13.0):
        script.report(at_s, 990)
    script.report(30.0, 1_000)
    script.report(40.0, 990)
    script.order(41.0, label="a2")
    assert script.blamed == 0
