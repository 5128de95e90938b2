"""Names in a scope that nothing bears, each with the nearest that something does.

A misspelt one leaves a position counted that should not be, or the other way round, and with it the
sign of a hedge. Excluded may be what is not listed yet or no more, so they are told, not refused.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from difflib import get_close_matches

from bot.domain import deribit
from bot.domain.positions import HEDGE_TAG, OWNER_TAG
from bot.sim.market import EPOCH_NS, params
from bot.sim.market.listing import refreshed
from bot.wiring.lots import held
from config.schema import Settings

ALIKE = 0.5


def strange_names(settings: Settings) -> Iterator[str]:
    """Say all that settings alone tell, one line each: excluded names on the synthetic market."""
    yield from strange_scopes(settings)
    if settings.mode != "paper" or settings.market != "synthetic":
        return
    for coin, one in settings.underlying.items():
        if coin in deribit.COINS and one.scope.exclude:
            board = refreshed(coin, None, EPOCH_NS, params.COINS[coin].start_usd, held(settings))
            yield from strange_excluded(settings, coin, {i.name for i in board.instruments})


def strange_scopes(settings: Settings) -> Iterator[str]:
    """Say which tags and accounts no position of the book can have, one line each.

    An exchange knows no tags; its accounts are in the settings, which refuse others.
    """
    for coin, one in settings.underlying.items():
        rows = [row for row in settings.paper.position if row.coin == coin]
        real = settings.mode != "paper"
        tags = {HEDGE_TAG, *({OWNER_TAG} if real else (row.tag for row in rows))}
        key = f"underlying.{coin}.scope"
        if rows or real:
            yield from _unknown(f"{key}.tags", "a tag of a position", one.scope.tags, tags)
        if rows:
            accounts = {row.account for row in rows}
            expected = "an account of a position"
            yield from _unknown(f"{key}.accounts", expected, one.scope.accounts, accounts)


def strange_excluded(settings: Settings, coin: str, listed: Collection[str]) -> Iterator[str]:
    """Say which instruments are excluded that are neither listed nor in the paper book."""
    names = {*listed, *(row.instrument for row in settings.paper.position if row.coin == coin)}
    excluded = settings.underlying[coin].scope.exclude
    expected = "an instrument that is listed or held"
    yield from _unknown(f"underlying.{coin}.scope.exclude", expected, excluded, names)


def _unknown(
    key: str, expected: str, given: Collection[str], known: Collection[str]
) -> Iterator[str]:
    for name in given:
        if name not in known:
            near = get_close_matches(name, sorted(known), n=1, cutoff=ALIKE)
            hint = f" (the nearest is {near[0]})" if near else ""
            yield f'{key}: expected {expected}{hint}, found "{name}"'
