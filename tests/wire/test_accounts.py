"""Several accounts: an instance for each, or one instance that trades in one and reads others."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest

from bot.domain import deribit
from bot.domain.positions import Position
from bot.journal import Reader
from bot.sim.wire.auth import OWNER, READER, TRADER, Key
from bot.sim.wire.hub import Opening
from bot.sim.wire.server import Server
from config import ConfigError, load
from tests.wire.switchboard import Switchboard
from tests.wire.test_environment import heard
from tests.wire.test_keys import LIVE, everything
from tests.wire.test_run import Bot, booked, straddle

CANARY = "c4n4ry-of-a-secret"
SUB = Key("sub1-reader", CANARY, READER.scopes)
ENVIRON = {"DELTABAND_DERIBIT_SUB_1_KEY": SUB.client_id, "DELTABAND_DERIBIT_SUB_1_SECRET": CANARY}


def perpetual(size: str) -> Position:
    """Return a position in the perpetual."""
    return Position("BTC-PERPETUAL", deribit.parse("BTC-PERPETUAL").quantity(Decimal(size)))


class Spanning(Bot):
    """A bot that trades in `desk` and also reads `sub.1`, through a switchboard."""

    def __init__(self, board: Switchboard, folder, more: str = "") -> None:
        """Write its settings, with both accounts in them."""
        super().__init__(board, folder)
        accounts = '[venue.deribit]\naccount = "desk"\nalso = ["sub.1"]'
        text = self.settings.read_text("utf-8").replace("[venue.deribit]", accounts) + more
        self.settings.write_text(text, encoding="utf-8")

    def rows(self) -> dict[tuple[str, str, str], float]:
        """Return what its journal shows: quantity by instrument, tag and account."""
        reader = Reader.open(self.folder, "sand")
        try:
            rows = reader.positions()
        finally:
            reader.close()
        return {(r["instrument"], r["tag"], r["account"]): float(r["quantity"]) for r in rows}


Open = Callable[..., Awaitable[tuple[Switchboard, Server, Server]]]


@pytest.fixture
async def opened(serve):
    """Return an opener of two accounts of one exchange: the traded one, and one to read."""
    boards: list[Switchboard] = []

    async def open_(desk, sub, *, number: int = 2, key: Key = SUB, compress: int = 60):
        one = await serve(Opening(seed=3, compress=compress, positions=desk))
        two = await serve(Opening(seed=3, compress=compress, positions=sub, account=number))
        two.hub.auth.keys = {key.client_id: key}
        boards.append(Switchboard({TRADER.client_id: one, key.client_id: two}))
        await boards[-1].start()
        return boards[-1], one, two

    yield open_
    for board in boards:
        await board.stop()


# --- one instance over several --------------------------------------------------------------------


async def test_what_is_held_in_a_sub_account_is_hedged_in_the_trading_one(opened, tmp_path):
    """The same instruments in both, told apart; nothing is sent for the account that is read."""
    board, desk, sub = await opened(straddle("-2"), (*straddle("-3"), perpetual("30000")))
    before = booked(sub)
    bot = Spanning(board, tmp_path)
    code, out, err = await bot.run("--for", "12s", **ENVIRON)
    assert code == 0, err
    assert json.loads(out)["flaws"] == {}
    assert booked(sub) == before
    assert sub.hub.exchange.tickets == {}
    rows = bot.rows()
    call = straddle("-2")[0].instrument
    assert (rows[call, "book", "desk"], rows[call, "book", "sub.1"]) == (-2.0, -3.0)
    assert rows["BTC-PERPETUAL", "book", "sub.1"] == 30_000.0
    assert rows["BTC-PERPETUAL", "hedge", "desk"] == booked(desk)["BTC-PERPETUAL"] < 0.0
    assert CANARY not in out + err + everything(tmp_path)


async def test_a_scope_of_one_account_leaves_the_same_instrument_in_another_alone(opened, tmp_path):
    """A long perpetual in the sub-account is out of it: there is nothing to hedge."""
    board, desk, _ = await opened((), (perpetual("90000"),))
    more = '[underlying.BTC.scope]\naccounts = ["desk"]\n'
    code, out, err = await Spanning(board, tmp_path, more).run("--for", "6s", **ENVIRON)
    assert code == 0, err
    assert json.loads(out)["fills"] == 0
    assert booked(desk) == {}


async def test_a_lost_sub_account_is_a_doubt_and_not_a_closed_position(opened, tmp_path):
    """Named, nothing is unwound meanwhile, and a restart in between changes nothing of it."""
    board, desk, sub = await opened((), (perpetual("90000"),))
    bot = Spanning(board, tmp_path)
    process = await bot.start(**ENVIRON)
    assert process.stderr is not None
    await heard(process.stderr, "hedge.done")
    hedge = booked(desk)["BTC-PERPETUAL"]
    assert hedge < 0.0
    board.bar(SUB.client_id)
    changed = await heard(process.stderr, "state.changed")
    while "account_unseen" not in json.dumps(changed):
        changed = await heard(process.stderr, "state.changed")
    assert "sub.1" in json.dumps(changed)
    await asyncio.sleep(3.0)
    assert booked(desk)["BTC-PERPETUAL"] == hedge
    board.barred.clear()
    while changed["after"] != "RUNNING":
        changed = await heard(process.stderr, "state.changed")
    process.kill()
    await process.communicate()
    code, _, err = await bot.run("--for", "8s", **ENVIRON)
    assert code == 0, err
    rows = bot.rows()
    assert rows["BTC-PERPETUAL", "hedge", "desk"] == booked(desk)["BTC-PERPETUAL"]
    assert rows["BTC-PERPETUAL", "book", "sub.1"] == booked(sub)["BTC-PERPETUAL"]
    assert ("BTC-PERPETUAL", "book", "desk") not in rows


async def test_an_account_that_cannot_be_read_at_the_start_ends_it(opened, tmp_path):
    """Exit code 2 and whose it is: half a book is none."""
    board, desk, _ = await opened(straddle("-5"), straddle("-5"))
    before = booked(desk)
    unknown = ENVIRON | {"DELTABAND_DERIBIT_SUB_1_SECRET": "another"}
    code, _, err = await Spanning(board, tmp_path).run("--for", "20s", **unknown)
    assert code == 2
    assert "for account sub.1" in err
    assert booked(desk) == before


@pytest.mark.parametrize(
    "key,said",
    [
        (Key("wide", CANARY, OWNER.scopes), "neither move money nor change the account"),
        (Key("blind", CANARY, frozenset({"account:read"})), "one without trade:read"),
    ],
)
async def test_a_key_that_reads_too_little_or_does_too_much_is_refused(opened, tmp_path, key, said):
    """Exit code 2, and whose it is; it may trade, because there is no lane to trade on."""
    board, desk, _ = await opened(straddle("-5"), (), key=key)
    before = booked(desk)
    environ = ENVIRON | {"DELTABAND_DERIBIT_SUB_1_KEY": key.client_id}
    code, _, err = await Spanning(board, tmp_path).run("--for", "20s", **environ)
    assert code == 2, err
    assert "account sub.1: expected a key that" in err
    assert said in err
    assert booked(desk) == before


async def test_two_keys_of_one_account_are_refused(opened, tmp_path):
    """Its positions would count twice: by the exchange's own number of the account."""
    board, desk, _ = await opened(straddle("-5"), straddle("-5"), number=1)
    before = booked(desk)
    code, _, err = await Spanning(board, tmp_path).run("--for", "20s", **ENVIRON)
    assert code == 2, err
    assert "the key of sub.1 to open the same account as that of desk" in err
    assert booked(desk) == before


async def test_keys_of_all_accounts_are_asked_for_before_anything_is_dialled(opened, tmp_path):
    """Exit code 2: none, or that of the trading account again."""
    board, desk, _ = await opened((), ())
    code, _, err = await Spanning(board, tmp_path).run()
    assert code == 2
    assert "DELTABAND_DERIBIT_SUB_1_KEY: expected a key in DELTABAND_DERIBIT_SUB_1_KEY" in err
    again = {
        "DELTABAND_DERIBIT_SUB_1_KEY": TRADER.client_id,
        "DELTABAND_DERIBIT_SUB_1_SECRET": TRADER.secret,
    }
    code, _, err = await Spanning(board, tmp_path).run(**again)
    assert code == 2
    assert "expected a key of its own" in err
    assert desk.dialled == 0


async def test_a_shadow_of_several_accounts_is_refused(opened, tmp_path):
    """Exit code 2: its simulated account is one."""
    board, _, _ = await opened((), ())
    bot = Spanning(board, tmp_path)
    bot.verb = "shadow"
    code, _, err = await bot.run(**ENVIRON)
    assert code == 2
    assert "expected venue.deribit.also empty for this verb" in err


async def test_doctor_looks_at_the_key_of_each_account(opened, tmp_path):
    """What it may do, and where it is kept; a wide one fails under its account's name."""
    board, _, sub = await opened((), ())
    bot = Spanning(board, tmp_path)
    bot.verb = "doctor"
    code, out, err = await bot.run(**ENVIRON)
    assert code == 0, out + err
    checks = {one["check"]: one for one in json.loads(out)["checks"]}
    assert (
        checks["key sub.1"]["found"] == "may account:read, trade:read, wallet:read; only read from"
    )
    sub.hub.auth.keys[SUB.client_id] = Key(SUB.client_id, CANARY, OWNER.scopes)
    code, out, err = await bot.run(**ENVIRON)
    checks = {one["check"]: one for one in json.loads(out)["checks"]}
    assert code == 5
    assert checks["key sub.1"]["verdict"] == "fail"
    assert "wallet:read_write" in checks["key sub.1"]["found"]
    assert CANARY not in out + err


def test_in_live_the_keys_of_all_accounts_come_from_files_alone(tmp_path):
    """An environment is seen by others, whoever's account it is."""
    from bot.wiring.live import keys_for
    from tests.wire.test_live import key_files

    settings = load((), (*LIVE, "venue.deribit.also=sub.1"), {}).settings
    environ = key_files(tmp_path, TRADER)
    with pytest.raises(ConfigError, match=r"SUB_1_KEY_FILE.*found nothing"):
        keys_for(settings, environ)
    with pytest.raises(ConfigError, match="SUB_1_KEY_FILE because mode is live"):
        keys_for(settings, environ | ENVIRON)
    environ |= key_files(tmp_path, SUB, "DELTABAND_DERIBIT_SUB_1")
    keys = keys_for(settings, environ)
    assert (keys.trading.client_id, keys.also["sub.1"].client_id) == (
        TRADER.client_id,
        SUB.client_id,
    )


# --- an instance for each -------------------------------------------------------------------------


async def test_two_instances_side_by_side_keep_to_their_own_accounts(serve, tmp_path):
    """Each with its key, its journal and its half of the orders."""
    one = await serve(Opening(seed=3, compress=60, positions=(perpetual("50000"),)))
    two = await serve(Opening(seed=5, compress=60, positions=(perpetual("-50000"),)))
    key = Key("second-trader", CANARY, TRADER.scopes)
    two.hub.auth.keys = {key.client_id: key}
    bots = []
    for name, server, own in (("left", one, TRADER), ("right", two, key)):
        (tmp_path / name).mkdir()
        bots.append(Bot(server, tmp_path / name, own))
    # Both below one folder of journals, apart by the name of their instance.
    ends = await asyncio.gather(
        *(
            bot.run(
                "--for",
                "10s",
                "--set",
                f"instance={bot.folder.name}",
                "--set",
                f"state_dir={tmp_path}",
            )
            for bot in bots
        )
    )
    for (code, out, err), server, name in zip(ends, (one, two), ("left", "right"), strict=True):
        assert code == 0, err
        assert json.loads(out)["fills"] > 0
        labels = {ticket.terms.label for ticket in server.hub.exchange.tickets.values()}
        assert labels
        assert all(label.startswith(f"db-{name}-") for label in labels)
        reader = Reader.open(tmp_path, name)
        rows = reader.positions()
        reader.close()
        assert sum(row["quantity"] for row in rows) == booked(server).get("BTC-PERPETUAL", 0.0)
    assert abs(booked(one)["BTC-PERPETUAL"]) < 50_000.0
