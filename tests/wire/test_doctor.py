"""The doctor at an exchange over loopback: a finding for each thing that a run would need."""

import asyncio
import json
import os
import time

import pytest

from bot.cli.doctor.finding import Verdict
from bot.cli.doctor.venue import venue
from bot.sim.wire.auth import OWNER, READER, TRADER, Key
from bot.sim.wire.clock import WallClock
from bot.sim.wire.hub import Opening
from bot.venues.deribit.feeds import FeedRules
from bot.venues.deribit.probe import probe
from bot.venues.deribit.terms import DeribitSettings, clock_is_off
from config import load
from tests import warm
from tests.struck import struck
from tests.wire.test_run import TOP, Bot, booked, straddle

CANARY = "c4n4ry-of-a-secret"


async def doctor(bot: Bot):
    """Run `deltaband doctor` on a bot's settings: exit code, findings by check, all it said."""
    own = {
        "PYTHONPATH": str(TOP),
        "DELTABAND_DERIBIT_KEY": bot.key.client_id,
        "DELTABAND_DERIBIT_SECRET": bot.key.secret,
    }
    process = await asyncio.create_subprocess_exec(
        *(*warm.python(), "-m", "bot", "doctor", "-c", str(bot.settings), "--json"),
        env=os.environ | own,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    checks: dict[str, list[dict[str, str]]] = {}
    for one in json.loads(out)["checks"]:
        checks.setdefault(one["check"], []).append(one)
    return process.returncode, checks, (out + err).decode()


async def test_an_exchange_that_fits_is_told_in_full_and_left_as_it_was(serve, tmp_path):
    """Reachability, clock, instruments, rights, tier, margin: all well, and nothing sent."""
    server = await serve(Opening(seed=3, positions=straddle("-5")))
    before = booked(server)
    code, checks, said = await doctor(Bot(server, tmp_path))
    assert code == 0, said
    assert server.rest_url in checks["venue"][0]["found"]
    assert abs(float(checks["venue clock"][0]["found"].split()[0])) < 1.0
    assert "BTC: " in checks["instruments"][0]["found"]
    assert "1 perpetual" in checks["instruments"][0]["found"]
    assert checks["key"][0]["found"] == "may account:read, trade:read_write, wallet:read"
    assert "orders 5 a second, 20 at once" in checks["rate tier"][0]["found"]
    assert "BTC" in checks["margin mode"][0]["found"]
    assert "segregated standard margin" in checks["margin mode"][0]["found"]
    assert "disk" in checks
    assert booked(server) == before
    assert TRADER.secret not in said


@pytest.fixture
def look(monkeypatch):
    """Return a caller of the doctor's look at the exchange alone, by check."""

    async def ask(bot: Bot, *sets: str, key: Key | None = TRADER):
        for part in ("KEY", "SECRET"):
            monkeypatch.delenv(f"DELTABAND_DERIBIT_{part}", raising=False)
        if key is not None:
            monkeypatch.setenv("DELTABAND_DERIBIT_KEY", key.client_id)
            monkeypatch.setenv("DELTABAND_DERIBIT_SECRET", key.secret)
        settings = load((bot.settings,), sets).settings
        findings = await asyncio.to_thread(lambda: list(venue(settings)))
        return {one.check: one for one in findings}

    return ask


@pytest.mark.parametrize(
    "key,verdict,found,expected",
    [
        (OWNER, "fail", "one with account:read_write, wallet:read_write", "neither move money"),
        (READER, "warn", "one without trade:read_write: enough to look on", "may trade"),
        (Key("foreign", CANARY, TRADER.scopes), "fail", "13004", "known to one system alone"),
    ],
)
async def test_a_key_that_does_not_fit_is_found(
    serve, tmp_path, look, key, verdict, found, expected
):
    """Too wide or unknown fails, a reader's is enough for a shadow; no secret is shown."""
    server = await serve(Opening(seed=3))
    checks = await look(Bot(server, tmp_path), key=key)
    assert checks["key"].verdict == verdict
    assert found in checks["key"].found
    assert expected in checks["key"].expected
    assert checks["venue"].verdict is Verdict.OK
    assert key.secret not in repr(checks)


async def test_no_key_at_all_is_a_failure_in_sandbox(serve, tmp_path, look):
    """What it should be called is said."""
    server = await serve(Opening(seed=3))
    checks = await look(Bot(server, tmp_path), key=None)
    assert checks["key"].verdict is Verdict.FAIL
    assert "DELTABAND_DERIBIT_KEY" in checks["key"].found
    assert checks["instruments"].verdict is Verdict.OK


async def test_a_clock_that_is_off_is_a_failure_and_no_run_begins(serve, tmp_path, look):
    """Two seconds: the doctor fails, and `run` refuses before its first order."""
    struck("F59")
    server = await serve(Opening(seed=3, positions=straddle("-5")), clock=WallClock(2.0))
    before = booked(server)
    bot = Bot(server, tmp_path)
    assert (await look(bot))["venue clock"].verdict is Verdict.FAIL
    code, _, err = await bot.run("--for", "20s")
    assert code == 1
    assert "expected clocks within 1 s, found the venue's +" in err
    assert booked(server) == before


@pytest.mark.parametrize("ahead_s", [-3_600.0, -60.0, -5.0, -1.5, 1.5, 5.0, 30.0, 60.0, 3_600.0])
async def test_a_clock_that_is_off_by_any_time_is_found(serve, tmp_path, look, ahead_s):
    """Ours or the venue's, by little or by a time zone."""
    server = await serve(Opening(seed=3), clock=WallClock(ahead_s))
    assert (await look(Bot(server, tmp_path)))["venue clock"].verdict is Verdict.FAIL
    struck("F59")


def test_a_slow_answer_does_not_make_a_clock_wrong():
    """What may be the wire's doing is not held against the clock."""
    assert clock_is_off(1.2, 0.1)
    assert clock_is_off(-1.2, 0.1)
    assert not clock_is_off(1.2, 0.3)
    assert not clock_is_off(0.9, 0.0)


async def test_another_margin_mode_than_the_owners_is_found(serve, tmp_path, look):
    """What the settings expect is said beside what the account has."""
    bot = Bot(await serve(Opening(seed=3)), tmp_path)
    other = (await look(bot, 'venue.deribit.margin_model="cross_pm"'))["margin mode"]
    assert (other.verdict, other.expected) == (
        Verdict.FAIL,
        "cross portfolio margin, as margin_model says",
    )
    same = (await look(bot, 'venue.deribit.margin_model="segregated_sm"'))["margin mode"]
    assert same.verdict is Verdict.OK


async def test_hedges_that_are_not_listed_are_found(serve, tmp_path, look):
    """None of the kinds is a failure, one of several a warning."""
    bot = Bot(await serve(Opening(seed=3)), tmp_path)
    none = (await look(bot, 'underlying.BTC.hedge_with=["spot"]'))["instruments"]
    assert (none.verdict, "0 spot" in none.found) == (Verdict.FAIL, True)
    some = await look(bot, 'underlying.BTC.hedge_with=["perpetual", "spot"]')
    assert some["instruments"].verdict is Verdict.WARN


async def test_an_exchange_that_is_not_there_is_a_failure(serve, tmp_path):
    """And the machine is examined all the same."""
    server = await serve(Opening(seed=3))
    bot = Bot(server, tmp_path)
    await server.stop()
    code, checks, said = await doctor(bot)
    assert (code, checks["venue"][0]["verdict"]) == (5, "fail")
    assert server.ws_url in checks["venue"][0]["expected"]
    assert checks["mathematics"][0]["verdict"] == "ok"
    assert TRADER.secret not in said


async def test_an_exchange_that_says_nothing_is_left_after_a_while():
    """A server that accepts and keeps silent costs one time-out, not an evening."""

    async def silent(reader, writer):
        await reader.read()
        writer.close()

    listener = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    terms = DeribitSettings(
        feed=FeedRules(coins=("BTC",)),
        currencies=("BTC",),
        rest_url=f"http://127.0.0.1:{port}",
        ws_url=f"ws://127.0.0.1:{port}/ws/api/v2",
    )
    async with listener:
        found = await probe(terms, None, time.time_ns, timeout_s=0.2)
    assert found.faults == {"reach": "no answer within 0.2 s"}
