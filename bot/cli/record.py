"""`record`: the options of it, and what they must be.

No key is read: everything recorded is public. A signal ends it as a person would, with exit code 0.
"""

import signal
from pathlib import Path
from typing import Annotated, Final

import typer

from bot.cli.exits import Exit, VerbError
from bot.cli.options import AsJson, ConfigFiles, Sets, load, span_s
from bot.cli.stops import on_stop
from bot.cli.trading import For

COINS: Final = "BTC,ETH"
SHORTEST_S: Final = 1.0
LONGEST_S: Final = 3_600.0
LONGEST_PART_S: Final = 86_400.0
MEGABYTE: Final = 1_000_000


def _interval(text: str) -> float:
    seconds = span_s(text)
    if SHORTEST_S <= seconds <= LONGEST_S:
        return seconds
    raise typer.BadParameter(f"expected a time from 1s to 1h, found {text[:40]!r}")


def _part(text: str) -> float:
    seconds = span_s(text)
    if SHORTEST_S <= seconds <= LONGEST_PART_S:
        return seconds
    raise typer.BadParameter(f"expected a time from 1s to 1d, found {text[:40]!r}")


Folder = Annotated[
    Path, typer.Argument(metavar="FOLDER", help="Where to write; made where it is not there.")
]
Coins = Annotated[
    str | None,
    typer.Option(
        "--coins",
        metavar="BTC,ETH",
        help="What to record; without it the settings' coins, or BTC,ETH.",
    ),
]
Every = Annotated[
    float,
    typer.Option("--every", parser=_interval, metavar="TIME", help="Between two snapshots."),
]
PartLength = Annotated[
    float,
    typer.Option(
        "--part", parser=_part, metavar="TIME", help="Length of a file: what a kill may lose."
    ),
]
KeepFree = Annotated[
    int,
    typer.Option("--keep-free", metavar="MB", min=0, help="Stop when less is left on the disk."),
]


def record(  # noqa: PLR0917  typer passes options by name
    folder: Folder,
    coins: Coins = None,
    every: Every = "5s",  # type: ignore[assignment]  # the parser reads it
    part: PartLength = "10m",  # type: ignore[assignment]  # the parser reads it
    keep_free: KeepFree = 500,
    for_s: For = None,
    config: ConfigFiles = None,
    sets: Sets = None,
    as_json: AsJson = False,
) -> int:
    """Record the public market for replays: option chains, futures, what was missing. No key."""
    early: list[int] = []  # signals that come before anything listens for them
    on_stop(lambda number, _frame: early.append(number))
    try:
        loaded = load(config, sets)
        from bot.cli.recording import Orders, record_market

        wanted = _coins(coins, list(loaded.settings.underlying) if config else COINS.split(","))
        orders = Orders(folder, wanted, every, part, keep_free * MEGABYTE, for_s)
        return record_market(loaded.settings, orders, early, as_json=as_json)
    finally:
        on_stop(signal.SIG_IGN)


def _coins(said: str | None, settings: list[str]) -> tuple[str, ...]:
    """Return the coins that are meant; VerbError where a replay could not play one of them."""
    from bot.domain.deribit import COINS as KNOWN

    meant = settings if said is None else [name.strip().upper() for name in said.split(",")]
    strange = [name for name in meant if name not in KNOWN]
    if strange:
        expected = f"--coins: expected coins among {', '.join(KNOWN)}"
        raise VerbError(f"{expected}, found {', '.join(strange)!r}", Exit.USAGE)
    return tuple(dict.fromkeys(meant))
