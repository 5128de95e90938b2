"""The command itself: which verbs there are, and the one way in and out.

Owns the list of verbs and `main`, which turns every ending into an exit code. The parser is built
anew for each call, so that help is drawn for a terminal on a terminal and as plain text elsewhere.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Final, Literal

import typer

from bot.cli import (
    audit,
    cancelling,
    control,
    dashboard,
    doctor,
    exchange,
    flattening,
    monitor,
    planning,
    reading,
    record,
    report,
    say,
    settings,
    trading,
    venues,
    watchdog,
)
from bot.cli.exits import Exit, explain

Verb = Callable[..., int]

_PANELS: Final[dict[str, dict[str, Verb]]] = {
    "Trade": {
        "paper": trading.paper,
        "shadow": trading.shadow,
        "run": trading.run,
        "watchdog": watchdog.watchdog,
        "monitor": monitor.monitor,
        "record": record.record,
        "exchange": exchange.exchange,
    },
    "Look": {
        "plan": planning.plan,
        "status": reading.status,
        "positions": reading.positions,
        "greeks": reading.greeks,
        "report": report.report,
        "dashboard": dashboard.dashboard,
    },
    "Steer": {
        "pause": control.pause,
        "resume": control.resume,
        "halt": control.halt,
        "cancel-all": cancelling.cancel_all,
        "off": control.off,
        "on": control.on,
        "snooze": control.snooze,
        "hold": control.hold,
        "hedge": control.hedge,
        "target": control.target,
        "flatten": flattening.flatten,
    },
    "Set up": {"doctor": doctor.doctor, "venues": venues.venues},
}
_NUMBERED: Final = frozenset({"target"})
_CONFIG: Final[dict[str, Verb]] = {
    "init": settings.init,
    "show": settings.show,
    "check": settings.check,
}

_JOURNAL: Final[dict[str, Verb]] = {"verify": audit.verify, "backup": audit.backup}


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the command line asks and return the exit code; no exception leaves here."""
    say.prepare_streams()
    code = _done(argv)
    try:
        say.flush()
    except say.OutputError as fault:
        lost = explain(fault)
        return code or lost
    return code


def _done(argv: Sequence[str] | None) -> int:
    try:
        done = build(rich=say.for_people())(
            args=None if argv is None else list(argv), prog_name="deltaband", standalone_mode=False
        )
    except SystemExit as left:
        # The parser ends the process where whoever read its help has left: no failure of ours.
        gone = isinstance(left.__context__, BrokenPipeError)
        return explain(say.ReaderGoneError()) if gone else int(left.code or Exit.FINE)
    except (Exception, KeyboardInterrupt) as fault:  # noqa: BLE001  explained, every one
        return explain(fault)
    return int(done or Exit.FINE)


def build(*, rich: bool) -> typer.Typer:
    """Put the parser together; `rich` draws its help with boxes and colours."""
    markup: Literal["rich"] | None = "rich" if rich else None
    app = typer.Typer(
        rich_markup_mode=markup,
        context_settings={"help_option_names": ["-h", "--help"]},
        pretty_exceptions_enable=False,
    )
    app.callback(invoke_without_command=True)(_deltaband)
    for panel, verbs in _PANELS.items():
        for name, verb in verbs.items():
            # A negative number is an argument, not an option.
            negative = {"ignore_unknown_options": True} if name in _NUMBERED else None
            app.command(name, rich_help_panel=panel, context_settings=negative)(verb)
    config = typer.Typer(rich_markup_mode=markup, help="Write, show or check the settings.")
    config.callback(invoke_without_command=True)(_config)
    for name, verb in _CONFIG.items():
        config.command(name)(verb)
    app.add_typer(config, name="config", rich_help_panel="Set up")
    journal = typer.Typer(rich_markup_mode=markup, help="Verify the journal, or copy it.")
    journal.callback(invoke_without_command=True)(_journal)
    for name, verb in _JOURNAL.items():
        journal.command(name)(verb)
    app.add_typer(journal, name="journal", rich_help_panel="Look")
    return app


def _deltaband(
    ctx: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
) -> None:
    """Keep a book of crypto options inside its delta and gamma bands.

    Exit codes: 0 fine, 1 error, 2 usage or settings, 3 venue unreachable, 4 halted by a risk rule,
    5 doctor found problems or a plan leaves delta outside its band, 130 interrupted.
    """
    if version:
        from importlib import metadata

        try:
            typer.echo(f"deltaband {metadata.version('deltaband')}")
        except metadata.PackageNotFoundError:
            typer.echo("deltaband, not installed as a package")
        raise typer.Exit(Exit.FINE)
    _needs_a_verb(ctx)


def _config(ctx: typer.Context) -> None:
    """Write, show or check the settings."""
    _needs_a_verb(ctx)


def _journal(ctx: typer.Context) -> None:
    """Verify the journal, or copy it."""
    _needs_a_verb(ctx)


def _needs_a_verb(ctx: typer.Context) -> None:
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())
        raise typer.Exit(Exit.USAGE)
