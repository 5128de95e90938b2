"""Real money over loopback: the whole way of a live run, with TLS, key files and confirmation.

The schema refuses every other address in live, so the real system's name is made to lead to a
server on this machine (see `live_command`); nothing else differs from what a user runs.
"""

import asyncio
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.journal import Reader
from bot.sim.wire.auth import TRADER, Key
from bot.sim.wire.certificate import CERTIFICATE, self_signed
from bot.sim.wire.hub import Opening
from bot.sim.wire.server import Server
from tests import warm
from tests.wire.test_run import TOP, booked, straddle

SETTINGS = """
mode = "live"
market = "venue"
instance = "live"
state_dir = "{state}"
[underlying.BTC]
numeraire = "usd"
collateral_delta = "exclude"
delta = {{ target = 0.0, upper = 0.1, lower = -0.1 }}
gamma = {{ action = "off" }}
[limits]
confirm_usd = {confirm}
"""
COMMAND = Path(__file__).with_name("live_command.py")


class RealMoney:
    """The command on one live account: settings, key files, and where the real system is."""

    def __init__(self, server: Server, folder: Path, *, confirm: float = 1e9) -> None:
        """Write settings and key files."""
        self.server, self.folder = server, folder
        self.settings = folder / "live.toml"
        text = SETTINGS.format(state=folder / "state", confirm=confirm)
        self.settings.write_text(text, encoding="utf-8")
        self.environ = key_files(folder, TRADER)

    async def start(self, verb: str, *more: str, **environ: str) -> asyncio.subprocess.Process:
        """Start a verb."""
        bare = {name: value for name, value in os.environ.items() if "DELTABAND" not in name}
        host = f"127.0.0.1:{self.server.port}"
        own = (str(COMMAND), host, str(self.folder / CERTIFICATE))
        given = bare | {"PYTHONPATH": str(TOP)} | self.environ | environ
        return await asyncio.create_subprocess_exec(
            *(*warm.python(), *own, verb, "-c", str(self.settings), "--json", *more),
            env=given,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def run(self, verb: str, *more: str, **environ: str) -> tuple[int, str, str]:
        """Run a verb to its end: exit code and what it said."""
        return await ended(await self.start(verb, *more, **environ))

    def asked(self) -> str:
        """Return the words that a hedge waits for, empty while there is none."""
        try:
            reader = Reader.open(self.folder / "state", "live")
        except Exception:  # noqa: BLE001  there is no journal yet
            return ""
        try:
            found = reader.decisions("BTC", "delta", 20)
        finally:
            reader.close()
        refused = [why for row in found for why in row["refused"]]
        return next((w["subject"] for w in refused if w["reason"] == "needs_confirmation"), "")


def key_files(folder: Path, key: Key, stem: str = "DELTABAND_DERIBIT") -> dict[str, str]:
    """Write a key into files of its owner alone and return the environment that names them."""
    folder.chmod(0o700)
    environ = {}
    for part, value in (("KEY", key.client_id), ("SECRET", key.secret)):
        path = folder / f"{stem}-{part}".lower()
        path.write_text(f"{value}\n", encoding="utf-8")
        path.chmod(0o600)
        environ[f"{stem}_{part}_FILE"] = str(path)
    return environ


async def ended(process: asyncio.subprocess.Process) -> tuple[int, str, str]:
    """Return the exit code of a process and what it said."""
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode or 0, out.decode(), err.decode()


async def until(condition: Callable[[], object], within_s: float = 40.0) -> None:
    """Wait until something is true."""
    for _ in range(round(within_s / 0.1)):
        if condition():
            return
        await asyncio.sleep(0.1)
    raise TimeoutError(f"it did not happen within {within_s:g} s")


@pytest.fixture
async def real(serve, tmp_path):
    """Return a starter of servers that say that they are the real system, over TLS."""

    async def start(opening: Opening, *, says_real: bool = True, **options: Any) -> RealMoney:
        server = await serve(opening, tls=self_signed(tmp_path, datetime.now(UTC)))
        server.hub.rest_faults.says_real = server.hub.dial_faults.says_real = says_real
        return RealMoney(server, tmp_path, **options)

    return start


async def test_a_live_run_hedges_and_both_sides_agree(real):
    """From files of settings and keys to a hedge on the books, and no key anywhere but there."""
    money = await real(Opening(seed=3, compress=60, positions=straddle("-2")))
    code, out, err = await money.run("run", "--live", "--for", "12s")
    assert code == 0, err
    summary = json.loads(out)
    assert (summary["mode"], summary["unknown_orders"], summary["flaws"]) == ("live", 0, {})
    assert summary["fills"] > 0
    assert "BTC-PERPETUAL" in booked(money.server)
    assert money.server.hub.exchange.working == ()
    assert "orders for real money" in err
    left = (p for p in (money.folder / "state").rglob("*") if p.is_file())
    kept = "".join(p.read_bytes().decode("latin-1") for p in left)
    assert TRADER.secret not in out + err + kept


async def test_the_first_large_hedge_waits_for_typed_words(real):
    """Nothing leaves until they are typed, wrong words change nothing, and then it is sent."""
    opening = Opening(seed=3, compress=60, positions=straddle("-2"))
    money = await real(opening, confirm=1_000.0)
    before = booked(money.server)
    process = await money.start("run", "--live")
    try:
        await until(money.asked)
        assert booked(money.server) == before
        code, _, err = await money.run("resume", "BTC", "--confirm", "go ahead")
        assert (code, "expected the words" in err) == (1, True)
        assert booked(money.server) == before
        # The words name the hedge, which may have become another one since it was asked for.
        async with asyncio.timeout(40):
            while (await money.run("resume", "BTC", "--confirm", money.asked()))[0]:
                pass
        await until(lambda: "BTC-PERPETUAL" in booked(money.server))
    finally:
        process.terminate()
        code, _, err = await ended(process)
    assert code == 0, err


async def test_a_live_run_refuses_the_test_system_before_it_shows_its_key(real):
    """Exit code 2 and what was found; nothing was sent and nobody has proven who they are."""
    opening = Opening(seed=3, compress=60, positions=straddle("-5"))
    money = await real(opening, says_real=False)
    before = booked(money.server)
    code, _, err = await money.run("run", "--live", "--for", "20s")
    assert code == 2, err
    assert "expected the venue's real system, found the test system (testnet true)" in err
    assert booked(money.server) == before
    assert money.server.hub.auth._tokens == {}
    code, _, err = await money.run("shadow", "--for", "20s")
    assert code == 2
    assert "expected the venue's real system" in err


async def test_a_certificate_that_nobody_signed_for_ends_with_its_name(real, tmp_path):
    """Exit code 3: who answers may be anybody."""
    money = await real(Opening(seed=3))
    self_signed(tmp_path, datetime.now(UTC))  # another one of the same name
    code, _, err = await money.run("run", "--live", "--for", "20s")
    assert code == 3, err
    assert "certificate verify failed" in err
    assert money.server.dialled == 0


async def test_keys_of_a_live_run_come_from_files_alone(real):
    """Exit code 2, and the value is not repeated."""
    money = await real(Opening(seed=3))
    given = {"DELTABAND_DERIBIT_KEY": TRADER.client_id, "DELTABAND_DERIBIT_SECRET": TRADER.secret}
    money.environ = {}
    code, out, err = await money.run("run", "--live", **given)
    assert code == 2
    assert "_FILE because mode is live" in err
    assert TRADER.secret not in out + err


async def test_doctor_names_the_system_and_where_the_key_is(real):
    """The real one, as mode live means it, and a key in files."""
    money = await real(Opening(seed=3))
    code, out, err = await money.run("doctor")
    assert code == 0, out + err
    checks = {one["check"]: one for one in json.loads(out)["checks"]}
    assert checks["environment"]["found"] == "the exchange's real system"
    assert checks["secrets"]["found"] == "deribit: key and secret in files"
    money.server.hub.dial_faults.says_real = False
    code, out, _ = await money.run("doctor")
    checks = {one["check"]: one for one in json.loads(out)["checks"]}
    assert code == 5
    assert checks["environment"]["verdict"] == "fail"
    assert "no key was shown" in checks["environment"]["expected"]
    assert "key" not in checks
