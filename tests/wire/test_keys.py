"""What a key may do is judged before anything else, and no key shows anywhere."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.domain.errors import KeyRightsError
from bot.sim.wire.auth import KEYS, OWNER, READER, TRADER, Auth, Key
from bot.sim.wire.hub import Opening
from bot.sim.wire.rpc import Params
from bot.venues.deribit.feeds import FeedRules
from bot.venues.deribit.grants import Fit, granted, judge, must_fit
from bot.venues.deribit.terms import ApiKey, DeribitSettings
from bot.venues.deribit.venue import DeribitVenue
from bot.wiring.live import key_for
from config import ConfigError, load
from tests.struck import struck
from tests.wire.test_run import TOP, Bot, booked, straddle

CANARY = "c4n4ry-of-a-secret"
LIVE = (
    *("mode=live", "market=venue", "underlying.BTC.numeraire=usd"),
    *("underlying.BTC.collateral_delta=exclude", "underlying.BTC.gamma.action=off"),
    *("underlying.BTC.delta.upper=0.1", "underlying.BTC.delta.lower=-0.1"),
    "underlying.BTC.delta.target=0",
)


def everything(folder) -> str:
    """Return all that a run left in its folder, read as bytes."""
    return "".join(p.read_bytes().decode("latin-1") for p in folder.rglob("*") if p.is_file())


def hands_out(server, key: Key) -> None:
    """Make the exchange know one more key."""
    server.hub.auth.keys[key.client_id] = key


@pytest.mark.parametrize(
    "key,said",
    [
        (OWNER, "neither move money nor change the account, found one with account:read_write, "),
        (READER, "expected a key that may trade and read the account, found one without trade:"),
    ],
)
async def test_a_key_that_may_do_too_much_or_too_little_is_refused(serve, tmp_path, key, said):
    """Exit code 2, one line, and nothing was sent for a book that cries for a hedge."""
    struck("F63")
    positions = straddle("-5")
    server = await serve(Opening(seed=3, compress=60, positions=positions))
    hands_out(server, key)
    before = booked(server)
    code, out, err = await Bot(server, tmp_path, key).run("--for", "20s")
    assert code == 2, err
    assert said in err
    assert booked(server) == before
    assert server.hub.exchange.working == ()
    assert key.secret not in out + err + everything(tmp_path)


async def test_a_key_of_the_other_system_is_said_to_be_one(serve, tmp_path):
    """The venue does not know it: exit code 2, and what that may mean."""
    struck("F77")
    server = await serve(Opening(seed=3))
    foreign = Key("of-the-real-one", CANARY, TRADER.scopes)
    code, out, err = await Bot(server, tmp_path, foreign).run()
    assert code == 2
    assert "13004" in err
    assert "a key is known to one system alone" in err
    assert server.rest_url in err
    assert CANARY not in out + err + everything(tmp_path)


async def test_a_sound_key_shows_nowhere(serve, tmp_path):
    """Neither in what the run says, at its loudest, nor in its journal."""
    server = await serve(Opening(seed=3, compress=60, positions=straddle("-2")))
    key = Key("quiet-trader", CANARY, TRADER.scopes)
    hands_out(server, key)
    code, out, err = await Bot(server, tmp_path, key).run("--for", "3s", "--verbose")
    assert code == 0, err
    assert CANARY not in out + err + everything(tmp_path)


async def test_rights_that_grow_while_it_runs_end_the_connection(serve):
    """A renewed proof is judged as the first was: the lane does not go on with a wider key."""
    struck("F62")
    struck("F63")
    server = await serve(Opening(seed=3))
    key = Key("growing", CANARY, TRADER.scopes)
    hands_out(server, key)
    server.hub.auth.token_life_s = 1
    terms = DeribitSettings(
        feed=FeedRules(coins=("BTC",)),
        currencies=("BTC",),
        rest_url=server.rest_url,
        ws_url=server.ws_url,
    )
    venue = DeribitVenue(terms, server.hub.clock.now_ns, ApiKey("growing", CANARY), orders=True)
    try:
        await venue.start()
        assert venue.private is not None
        session = venue.private.session
        assert session.ready.is_set()
        hands_out(server, Key("growing", CANARY, OWNER.scopes))
        while not isinstance(session.failure, KeyRightsError):
            await venue.wait(0.02)
            while venue.next_event() is not None:
                pass
        assert not session.ready.is_set()
    finally:
        await venue.close()


async def test_a_reader_is_enough_where_no_order_lane_exists(serve):
    """A wide key is refused there all the same."""
    server = await serve(Opening(seed=3))
    terms = DeribitSettings(
        feed=FeedRules(coins=("BTC",)),
        currencies=("BTC",),
        rest_url=server.rest_url,
        ws_url=server.ws_url,
    )
    clock = server.hub.clock.now_ns
    reader = DeribitVenue(terms, clock, ApiKey(READER.client_id, READER.secret))
    await reader.start()
    assert reader.lane is None
    await reader.close()
    owner = DeribitVenue(terms, clock, ApiKey(OWNER.client_id, OWNER.secret))
    with pytest.raises(KeyRightsError, match="wallet:read_write"):
        await owner.start()


@pytest.mark.parametrize(
    "scope,orders,fit",
    [
        ("connection mainaccount account:read trade:read_write wallet:read", True, Fit.FITTING),
        ("session:bot expires:900 account:read trade:read_write", True, Fit.FITTING),
        ("account:read trade:read", False, Fit.FITTING),
        ("account:read trade:read_write", False, Fit.FITTING),
        ("account:read trade:read", True, Fit.TOO_NARROW),
        ("trade:read_write", True, Fit.TOO_NARROW),
        ("account:read", False, Fit.TOO_NARROW),
        ("account:read_write trade:read", False, Fit.TOO_WIDE),
        ("account:read trade:read_write WALLET:READ_WRITE", True, Fit.TOO_WIDE),
        ("account:read trade:read_write custody:read_write", True, Fit.TOO_WIDE),
        ("account:read trade:read_write block_trade:read_write", True, Fit.TOO_WIDE),
        ("account:read trade:read_write something_new:read_write", True, Fit.TOO_WIDE),
        ("connection mainaccount", True, Fit.UNREADABLE),
    ],
)
def test_only_the_right_to_trade_may_be_more_than_to_read(scope, orders, fit):
    """Also of areas that are not known yet."""
    assert judge(granted({"scope": scope}), orders=orders)[0] is fit


@pytest.mark.parametrize(
    "reply", [None, [], "", {}, {"scope": None}, {"scope": 7}, {"scope": "x" * 2_000}]
)
def test_rights_that_cannot_be_read_are_refused(reply):
    """Absence of an answer is no permission."""
    with pytest.raises(KeyRightsError, match="names no rights"):
        must_fit(reply, orders=True)


def test_the_keys_of_the_exchange_of_our_own_are_what_they_are_called():
    """One fits, one is too wide, one too narrow; asking for less makes the wide one fit."""
    auth = Auth.of(KEYS)

    def fit(key: Key, scope: str = "") -> Fit:
        asked = {"client_id": key.client_id, "client_secret": key.secret, "scope": scope}
        token = auth.grant(Params({"grant_type": "client_credentials", **asked}), 0)
        return judge(granted(token.reply(0)), orders=True)[0]

    assert (fit(TRADER), fit(OWNER), fit(READER)) == (
        Fit.FITTING,
        Fit.TOO_WIDE,
        Fit.TOO_NARROW,
    )


# --- where keys may come from ---------------------------------------------------------------------


@pytest.fixture
def live():
    """Return settings in mode live."""
    return load((), LIVE).settings


@pytest.fixture
def files(tmp_path):
    """Return the environment that names a key's files, which are their owner's alone."""
    tmp_path.chmod(0o700)
    environ = {}
    for part, value in (("KEY", "k3y"), ("SECRET", CANARY)):
        path = tmp_path / part.lower()
        path.write_text(f"{value}\n", encoding="utf-8")
        path.chmod(0o600)
        environ[f"DELTABAND_DERIBIT_{part}_FILE"] = str(path)
    return environ


def test_live_takes_its_key_from_files_alone(live, files):
    """An environment is seen by others, so a value in it is refused, also beside files."""
    found = key_for(live, files)
    assert (found.client_id, found.secret) == ("k3y", CANARY)
    assert CANARY not in repr(found)
    for given in (
        {"DELTABAND_DERIBIT_KEY": "k3y", "DELTABAND_DERIBIT_SECRET": CANARY},
        {**files, "DELTABAND_DERIBIT_SECRET": CANARY},
    ):
        with pytest.raises(ConfigError, match="_FILE because mode is live") as caught:
            key_for(live, given)
        assert CANARY not in str(caught.value)
    with pytest.raises(ConfigError, match=r"DELTABAND_DERIBIT_KEY_FILE.*found nothing"):
        key_for(live, {})


def test_a_file_that_others_can_read_is_refused_in_live(live, files, tmp_path):
    """The message names the file and its mode, never what is in it."""
    (tmp_path / "secret").chmod(0o644)
    with pytest.raises(ConfigError, match=r"its owner alone .0600., found .*mode 0644") as caught:
        key_for(live, files)
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("linked,refusal", [(False, "mode 0444"), (True, "a symbolic link")])
def test_a_read_only_secret_mount_is_accepted_and_doctor_says_so(files, tmp_path, linked, refusal):
    """Root's files of mode 0444, or links to such: keys on a read-only mount, refused elsewhere."""
    for part in ("key", "secret"):
        path = tmp_path / part
        path.chmod(0o444)
        if linked:
            (tmp_path / "..data").mkdir(exist_ok=True)
            path.rename(tmp_path / "..data" / part)
            path.symlink_to(Path("..data") / part)
    program = (
        "import os; from bot.cli.doctor.state import secrets;"
        "print([f'{one.verdict}: {one.found}' for one in secrets(os.environ)])"
    )
    check = f'{sys.executable} -c "{program}"'
    script = (
        f"{check} && mount --bind {tmp_path} {tmp_path}"
        f" && mount -o remount,bind,ro {tmp_path} && {check}"
    )
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script],
        env=os.environ | files | {"PYTHONPATH": str(TOP)},
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout.splitlines()
    if len(said) < 2 and ("unshare" in done.stderr or "mount" in done.stderr):
        pytest.skip("this system allows no mounts of its own")
    before, after = said
    assert "fail: " in before
    assert refusal in before
    assert after == "['ok: deribit: key and secret in files on a read-only mount']"
    assert CANARY not in done.stdout + done.stderr
