"""How exact the kernels are on the tables of truth, and peers on the same rows."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from bot.wiring.kernels import _folder
from greeks import arithmetic, black76, implied, inverse
from tests.bench import rows
from tests.bench.peers import peers
from tests.bench.rows import Row
from tests.greeks.tables import columns, words

Array = NDArray[np.float64]
EPS = 2.2e-16
ALIVE = 1e-250
COIN = {"coin_price": "coin_price", "net_delta": "coin_delta_net", "coin_vega": "coin_vega"}
STATUS = {
    "value": implied.Status.SOLVED,
    "zero": implied.Status.AT_INTRINSIC,
    "nan_below": implied.Status.BELOW_INTRINSIC,
    "nan_above": implied.Status.ABOVE_BOUND,
}


def exactness() -> list[Row]:
    """Return the worst errors of each path, and the price errors of peers."""
    told: list[Row] = []
    for name in arithmetic.available():
        arithmetic.use(name, cache=_folder())
        told += [*_greeks(name), *_implied(name)]
    arithmetic.use(arithmetic.PLAIN)
    return told + _peers()


def _arguments(table: Mapping[str, Array], *first: str) -> tuple[Array, ...]:
    discount = np.exp(-table["r"] * table["T"])
    return (*(table[name] for name in first), discount)


def _greeks(name: str) -> list[Row]:
    table = columns("greeks.csv")
    deviation = table["sigma"] * np.sqrt(table["T"])
    d1 = np.log(table["F"] / table["K"]) / deviation + 0.5 * deviation
    allowed = np.maximum(5e-13, 4.0 * d1 * d1 * EPS)
    arguments = _arguments(table, "is_call", "F", "K", "T", "sigma")
    found = black76.greeks(*arguments)._asdict()
    coin = inverse.greeks(*arguments)._asdict()
    pairs = [(found[one], table[one]) for one in found]
    pairs += [(coin[one], table[column]) for one, column in COIN.items()]
    worst = max(_relative(mine, true, allowed) for mine, true in pairs)
    error = np.abs(found["price"] - table["price"])
    scaled = float(np.max(error / np.maximum(table["F"], table["K"])))
    worth = table["price"] > 1e-9 * table["F"]
    relative = float(np.max(error[worth] / table["price"][worth]))
    return [
        rows.most(f"exact.{name}_price_scaled", scaled, "of max(F, K)", 5e-16),
        rows.most(f"exact.{name}_price_relative", relative, "where it is above 1e-9 F", 1e-13),
        rows.most(f"exact.{name}_greeks", worst, "of max(5e-13, 4 d1 d1 eps)", 1.0),
    ]


def _relative(mine: Array, true: Array, allowed: Array) -> float:
    alive = np.abs(true) > ALIVE
    return float(np.max(np.abs(mine[alive] / true[alive] - 1.0) / allowed[alive]))


def _implied(name: str) -> list[Row]:
    table, kinds = columns("implied.csv"), words("implied.csv", "expect")
    found = implied.volatility(*_arguments(table, "is_call", "price", "F", "K", "T"))
    solved = np.array([kind == "value" for kind in kinds])
    allowed = np.maximum(2e-14, 4.0 * table["cond_price"] * EPS)[solved]
    error = np.abs(found.vol[solved] / table["iv"][solved] - 1.0)
    wrong = sum(
        int(status) != STATUS[kind] for status, kind in zip(found.status, kinds, strict=True)
    )
    worst = float(np.max(error / allowed))
    return [
        rows.most(f"exact.{name}_implied", worst, "of max(2e-14, 4 cond eps)", 1.0),
        rows.most(f"exact.{name}_statuses", wrong, f"wrong of {len(kinds)}", 0),
    ]


def _peers() -> list[Row]:
    """Return relative price errors of peers, undiscounted, where the price is above 1e-9 F."""
    table = columns("greeks.csv")
    kept = (table["r"] == 0.0) & (table["price"] > 1e-9 * table["F"])
    phi = np.where(table["is_call"] > 0.0, 1.0, -1.0)
    book = np.stack([phi, table["F"], table["K"], table["T"], table["sigma"], np.ones_like(phi)])[
        :, kept
    ]
    true = table["price"][kept]
    told = []
    for peer in peers()[0]:
        error = float(np.max(np.abs(peer.prices(book) / true - 1.0)))
        told.append(rows.plain(f"exact.{peer.name}_price_relative", error, "on the same rows"))
    return told
