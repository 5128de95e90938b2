"""`exchange`: it says where it is, serves what it says, and ends with 0 when it is asked to."""

import base64
import json
import signal
import ssl
import urllib.request

import pytest


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_a_signal(deltaband, number):
    """The first line is complete and true as soon as it is there."""
    process = deltaband.start("exchange", "--port", 0, "--json", "--clock-offset", "-3600")
    said = json.loads(process.stdout.readline())
    with urllib.request.urlopen(f"{said['rest']}/api/v2/public/get_time", timeout=5) as reply:
        answer = json.load(reply)
    assert answer["result"] * 1_000 == pytest.approx(answer["usIn"], abs=1_000_000)
    assert "trade:read_write" in said["keys"][0]["scope"]
    process.send_signal(number)
    out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (0, "", "")


def test_tls_comes_with_an_authority_to_trust(deltaband):
    """A client that loads it is served; the file is gone when the exchange is."""
    process = deltaband.start(
        "exchange", "--port", 0, "--json", "--tls", "--compress", 30, "--regime", "calm"
    )
    said = json.loads(process.stdout.readline())
    trust = ssl.create_default_context(cafile=said["cafile"])
    address = f"{said['rest']}/api/v2/public/test"
    with urllib.request.urlopen(address, timeout=5, context=trust) as reply:
        assert json.load(reply)["result"]["version"]
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=10)
    assert process.returncode == 0
    with pytest.raises(FileNotFoundError):
        ssl.create_default_context(cafile=said["cafile"])


def test_people_are_told_addresses_and_keys(deltaband):
    """Each on a line of its own."""
    process = deltaband.start("exchange", "--port", 0, "--position", "BTC-PERPETUAL=-1000")
    lines = [process.stdout.readline() for _ in range(6)]
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=10)
    assert lines[0].startswith("rest  http://127.0.0.1:")
    assert lines[1].startswith("ws    ws://127.0.0.1:")
    assert "client id" in lines[4]
    assert process.returncode == 0


@pytest.mark.parametrize(
    "options,code,found",
    [
        (["--regime", "x"], 2, "expected calm, normal, crash, demo, found 'x'"),
        (["--position", "BTC-PERPETUAL"], 2, "expected a position such as"),
        (["--position", "BTC-X=1"], 1, "expected a name such as"),
        (["--position", "BTC-1JAN20=10"], 1, "expected a position in a listed instrument"),
        (["--clock-offset", "soon"], 2, "expected seconds such as"),
        (["--compress", "0"], 2, "compress"),
    ],
)
def test_what_it_cannot_do_is_said(deltaband, options, code, found):
    """Before anything listens."""
    done = deltaband("exchange", "--port", 0, *options)
    assert done.returncode == code
    assert found in done.stderr


def test_a_killed_exchange_goes_on_from_its_state_file(deltaband, tmp_path):
    """The account's position is there again; with another seed it is refused."""
    options = ("exchange", "--port", 0, "--json", "--state", tmp_path / "exchange.db")
    held = ("--position", "BTC-PERPETUAL=-1000")
    for number in (signal.SIGKILL, signal.SIGTERM):
        process = deltaband.start(*options, *held)
        said = json.loads(process.stdout.readline())
        ask = urllib.request.Request(f"{said['rest']}/api/v2/private/get_positions?currency=BTC")
        key = f"{said['keys'][0]['client_id']}:{said['keys'][0]['client_secret']}"
        ask.add_header("Authorization", f"Basic {base64.b64encode(key.encode()).decode()}")
        with urllib.request.urlopen(ask, timeout=5) as reply:
            (position,) = json.load(reply)["result"]
        assert position["size"] == -1000.0
        process.send_signal(number)
        process.communicate(timeout=10)
    done = deltaband(*options, *held, "--seed", 5)
    assert done.returncode == 1
    assert "expected seed 0 as in the state file, found 5" in done.stderr
