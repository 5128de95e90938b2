"""`plan`: what the bot would do now, why, and what each figure would be afterwards.

A bot's own plan is read from its journal. Where there is none, the book of the settings is put into
an exchange in memory and planned for there. Nothing is ever sent.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from bot.cli import say
from bot.cli.exits import Exit, VerbError
from bot.cli.options import AsJson, ConfigFiles, Instance, Seed, Sets, load, named_instance
from bot.cli.settings import warned

if TYPE_CHECKING:
    import config as settings
    from bot.journal import Reader

_OTHER_SETTINGS: Final = (
    "warning: this is the bot's own plan, on the settings that it was started with, which are "
    "others than those given here; --fresh plans for these"
)
_HEDGING: Final = ("underlying", "limits", "paper")
_JOURNAL: Final = "journal"
_SETTINGS: Final = "settings"

Fresh = Annotated[
    bool, typer.Option("--fresh", help="Plan for the book of the settings, whatever has run.")
]


def plan(
    instance: Instance = None,
    config: ConfigFiles = None,
    sets: Sets = None,
    fresh: Fresh = False,
    seed: Seed = None,
    as_json: AsJson = False,
) -> int:
    """Show what would be done now, why, and each figure afterwards. Sends nothing.

    Exit code 5: delta stays outside the owner's band all the same.
    """
    loaded = load(config, sets)
    for text in warned(loaded):
        say.note(f"warning: {text}")
    found = None
    if not fresh:
        meant, given = named_instance(loaded, instance), bool(config or sets)
        found = _journalled(loaded, meant, given=given)
    plans = _imagined(loaded, seed) if found is None else found
    if as_json:
        say.json(plans)
    else:
        for place, (coin, one) in enumerate(plans.items()):
            if place:
                say.line()
            _show(coin, one)
    return Exit.UNWELL if any(one.get("outside") for one in plans.values()) else Exit.FINE


def _journalled(
    loaded: "settings.Loaded", instance: str | None, *, given: bool
) -> dict[str, Any] | None:
    """Return the newest run's plans; None where no run has left any."""
    from bot.journal import Reader, instances

    folder = loaded.settings.state_dir
    if instance is None and not instances(folder):
        return None
    if instance is not None and not _has_journal(folder, instance):
        return None
    reader = Reader.open(folder, instance)
    try:
        found = _view(reader)
        if found is not None and given and not _same(loaded, reader.run()["settings"]):
            say.note(_OTHER_SETTINGS)
    finally:
        reader.close()
    return found


def _same(loaded: "settings.Loaded", started_with: Mapping[str, Any]) -> bool:
    """Tell whether a run was started with these settings of what to hedge, and how."""
    from bot.journal.rows import from_json, to_json

    given = from_json(to_json(loaded.settings.model_dump(mode="json")))
    return all(given[part] == started_with.get(part) for part in _HEDGING)


def _has_journal(folder: Path, instance: str) -> bool:
    from bot.journal import instances

    return instance in instances(folder)


def _view(reader: "Reader") -> dict[str, Any] | None:
    body = reader.view("plan")
    if not body:
        if reader.running():
            raise VerbError("expected a plan of the running bot, found none yet: it is starting")
        return None
    status = reader.status()
    about = {"source": _JOURNAL, "stale": status["stale"], "ts_ns": status["ts_ns"]}
    return {coin: one | about for coin, one in body.items()}


def _imagined(loaded: "settings.Loaded", seed: int | None) -> dict[str, Any]:
    from bot.wiring import plan_once

    found = plan_once(loaded.settings, seed)
    about = {"source": _SETTINGS, "demo": loaded.demo, "stale": False}
    return {coin: dict(one) | about for coin, one in found.items()}


def _show(coin: str, one: Mapping[str, Any]) -> None:
    book = "the demo's book, as no settings name one" if one.get("demo") else "the settings"
    whose = "of the bot" if one["source"] == _JOURNAL else f"of {book}, on a market in memory"
    stale = " · STALE (no bot is running)" if one["stale"] else ""
    state = f" · {one['state']}" if "state" in one else ""
    say.line(f"{coin}: the plan {whose}{state}{stale}")
    _figures(one["before"], one["after"])
    say.line()
    say.table(("band", "value"), [(say.header(n), v) for n, v in one["band_inputs"].items()])
    left = one.get("residual")
    _part("what is left of a day, and what it costs", [left] if left else (), "")
    account = one.get("gamma_account")
    if account is not None and account["seconds"]:
        _part("gamma against theta since 08:00 UTC", [_without(account, "since_ns")], "")
    for note in one.get("notes", ()):
        say.line(f"note: {say.because(note)}")
    _part("what less risk would cost", one.get("frontier", ()), "")
    _part("what other policies would do", one.get("policies", ()), "")
    _part(
        "hedge instruments, usd per coin of the way to the target", one.get("instruments", ()), ""
    )
    _part("basis by expiry", one.get("basis", ()), "")
    _part("trades", one["trades"], "trades: none")
    _part("proposed (gamma.action propose: not sent)", one.get("proposed", ()), "")
    _part("candidates", one["candidates"], "")
    _part("parked: traded by hand, not hedged before its time", one.get("parked", ()), "")
    say.line()
    say.line(f"cost: {say.number(float(one['cost_usd']))} usd")
    if one.get("outside"):
        say.line("delta stays outside the owner's band")
    if one.get("shadow"):
        say.line(say.shadow(one["shadow"]))
    for reason in one["reasons"]:
        say.line(f"because: {say.because(reason)}")
    for reason in one.get("refused", ()):
        say.line(f"not sent: {say.because(reason)}")


def _figures(before: Mapping[str, float], after: Mapping[str, float]) -> None:
    rows = [
        (say.header(name), value, after.get(name), _change(value, after.get(name)))
        for name, value in before.items()
    ]
    say.table(("figure", "before", "after", "change"), rows)


def _part(title: str, rows: Sequence[Mapping[str, object]], otherwise: str) -> None:
    if rows:
        say.line()
        say.records(rows, title)
    elif otherwise:
        say.line()
        say.line(otherwise)


def _without(row: Mapping[str, object], name: str) -> Mapping[str, object]:
    return {key: value for key, value in row.items() if key != name}


def _change(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before
