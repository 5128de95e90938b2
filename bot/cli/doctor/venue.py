"""The exchange of the settings: whether it answers, and whether it and the key fit the book.

Reads alone, each with a time-out; no order lane and no subscription is made. A run refuses what
fails here: another system than the one that is meant, a clock off by more than a second, a key with
other rights, a hedge that is not listed.
"""

import asyncio
import os
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from bot.cli.doctor.finding import Finding, Verdict, fail, graded, ok, warn

if TYPE_CHECKING:
    from bot.venues.deribit.probe import Probe
    from bot.venues.deribit.terms import DeribitSettings
    from config.schema import Settings

_ODD_CLOCK_S: Final = 0.25
_MARGIN: Final = {
    "segregated_sm": "segregated standard margin",
    "segregated_pm": "segregated portfolio margin",
    "cross_sm": "cross standard margin",
    "cross_pm": "cross portfolio margin",
}


def needed(settings: "Settings") -> bool:
    """Tell whether a run with these settings talks to an exchange."""
    return settings.mode != "paper" or settings.market == "venue"


def venue(settings: "Settings") -> Iterator[Finding]:
    """Look at the exchange of the settings and say what was found."""
    from bot.venues.deribit.feeds import FeedRules
    from bot.venues.deribit.probe import probe
    from bot.venues.deribit.terms import DeribitSettings
    from bot.wiring.live import TESTNET, addresses, key_for
    from config import ConfigError

    _, table = settings.exchange()
    # Public prices on paper are the real system's.
    rest_url, ws_url = addresses("live" if settings.mode == "paper" else settings.mode, table)
    key = None
    if settings.mode != "paper":
        try:
            key = key_for(settings, os.environ)
        except ConfigError as fault:
            yield from (fail("key", str(one), "a key for this mode") for one in fault.problems)
    terms = DeribitSettings(
        feed=FeedRules(coins=tuple(settings.underlying)),
        currencies=(*settings.underlying, "USDC"),
        rest_url=rest_url,
        ws_url=ws_url,
        account=table.account,
        testnet=TESTNET[settings.mode],
        options={} if table.ca_file is None else {"cafile": str(table.ca_file)},
    )
    found = asyncio.run(probe(terms, key, time.time_ns, arms=True))
    if "reach" in found.faults:
        yield fail("venue", found.faults["reach"], f"{rest_url} and {ws_url} to answer")
        return
    yield ok("venue", f"{rest_url} answers, {2e3 * found.error_s:.1f} ms there and back")
    known = _environment(terms.testnet, found)
    yield known
    yield _clock(found)
    yield from _hedges(settings, found)
    if known.verdict is Verdict.FAIL:
        return
    if key is not None:
        yield from _key(rest_url, found, table.margin_model)
        yield from _watchdog(settings, terms, found)
    for account in table.also:
        yield from _also(settings, terms, account)


def _environment(meant: bool | None, found: "Probe") -> Finding:
    """Say which of the exchange's systems answered, by its own word."""
    from bot.venues.deribit.environment import system

    said = found.testnet
    what = "neither named by its replies" if said is None else f"the exchange's {system(said)}"
    if meant is None or meant is said:
        return ok("environment", what)
    return fail("environment", what, f"the exchange's {system(meant)}; no key was shown to it")


def _clock(found: "Probe") -> Finding:
    from bot.venues.deribit.terms import CLOCK_LIMIT_S, clock_is_off

    ahead_s, error_s = found.ahead_s, found.error_s
    return graded(
        "venue clock",
        f"{ahead_s:+.3f} s ahead of ours, ± {error_s:.3f} s",
        f"within {_ODD_CLOCK_S:g} s; beyond {CLOCK_LIMIT_S:g} s a run is refused",
        bad=clock_is_off(ahead_s, error_s),
        odd=clock_is_off(ahead_s, error_s, _ODD_CLOCK_S),
    )


def _hedges(settings: "Settings", found: "Probe") -> Iterator[Finding]:
    """Say for each underlying whether options and what hedges them are listed."""
    if "instruments" in found.faults:
        yield fail("instruments", found.faults["instruments"], "a list of instruments")
        return
    listed = [contract.instrument for contract in found.contracts.values()]
    for coin, one in settings.underlying.items():
        kinds = [str(instrument.kind) for instrument in listed if instrument.coin == coin]
        missing = [kind for kind in one.hedge_with if kind not in kinds]
        # A later choice is only made where the first is not there to be had.
        yield graded(
            "instruments",
            f"{coin}: {kinds.count('option')} options; "
            + ", ".join(f"{kinds.count(kind)} {kind}" for kind in one.hedge_with),
            f"options of {coin} and each kind that hedge_with names",
            bad=not kinds.count("option") or len(missing) == len(one.hedge_with),
            odd=bool(missing),
        )


def _key(rest_url: str, found: "Probe", wanted: str | None) -> Iterator[Finding]:
    """Say what the key may do, and what the account is."""
    from bot.venues.deribit.grants import ONE_SYSTEM, Fit, expected, judge, told

    if "key" in found.faults:
        known = f"a key that is known here ({ONE_SYSTEM} {rest_url})"
        expected_ = known if found.refused else "an answer to the authentication"
        yield fail("key", found.faults["key"], expected_)
        return
    rights = found.rights or frozenset()
    fit, words = judge(rights, orders=True)
    if fit is Fit.FITTING:
        yield ok("key", f"may {', '.join(sorted(rights))}")
    else:
        sentence = expected(fit, orders=True).removeprefix("expected ")
        if judge(rights, orders=False)[0] is Fit.FITTING:
            yield warn("key", f"{told(fit, words)}: enough to look on, not to run", sentence)
        else:
            yield fail("key", told(fit, words), sentence)
    if "account" in found.faults:
        yield fail("account", found.faults["account"], "a summary of the account")
        return
    yield _dead_man(found)
    yield _tier(found)
    yield from _margin(found, wanted)


def _watchdog(settings: "Settings", terms: "DeribitSettings", bots: "Probe") -> Iterator[Finding]:
    """Say whether the watchdog's key can cancel what the bot's key sends."""
    from bot.venues.deribit.grants import Fit, expected, judge, told
    from bot.venues.deribit.probe import probe
    from bot.wiring.live import stopping_key
    from config import ConfigError

    check, wanted = "watchdog key", "one of the account that the bot trades in"
    try:
        key, own = stopping_key(settings, os.environ)
    except ConfigError as fault:
        yield from (fail(check, str(one), "a key and a secret") for one in fault.problems)
        return
    if not own:
        yield ok(check, "that of the bot")
        return
    found = asyncio.run(probe(terms, key, time.time_ns, listed=False))
    faults = [found.faults[step] for step in ("reach", "key", "account") if step in found.faults]
    fit, words = judge(found.rights or frozenset(), orders=True)
    if faults:
        yield fail(check, faults[0], wanted)
    elif fit is not Fit.FITTING:
        yield fail(check, told(fit, words), expected(fit, orders=True).removeprefix("expected "))
    elif found.account_id != bots.account_id:
        yield fail(check, f"one of account {found.account_id}", f"{wanted} ({bots.account_id})")
    else:
        yield ok(check, "one of its own, of the same account")


def _also(settings: "Settings", terms: "DeribitSettings", account: str) -> Iterator[Finding]:
    """Look at the key of an account that is only read."""
    from bot.venues.deribit.grants import Fit, expected, judge, told
    from bot.venues.deribit.probe import probe
    from bot.wiring.live import key_for
    from config import ConfigError

    check = f"key {account}"
    try:
        key = key_for(settings, os.environ, account)
    except ConfigError as fault:
        yield from (fail(check, str(one), "a key that reads") for one in fault.problems)
        return
    found = asyncio.run(probe(terms, key, time.time_ns, listed=False))
    faults = [found.faults[step] for step in ("reach", "key", "account") if step in found.faults]
    if faults:
        yield fail(check, faults[0], "a key that is known here, and an answer of its account")
        return
    fit, words = judge(found.rights or frozenset(), orders=False)
    if fit is Fit.FITTING:
        yield ok(check, f"may {', '.join(sorted(found.rights or ()))}; only read from")
    else:
        wanted = expected(fit, orders=False).removeprefix("expected ")
        yield fail(check, told(fit, words), wanted)


def _dead_man(found: "Probe") -> Finding:
    """Say whether the exchange cancels a bot's orders when it is gone or silent."""
    from bot.venues.deribit.deadman import HEARTBEAT_S

    expected = "the exchange to cancel a connection's orders when it is lost; no order is sent else"
    if "dead-man switch" in found.faults:
        return fail("dead-man switch", found.faults["dead-man switch"], expected)
    if not found.armed:
        return fail("dead-man switch", "not armed", expected)
    within = f"when a connection is lost, or silent for {2 * HEARTBEAT_S} s"
    return ok("dead-man switch", f"cancels {within}")


def _tier(found: "Probe") -> Finding:
    tiers = (("orders", found.orders), ("everything else", found.others))
    told = "; ".join(
        f"{what} {tier.rate:g} a second, {tier.burst:g} at once"
        for what, tier in tiers
        if tier is not None
    )
    if found.limits_told:
        return ok("rate tier", told)
    return warn("rate tier", f"none told, taken: {told}", "limits in the account's summary")


def _margin(found: "Probe", wanted: str | None) -> Iterator[Finding]:
    """Say the margin mode of the currencies that share one; `wanted` is the owner's, if any."""
    by_model: dict[str, list[str]] = {}
    for currency, model in found.margin.items():
        by_model.setdefault(model, []).append(currency)
    if not by_model:
        yield fail("margin mode", "no currency", "a summary for each currency")
    for model, currencies in by_model.items():
        yield graded(
            "margin mode",
            f"{', '.join(currencies)}: {_MARGIN.get(model, model or 'not told')}",
            f"{_MARGIN[wanted]}, as margin_model says"
            if wanted is not None
            else "segregated margin: a bot looks at the margin of each currency by itself",
            bad=model not in {"", *_MARGIN} or (bool(model) and wanted not in {None, model}),
            odd=not model.startswith("segregated_"),
        )
