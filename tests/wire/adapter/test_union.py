"""Several accounts as one report: whole, under their names, or not told at all."""

from decimal import Decimal

from bot.domain.deribit import parse
from bot.domain.events import AccountSight, Event, Filled, PositionsReport
from bot.domain.positions import Balance, Position
from bot.venues.deribit.flaws import Flaws
from bot.venues.deribit.inbox import Surroundings
from bot.venues.deribit.union import Union
from tests.builders.fills import fill

CALL = "BTC-25DEC26-100000-C"


def report(size="1", cash=1.0, ts_ns=1):
    """Return what one account says: a call and its cash."""
    held = Position(CALL, parse(CALL).quantity(Decimal(size)))
    return PositionsReport(ts_ns, (held,), (Balance("BTC", cash, cash, 0.0, 0.0),))


class Accounts:
    """A union whose events are kept."""

    def __init__(self, *also):
        self.told: list[Event] = []
        around = Surroundings(self.told.append, lambda: 7, Flaws())
        self.union = Union("desk", also, around)
        self.tells = {name: self.union.around(name).tell for name in ("desk", *also)}

    def take(self):
        """Return what was told since the last look."""
        told, self.told[:] = list(self.told), []
        return told


def held(event):
    """Return account and size of each position of a report."""
    return [(p.account, str(p.quantity.value)) for p in event.positions]


def test_one_account_alone_is_told_as_it_is_under_its_name():
    """With its balances."""
    accounts = Accounts()
    accounts.tells["desk"](report())
    (event,) = accounts.take()
    assert held(event) == [("desk", "1")]
    assert event.balances == report().balances


def test_nothing_is_told_before_every_account_has_spoken():
    """Then all positions, and the cash of the trading account alone."""
    accounts = Accounts("sub1", "sub2")
    accounts.tells["sub2"](report("3", cash=30.0))
    accounts.tells["desk"](report("1", cash=10.0))
    assert accounts.take() == []
    accounts.tells["sub1"](report("2", cash=20.0, ts_ns=9))
    (event,) = accounts.take()
    assert held(event) == [("desk", "1"), ("sub1", "2"), ("sub2", "3")]
    assert [b.cash for b in event.balances] == [10.0]
    assert event.ts_ns == 9
    accounts.tells["sub2"](report("4"))
    (event,) = accounts.take()
    assert held(event)[-1] == ("sub2", "4")


def test_without_one_account_there_is_no_report_and_that_is_told():
    """Once; it is seen again only after a report with all of them."""
    accounts = Accounts("sub1", "sub2")
    for name in ("desk", "sub1", "sub2"):
        accounts.tells[name](report())
    accounts.take()
    accounts.union.lose("sub1")
    accounts.union.lose("sub1")
    accounts.union.lose("sub2")
    assert accounts.take() == [
        AccountSight(7, "sub1", seen=False),
        AccountSight(7, "sub2", seen=False),
    ]
    accounts.tells["desk"](report("5"))
    accounts.tells["sub1"](report("6"))
    assert accounts.take() == []
    accounts.tells["sub2"](report("7", ts_ns=11))
    event, *sights = accounts.take()
    assert held(event) == [("desk", "5"), ("sub1", "6"), ("sub2", "7")]
    assert sights == [AccountSight(11, "sub1", seen=True), AccountSight(11, "sub2", seen=True)]


def test_a_lost_trading_account_is_no_sight_but_no_report_either():
    """Its order lane says what is to be said."""
    accounts = Accounts("sub1")
    for name in ("desk", "sub1"):
        accounts.tells[name](report())
    accounts.take()
    accounts.union.lose("desk")
    accounts.tells["sub1"](report("9"))
    assert accounts.take() == []


def test_of_an_account_that_is_only_read_nothing_but_its_positions_counts():
    """Its trades are not ours, whatever their label."""
    accounts = Accounts("sub1")
    traded = Filled(1, fill("BTC-PERPETUAL", 10))
    accounts.tells["sub1"](traded)
    assert accounts.take() == []
    accounts.tells["desk"](traded)
    assert accounts.take() == [traded]
