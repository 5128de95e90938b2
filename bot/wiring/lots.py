"""What whole lots cannot do: hold a part of one, or keep a band that is narrower than one.

An order of one lot moves delta by a lot. Where a side of the band is narrower than that, an order
from just outside it lands beyond the target, and the next one brings it back.
"""

from __future__ import annotations

from collections.abc import Iterator

from bot.domain import deribit
from bot.domain.instruments import Instrument
from bot.sim.market import params
from config.errors import ConfigError, Origin, Problem
from config.schema import Settings

THIS_RUN = Origin("this run")


def held(settings: Settings) -> tuple[Instrument, ...]:
    """Return the instruments of the paper book, in its order."""
    return tuple(deribit.parse(row.instrument) for row in settings.paper.position)


def refuse_broken_lots(settings: Settings) -> None:
    """Raise ConfigError for positions of the paper book that no account can hold.

    `settings` are unscaled: `paper.scale` asks what a book of another size would do.
    """
    problems = tuple(
        Problem(
            f"paper.position[{index}].quantity",
            f"whole lots of {one.lot} {one.unit} ({one.name})",
            str(row.quantity),
            THIS_RUN,
        )
        for index, (row, one) in enumerate(
            zip(settings.paper.position, held(settings), strict=True)
        )
        if row.quantity % one.lot
    )
    if problems:
        raise ConfigError(problems)


def refuse_narrow(settings: Settings) -> None:
    """Raise ConfigError for bands that no lot of the synthetic market can keep, with what would do.

    `settings` are unscaled. Where the price is not known before a run, the run widens such a band
    to a lot and says so (`DeltaPolicy.kept`).
    """
    problems = tuple(
        problem
        for coin in settings.underlying
        if coin in deribit.COINS
        for problem in _narrow(settings.scaled(), coin)
    )
    if problems:
        raise ConfigError(problems)


def _narrow(settings: Settings, coin: str) -> Iterator[Problem]:
    """Hold a coin's band against a lot of its perpetual: dated futures have the same lot there."""
    delta = settings.underlying[coin].delta
    one, index = deribit.parse(f"{coin}-PERPETUAL"), params.COINS[coin].start_usd
    size = max(one.lot, one.min_quantity)
    lot = float(size) / index
    lots = f"one lot of {one.name}, {size} USD at {index:,.0f}"
    whole = f"{lots}: whole lots cannot keep less"
    key = f"underlying.{coin}.delta"
    for side, level in (("upper", delta.upper), ("lower", delta.lower)):
        if abs(level - delta.target) < lot:
            expected = f"a level at least {lot:.2g} coin from the target {delta.target} ({whole})"
            yield Problem(f"{key}.{side}", expected, str(level), THIS_RUN)
    width = delta.policy.width_coin
    if width is not None and width < lot:
        expected = f"at least {lot:.2g} coin ({whole})"
        yield Problem(f"{key}.policy.width_coin", expected, str(width), THIS_RUN)
