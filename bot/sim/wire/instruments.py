"""The instrument list as the venue sends it, with the combos and linear contracts beside it.

Combos and USDC-settled contracts are listed because clients meet them; this exchange does not
trade them: their ticker says `closed` and an order is refused as `orderbook_closed`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final
from zlib import crc32

from bot.domain import deribit
from bot.domain.instruments import Instrument, Kind
from bot.domain.units import NS_PER_MS, NS_PER_S
from bot.sim.wire.exchange import settles_in

Json = dict[str, Any]

NEVER_MS: Final = 32_503_708_800_000
LISTED_BEFORE_MS: Final = 7 * 86_400_000
MAX_LEVERAGE: Final = 50
CURRENCIES: Final = {
    "BTC": ("Bitcoin", "BITCOIN", 8),
    "ETH": ("Ethereum", "ETHER", 6),
    "SOL": ("Solana", "SOL", 6),
    "USDC": ("USD Coin", "USDC", 6),
}


def kind(instrument: Instrument) -> str:
    """Return the venue's word for what an instrument is: option or future."""
    return "option" if instrument.is_option else "future"


def currency(name: str, long: str, coin_type: str, decimals: int) -> Json:
    """Return one entry of the currency list."""
    return {
        "currency": name,
        "currency_long": long,
        "coin_type": coin_type,
        "fee_precision": 4,
        "min_confirmations": 1,
        "min_withdrawal_fee": 0.0001,
        "withdrawal_fee": 0.0002,
        "withdrawal_priorities": [],
        "decimals": decimals,
    }


def instrument(one: Instrument, *, active: bool = True) -> Json:
    """Return one entry of the instrument list."""
    inverse = one.is_inverse
    money = settles_in(one)
    entry: Json = {
        "kind": kind(one),
        "instrument_name": one.name,
        "base_currency": one.coin,
        "counter_currency": "USD" if inverse else "USDC",
        "quote_currency": one.coin if inverse and one.is_option else "USD" if inverse else "USDC",
        "settlement_currency": money,
        "settlement_period": _period(one),
        "instrument_type": "reversed" if inverse else "linear",
        "contract_size": 1.0 if one.is_option else float(one.contract_size),
        "min_trade_amount": float(one.min_quantity),
        "tick_size": float(one.ticks.base),
        "tick_size_steps": [
            {"above_price": float(above), "tick_size": float(tick)}
            for above, tick in one.ticks.steps
        ],
        "maker_commission": one.fees.maker,
        "taker_commission": one.fees.taker,
        "block_trade_commission": one.fees.taker,
        "creation_timestamp": _created_ms(one),
        "expiration_timestamp": NEVER_MS if one.expiry_ns is None else one.expiry_ns // NS_PER_MS,
        "is_active": active,
        "state": "open" if active else "closed",
        "price_index": index_name(one.coin, inverse=inverse),
        "instrument_id": crc32(one.name.encode()),
    }
    if one.is_option:
        entry["option_type"] = "call" if one.is_call else "put"
        entry["strike"] = one.strike
    else:
        entry["future_type"] = "reversed" if inverse else "linear"
        entry["max_leverage"] = MAX_LEVERAGE
        entry["max_liquidation_commission"] = 0.0075
    return entry


def index_name(coin: str, *, inverse: bool = True) -> str:
    """Return the name of a coin's price index."""
    return f"{coin.lower()}_{'usd' if inverse else 'usdc'}"


def untraded(listed: tuple[Instrument, ...]) -> tuple[Json, ...]:
    """Return the entries that stand in the list without a market: linear contracts and combos."""
    entries: list[Json] = []
    for coin in dict.fromkeys(one.coin for one in listed):
        options = [one for one in listed if one.coin == coin and one.is_option]
        entries.append(instrument(deribit.parse(f"{coin}_USDC-PERPETUAL"), active=False))
        if not options:
            continue
        middle = options[len(options) // 2]
        entries += [
            instrument(deribit.parse(f"{coin}_USDC-{one.name.partition('-')[2]}"), active=False)
            for one in options
            if one.expiry_ns == middle.expiry_ns
        ]
        calls = [o for o in options if o.expiry_ns == middle.expiry_ns and o.is_call]
        if len(calls) > 1:
            entries.append(_call_spread(calls[0], calls[1]))
        dated = [one for one in listed if one.coin == coin and one.kind is Kind.FUTURE]
        entries += [_future_spread(one) for one in dated[:1]]
    return tuple(entries)


def _call_spread(low: Instrument, high: Instrument) -> Json:
    stem = low.name.rpartition("-")[0]
    coin, code, strike = stem.split("-")
    upper = high.name.split("-")[2]
    name = f"{coin}-CS-{code}-{strike}_{upper}"
    entry = instrument(low, active=False)
    del entry["option_type"], entry["strike"]
    return entry | {
        "kind": "option_combo",
        "instrument_name": name,
        "instrument_id": crc32(name.encode()),
    }


def _future_spread(dated: Instrument) -> Json:
    coin, code = dated.name.split("-")
    name = f"{coin}-FS-{code}_PERP"
    return instrument(dated, active=False) | {
        "kind": "future_combo",
        "instrument_name": name,
        "instrument_id": crc32(name.encode()),
    }


def _period(one: Instrument) -> str:
    """Return day, week, month or perpetual: what the expiry is the end of."""
    if one.expiry_ns is None:
        return "perpetual"
    day = datetime.fromtimestamp(one.expiry_ns // NS_PER_S, tz=UTC)
    if day.weekday() != 4:  # noqa: PLR2004  Friday
        return "day"
    last_of_month = datetime.fromtimestamp(one.expiry_ns // NS_PER_S + 7 * 86_400, tz=UTC)
    return "month" if last_of_month.month != day.month else "week"


def _created_ms(one: Instrument) -> int:
    if one.expiry_ns is None:
        return 1_534_242_287_000
    return one.expiry_ns // NS_PER_MS - LISTED_BEFORE_MS
