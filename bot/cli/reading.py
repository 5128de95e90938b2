"""What the bot knows: `status`, `positions` and `greeks`, read from its journal.

Readers never reach the bot itself and never stand in its way. What they show is marked stale when
its bot is not running.
"""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from bot.cli import say
from bot.cli.exits import Exit
from bot.cli.options import AsJson, ConfigFiles, Instance, Sets, journal

if TYPE_CHECKING:
    from bot.journal import Reader

Watch = Annotated[
    bool, typer.Option("--watch", "-w", help="Keep looking, at a glance, until Ctrl-C.")
]
Healthy = Annotated[
    bool,
    typer.Option(
        "--healthy",
        help="Say only whether it is well, by exit code 0 or 1: its loop decides, and its prices"
        " and positions are fresh.",
    ),
]
_FIGURES: Final = (
    *("state", "numeraire", "index", "delta_coin", "lower", "target", "upper"),
    *("gamma_coin_per_pct", "vega_usd", "theta_usd_day", "equity_usd", "unknown_orders"),
)


def status(
    watch: Watch = False,
    instance: Instance = None,
    config: ConfigFiles = None,
    sets: Sets = None,
    as_json: AsJson = False,
    healthy: Healthy = False,
) -> int:
    """Show how the bot stands: state, delta and gamma against their bands, shocks, doubts."""
    if watch and not healthy:
        from bot.cli import watching

        return watching.watch((config, sets, instance), as_json=as_json)
    with journal(config, sets, instance) as reader:
        if healthy:
            return _healthy(reader, as_json)
        found = stands(reader)
        if as_json:
            say.json(found)
            return Exit.FINE
        _status(reader, found)
    return Exit.FINE


def positions(
    instance: Instance = None,
    config: ConfigFiles = None,
    sets: Sets = None,
    as_json: AsJson = False,
) -> int:
    """Show what the book holds, each position in its instrument's own unit."""
    return _rows("positions", instance, config, sets, as_json)


def greeks(
    instance: Instance = None,
    config: ConfigFiles = None,
    sets: Sets = None,
    as_json: AsJson = False,
) -> int:
    """Show the Greeks of each position, in the book's numeraire."""
    return _rows("greeks", instance, config, sets, as_json)


def _healthy(reader: "Reader", as_json: bool) -> int:
    """Say whether a bot is well, and what is not."""
    import time
    from dataclasses import asdict

    from bot.monitor.health import health
    from bot.monitor.newsroom import sight_of

    found = health(sight_of(reader), time.time_ns())
    if as_json:
        say.json(asdict(found))
    else:
        for problem in found.problems:
            say.line(_unwell(asdict(problem)))
        for text in found.said:
            say.line(text)
        say.line("well" if found.healthy else "not well")
    return Exit.FINE if found.healthy else Exit.ERROR


def _unwell(problem: Mapping[str, Any]) -> str:
    """Say in one line what is not well."""
    what = " ".join(filter(None, (problem["coin"], str(problem["what"]).replace("_", " "))))
    age_s, limit_s, since = problem["age_s"], problem["limit_s"], problem["since"]
    old = None if age_s is None else f"{age_s:.1f} s old, expected at most {limit_s:g} s"
    told = (problem["found"], old, since and f"since {since}")
    return f"{what}: {', '.join(filter(None, told))}"


def headline(reader: "Reader", found: Mapping[str, Any]) -> str:
    """Say in one line whose figures these are, of when, and whether they are stale."""
    from bot.domain.units import iso
    from bot.monitor.wording import stood

    state = stood(found["state"], stale=found["stale"])
    parts = (found["instance"], found["mode"], found["market"], state)
    text = f"{' · '.join(map(str, parts))} · market time {iso(found['ts_ns'])}"
    return f"{text} · STALE ({why_stale(reader)})" if found["stale"] else text


def why_stale(reader: "Reader") -> str:
    """Say why what a reader shows is old."""
    outcome = reader.run()["outcome"]
    ended = f"the last run: {outcome}" if outcome else ""
    if not reader.running():
        return "; ".join(filter(None, ("no bot is running", ended)))
    if ended:
        return ended
    age = reader.heartbeat_age_s()
    old = "no heartbeat yet" if age is None else f"the last heartbeat is {age:.0f} s old"
    if reader.held():
        return f"another program holds the journal, no order can be sent; {old}"
    return old


def _monitored(reader: "Reader") -> bool | None:
    """Tell whether those are told whom the settings name; None where they name nobody."""
    from bot.monitor.wording import somebody

    return reader.monitored() if somebody(reader.run()["settings"]) else None


def stands(reader: "Reader") -> dict[str, Any]:
    """Return what `status --json` prints: how a bot stands, and whether a monitor follows it."""
    from bot.monitor.reach import unreached

    follows = _monitored(reader)
    silent = unreached(reader.path.parent) if follows else {}
    return reader.status() | {"monitor": follows, "unreached": silent}


def _status(reader: "Reader", found: Mapping[str, Any]) -> None:
    from bot.monitor import wording

    say.line(headline(reader, found))
    for text in wording.whole(found):
        say.line(text)
    coins, stale = found["underlyings"], found["stale"]
    if not coins:
        say.line("no figures yet")
        return
    shown = [_figures(one, stale=stale) for one in coins.values()]
    names = dict.fromkeys(name for figures in shown for name in figures)
    rows = [(name, *(figures.get(name) for figures in shown)) for name in names]
    say.table(("figure", *coins), rows)
    for coin, one in coins.items():
        if not one["measured"]:
            say.line(f"{coin}: not measured yet")
        for text in wording.of_coin(coin, one, stale=stale):
            say.line(f"{coin}: {text}")
        if one["shadow"]:
            say.line(f"{coin}: {say.shadow(one['shadow'])}")


def _figures(one: Mapping[str, Any], *, stale: bool) -> dict[str, object]:
    """Name all figures of one underlying as a person reads them, one below the other."""
    from bot.monitor.wording import stood

    plain = {say.header(name): one[name] for name in _FIGURES} | _margin(one["margin"])
    plain["state"] = stood(one["state"], stale=stale)
    shocks = {
        f"{'' if name.startswith('basis_') else 'shock: '}{say.header(name)}": value
        for name, value in one["shocks"].items()
    }
    tenors = one["vega_by_tenor_usd"].items()
    return plain | shocks | {f"vega usd, {say.header(name)}": value for name, value in tenors}


def _margin(found: Mapping[str, Any] | None) -> dict[str, object]:
    """Name what margin uses of its funds, and the moves that would liquidate."""
    if found is None:
        return {}
    funds = found["funds"]
    shares = {
        f"{name} margin used": _percent(found[f"{name}_margin"] / funds if funds else None, "")
        for name in ("initial", "maintenance")
    }
    moves = {f"liquidation {side}": _percent(found[side]) for side in ("down", "up")}
    return {"margin model": found["model"]} | shares | moves


def _percent(share: float | None, sign: str = "+") -> str | None:
    if share is None:
        return None
    return "at no price" if math.isinf(share) else f"{share * 100.0:{sign}.1f} %"


def _rows(
    name: str,
    instance: str | None,
    config: ConfigFiles,
    sets: Sets,
    as_json: bool,
) -> int:
    with journal(config, sets, instance) as reader:
        found = reader.status()
        rows = reader.positions() if name == "positions" else reader.greeks()
        if as_json:
            about = {key: found[key] for key in ("instance", "stale", "ts_ns")}
            say.json(about | {"rows": rows})
            return Exit.FINE
        say.line(headline(reader, found))
        if rows:
            say.records(rows)
        else:
            say.line("no positions")
    return Exit.FINE
