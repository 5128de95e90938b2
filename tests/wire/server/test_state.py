"""The state file: what an exchange has said is true of the one that comes after it."""

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from decimal import Decimal

import pytest

from bot.domain.positions import Position
from bot.domain.units import Quantity, Unit
from bot.sim.wire import channels
from bot.sim.wire.hub import Hub, Opening
from bot.sim.wire.state import StateError, StateFile
from bot.sim.wire.tickets import Terms
from tests.wire.conftest import RpcFault

PERPETUAL = "BTC-PERPETUAL"
HELD = (Position(PERPETUAL, Quantity(Decimal(-50_000), Unit.USD)),)
OTHER = (Position(PERPETUAL, Quantity(Decimal(10), Unit.USD)),)
OPENING = Opening(seed=11, regime="calm", positions=HELD)


@pytest.fixture
def files(tmp_path):
    """Return an opener of the state file, the one before having ended as a kill ends it."""
    opened: list[StateFile] = []
    path = tmp_path / "exchange.db"

    def again():
        for one in opened:
            one.close()
        opened.append(StateFile(path))
        return opened[-1]

    yield again
    for one in opened:
        one.close()


async def told(raw):
    """Return what an account holder can ask for."""
    await raw.login()
    orders = await raw.call("private/get_open_orders")
    trades = await raw.call(
        "private/get_user_trades_by_currency", currency="BTC", count=100, historical=True
    )
    known = await raw.call("private/get_order_state_by_label", currency="BTC", label="taken")
    positions = await raw.call("private/get_positions", currency="BTC")
    holding = {p["instrument_name"]: (p["size"], p["average_price"]) for p in positions}
    summary = await raw.call("private/get_account_summary", currency="BTC")
    return orders, trades, known, holding, summary["balance"], summary["equity"]


async def test_an_exchange_that_is_killed_goes_on_as_it_was(serve, hand, dial, files):
    """Orders, labels, trades, positions, cash, marks ids: the same answers."""
    first = await serve(OPENING, clock=hand, state=files())
    raw = await dial(first)
    await raw.login()
    await raw.call(
        "private/buy", instrument_name=PERPETUAL, amount=5_000, type="market", label="taken"
    )
    price = (await raw.call("public/ticker", instrument_name=PERPETUAL))["best_bid_price"]
    resting = await raw.call(
        *("private/buy",), instrument_name=PERPETUAL, amount=200, price=price - 500, label="rests"
    )
    before = await told(raw)
    assert before[1]["trades"]
    await first.stop()
    second = await serve(OPENING, clock=hand, state=files())
    raw = await dial(second)
    assert await told(raw) == before
    booked = await raw.call("private/sell", instrument_name=PERPETUAL, amount=10, type="market")
    assert booked["order"]["order_id"] not in {
        resting["order"]["order_id"],
        before[2][0]["order_id"],
    }
    ended = await raw.call("private/cancel", order_id=resting["order"]["order_id"])
    assert ended["order_state"] == "cancelled"


async def test_the_market_goes_on_where_it_would_have_been(serve, hand, dial, files):
    """A market that was never interrupted shows the same prices an hour later."""
    whole = await serve(Opening(seed=11, regime="calm"), clock=hand)
    first = await serve(Opening(seed=11, regime="calm"), clock=hand, state=files())
    hand.move(5.0)
    first.hub.catch_up()
    await first.stop()
    hand.move(3_600.0)
    second = await serve(Opening(seed=11, regime="calm"), clock=hand, state=files())
    shown = [
        await (await dial(one)).call("public/get_book_summary_by_currency", currency="BTC")
        for one in (whole, second)
    ]
    assert shown[0] == shown[1]


async def test_a_cancelled_order_stays_cancelled(serve, hand, dial, files):
    """Also when nothing else has happened since."""
    first = await serve(OPENING, clock=hand, state=files())
    raw = await dial(first)
    await raw.login()
    placed = await raw.call("private/buy", instrument_name=PERPETUAL, amount=10, price=20_000)
    asked = placed["order"]["order_id"]
    await raw.call("private/cancel", order_id=asked)
    await first.stop()
    raw = await dial(await serve(OPENING, clock=hand, state=files()))
    await raw.login()
    assert await raw.call("private/get_open_orders") == []
    with pytest.raises(RpcFault, match="not_open_order"):
        await raw.call("private/cancel", order_id=asked)


def test_the_file_is_written_before_anybody_is_told(hand, files, tmp_path):
    """What a listener hears is in a copy of the file made while it hears it."""
    state = files()
    hub = Hub(OPENING, hand, state)
    seen = []

    class Listener:
        """Copies the file when it hears of a trade."""

        def notify(self, _channel, _frame):
            for name in ("exchange.db", "exchange.db-wal"):
                shutil.copy(tmp_path / name, tmp_path / name.replace("exchange", "copy"))
            with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
                seen.append(copy.execute("SELECT count(*) FROM trade").fetchone()[0])

    hub.feeds.subscribe(channels.read("user.trades.BTC-PERPETUAL.raw", hub.names()), Listener())
    one = hub.names()[PERPETUAL]
    assert one is not None
    hub.submit(Terms(one, True, Decimal(100), None), hub.now_ns(), 0)
    assert seen == [1]


@pytest.mark.parametrize(
    "other,said",
    [
        (Opening(seed=12, regime="calm", positions=HELD), "expected seed 11"),
        (Opening(seed=11, regime="crash", positions=HELD), "expected regime calm"),
        (Opening(seed=11, regime="calm", compress=60, positions=HELD), "expected compress 1"),
        (Opening(seed=11, regime="calm", positions=OTHER), "expected positions"),
    ],
)
def test_other_terms_than_those_it_was_opened_with_are_refused(hand, files, other, said):
    """The market would be another one."""
    Hub(OPENING, hand, files())
    with pytest.raises(StateError, match=said):
        Hub(other, hand, files())


def test_positions_need_not_be_told_again(hand, files):
    """The file knows what the account holds."""
    before = Hub(OPENING, hand, files()).exchange.holdings
    after = Hub(replace(OPENING, positions=()), hand, files()).exchange.holdings
    assert before
    assert {n: h.quantity for n, h in after.items()} == {n: h.quantity for n, h in before.items()}


def test_files_that_are_not_this_format_are_refused_and_left_alone(tmp_path):
    """Another version, another program's database, no database at all, one in use."""
    path = tmp_path / "exchange.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE theirs (x)")
    with pytest.raises(StateError, match="found another file"):
        StateFile(path)
    path.unlink()
    StateFile(path).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(StateError, match="expected a state file of format 1, found format 99"):
        StateFile(path)
    path.write_text("not a database, and long enough to be looked at")
    with pytest.raises(StateError, match="not a database"):
        StateFile(path)
    assert path.read_text().startswith("not a database")
    path.unlink()
    first = StateFile(path)
    with pytest.raises(StateError, match="locked"):
        StateFile(path)
    first.close()
