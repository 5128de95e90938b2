"""`config init`, `show` and `check`: settings that teach, that say who won, and that are judged.

Warnings are for what is valid and probably not meant, such as a book without positions.
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from bot.cli import say
from bot.cli.exits import Exit, VerbError, complain
from bot.cli.options import AsJson, ConfigFiles, Sets, load

if TYPE_CHECKING:
    from config import Loaded, Settings
    from config.schema.underlying import Underlying

_TO_STDOUT: Final = Path("-")


def init(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Where to; - is standard output.")
    ] = Path("deltaband.toml"),
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    as_json: AsJson = False,
) -> int:
    """Write a file of settings that explains every key and loads as it is."""
    from config.teach import taught

    text = taught()
    if file == _TO_STDOUT:
        say.line(text.removesuffix("\n"))
        return Exit.FINE
    _write(file, text, force)
    if as_json:
        say.json({"file": str(file.absolute())})
    else:
        say.line(f"wrote {file}; try it: deltaband paper -c {file}")
    return Exit.FINE


def show(
    origin: Annotated[
        bool, typer.Option("--origin", help="Name the layer that set each value, and its bounds.")
    ] = False,
    config: ConfigFiles = None,
    sets: Sets = None,
    as_json: AsJson = False,
) -> int:
    """Show the settings as they stand after all layers."""
    loaded = load(config, sets)
    from config.teach import rows

    if as_json and not origin:
        say.json(loaded.settings.model_dump(mode="json"))
        return Exit.FINE
    listed = rows(loaded)
    if as_json:
        names = ("key", "value", "origin", "unit", "bounds", "description")
        say.json({"rows": [{name: getattr(row, name) for name in names} for row in listed]})
    elif origin:
        columns = ("key", "value", "unit", "from", "bounds")
        say.table(columns, [(r.key, r.value, r.unit, r.origin, r.bounds) for r in listed])
    else:
        say.table(("key", "value", "unit"), [(r.key, r.value, r.unit) for r in listed])
    return Exit.FINE


def check(
    config: ConfigFiles = None,
    sets: Sets = None,
    as_json: AsJson = False,
) -> int:
    """Judge the settings: ok, or every problem with where it stands. Warns of what looks odd."""
    from config import ConfigError

    problems: list[str] = []
    warnings: list[str] = []
    try:
        loaded = load(config, sets)
        warnings += [*warned(loaded), *_untellable(loaded.settings)]
        refuse_unlisted(loaded.settings)
    except ConfigError as fault:
        problems += map(str, fault.problems)
    if as_json:
        say.json({"ok": not problems, "problems": problems, "warnings": warnings})
    else:
        for problem in problems:
            complain(problem)
        for warning in warnings:
            say.note(f"warning: {warning}")
        if not problems:
            say.line("ok")
    return Exit.USAGE if problems else Exit.FINE


def _untellable(settings: "Settings") -> Iterator[str]:
    """Say who could not be told; only where there are addresses, what knows of them is imported."""
    from bot.wiring.told_secrets import addresses, untellable
    from config import ConfigError

    yield from untellable(settings, os.environ)
    try:
        there = bool(settings.alerts.urls or addresses(settings))
    except ConfigError:  # told already
        return
    if not there:
        return
    from bot.wiring.monitoring import alert_channels

    try:
        for channel in alert_channels(settings):
            channel.close()
    except ConfigError as fault:
        yield from (f"{problem}: what needs it does not start" for problem in fault.problems)


def refuse_unlisted(settings: "Settings") -> None:
    """Raise ConfigError for what the synthetic market of these settings cannot list or keep.

    That is a position which it never lists, a part of a lot, a band narrower than one.
    """
    from bot.domain import deribit
    from bot.wiring import owned
    from bot.wiring.lots import refuse_broken_lots, refuse_narrow

    # Other coins have no market in this release; a run says so before it looks at positions.
    if settings.market == "synthetic" and set(settings.underlying) <= set(deribit.COINS):
        owned(settings)
        refuse_narrow(settings)
        refuse_broken_lots(settings)


def warned(loaded: "Loaded") -> list[str]:
    """Say what is valid and probably not meant, one line each."""
    from bot.wiring.names import strange_names

    settings = loaded.settings
    found = list(_missing_files(settings))
    coins = [row.coin for row in settings.paper.position]
    if settings.mode == "paper" and not coins:
        found.append("paper.position: expected a book to hedge, found no position")
    for coin, one in settings.underlying.items():
        if coins and coin not in coins:
            found.append(f"underlying.{coin}: expected positions in {coin}, found none")
        asked = loaded.origin[f"underlying.{coin}.gamma.action"].layer != "default"
        if asked and one.gamma.action != "off" and not _keeps_a_limit(settings, one):
            expected = f"gamma: expected a limit for action {one.gamma.action} to keep, found none"
            found.append(f"underlying.{coin}.{expected}")
        found += (f"underlying.{coin}.{text}" for text in _odd(settings, coin, one))
    found += (
        f"paper.collateral.{coin}: expected a table [underlying.{coin}], found none"
        for coin in settings.paper.collateral
        if coin not in settings.underlying
    )
    found += strange_names(settings)
    return found


def _missing_files(settings: "Settings") -> Iterator[str]:
    if settings.replay is not None and not settings.replay.is_dir():
        yield f"market: expected a folder, found none at {settings.replay}"
    perpetual = settings.sim.perpetual
    if perpetual is not None and not perpetual.is_file():
        yield f"sim.perpetual: expected a file, found none at {perpetual}"


def _keeps_a_limit(settings: "Settings", one: "Underlying") -> bool:
    """Tell whether option plans have anything to keep: a limit on gamma, vega or a shock."""
    bands = (one.gamma.lower, one.gamma.upper, one.gamma.expiring.lower, one.gamma.expiring.upper)
    shocks = (one.shock.delta_2pct_coin, one.shock.loss_5pct_usd, one.shock.loss_10pct_usd)
    vegas = (one.vega.under_7d, one.vega.from_7d, one.vega.from_30d, one.vega.from_90d)
    limits = (*bands, *shocks, *vegas, settings.limits.shock_loss_usd)
    return any(limit is not None for limit in limits)


def _odd(settings: "Settings", coin: str, one: "Underlying") -> Iterator[str]:
    """Find what one underlying's owner may have overlooked."""
    held = [row for row in settings.paper.position if row.coin == coin]
    counted = [
        row
        for row in held
        if row.instrument not in one.scope.exclude
        and (not one.scope.tags or row.tag in one.scope.tags)
        and (not one.scope.accounts or row.account in one.scope.accounts)
    ]
    if held and not counted:
        yield f"scope: expected it to leave a position, found all {len(held)} outside it"


def _write(file: Path, text: str, force: bool) -> None:
    """Write a whole file or none; an existing one stays unless `force`."""
    if not force:
        try:
            with file.open("x", encoding="utf-8") as new:
                new.write(text)
        except FileExistsError:
            found = f"expected no file at {file}, found one (--force replaces it)"
            raise VerbError(found) from None
        return
    if file.is_dir():
        raise VerbError(f"expected a file at {file}, found a folder")
    handle, name = tempfile.mkstemp(dir=file.absolute().parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as new:
            new.write(text)
        Path(name).chmod(file.stat().st_mode & 0o777 if file.exists() else 0o644)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
