"""Nonsense in every parameter of every method is answered, and the exchange lives on."""

import random
from contextlib import suppress

import pytest

from bot.sim.wire.rpc import METHODS
from tests.wire.conftest import RpcFault

NAMES = (
    *("instrument_name", "amount", "price", "contracts", "type", "label", "order_id", "currency"),
    *("kind", "count", "offset", "depth", "channels", "time_in_force", "post_only", "scope"),
    *("reduce_only", "valid_until", "simulated_positions", "add_positions", "index_name"),
    *("start_timestamp", "end_seq", "grant_type", "client_id", "signature", "timestamp", "sorting"),
)
VALUES: tuple[object, ...] = (
    *(
        None,
        True,
        0,
        -1,
        1e308,
        1e-300,
        2**64 - 1,
        0.1,
        "",
        "0",
        "1e999999",
        "NaN",
        "x" * 5_000,
        "\0",
    ),
    *([], {}, [None], {"a": None}, ["ticker.BTC-PERPETUAL.100ms"], {"BTC-PERPETUAL": "1e30"}),
    *("BTC-PERPETUAL", "BTC", "market", "any", "client_signature", "client_credentials", "٣"),
)
GUESSES = {"instrument_name": "BTC-PERPETUAL", "currency": "BTC", "amount": 10, "type": "market"}
ENDING = {"private/logout", "private/set_faults"}


@pytest.mark.parametrize("name", sorted(METHODS.keys() - ENDING))
async def test_nonsense_is_answered(hand_server, dial, name):
    """A result or an error of the venue, never a closed connection."""
    chance = random.Random(name)
    raw = await dial(hand_server)
    for _ in range(40):
        await raw.login()
        params = {**GUESSES, **{chance.choice(NAMES): chance.choice(VALUES) for _ in range(3)}}
        with suppress(RpcFault):
            await raw.call(name, **params)
    await raw.login()
    assert await raw.call("public/test")
    assert isinstance(await raw.call("private/get_positions"), list)
