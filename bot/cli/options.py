"""The options that several verbs share, and what they come to.

Owns the spelling of `-c`, `--set`, `--instance`, `--json` and of lengths of time, and the way from
them to a journal: --instance wins, then an instance that settings name on purpose, then the
one whose bot runs, then the newest journal.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import config
    from bot.journal import Reader

_INSTANCE = re.compile(r"[a-z0-9][a-z0-9-]{0,15}")
_LARGEST_SEED = 2**63 - 1
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_SPAN = re.compile(r"(?:\d+(?:\.\d+)?[smhd])+", re.ASCII)
_PART = re.compile(r"(\d+(?:\.\d+)?)([smhd])", re.ASCII)
_UNNAMED = frozenset({"default", "profile"})


def instance_name(text: str) -> str:
    """Read the name of a bot."""
    if _INSTANCE.fullmatch(text):
        return text
    raise typer.BadParameter(
        f"expected 1 to 16 small letters, digits or hyphens, found {text[:40]!r}"
    )


def _seed(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) <= _LARGEST_SEED:
        return int(text)
    raise typer.BadParameter(
        f"expected a whole number from 0 to {_LARGEST_SEED}, found {text[:40]!r}"
    )


def span_s(text: str) -> float:
    """Read a length of market time, such as 90s, 15m, 6h, 2d or 1h30m, in seconds."""
    total = span_or_none_s(text)
    if total > 0:
        return total
    raise typer.BadParameter(f"expected a time such as 90s, 15m, 6h or 2d, found {text[:40]!r}")


def span_or_none_s(text: str) -> float:
    """Read a length of market time in seconds, which may be none at all (0s)."""
    total = sum(float(size) * _SECONDS[unit] for size, unit in _PART.findall(text))
    if _SPAN.fullmatch(text) and total < math.inf:
        return total
    raise typer.BadParameter(f"expected a time such as 90s, 15m, 6h or 2d, found {text[:40]!r}")


def coins(text: str) -> float:
    """Read an amount of coins, which may be negative."""
    with suppress(ValueError):
        if math.isfinite(amount := float(text)):
            return amount
    raise typer.BadParameter(f"expected an amount of coins such as -0.25, found {text[:40]!r}")


ConfigFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--config", "-c", metavar="FILE", help="Settings in TOML; later files win. Repeatable."
    ),
]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="A.B=C", help="One setting, over all files. Repeatable."),
]
Instance = Annotated[
    str | None,
    typer.Option(
        "--instance",
        metavar="NAME",
        parser=instance_name,
        help="The bot that is meant; without it, the one that runs, or the newest journal.",
    ),
]
Seed = Annotated[
    int | None,
    typer.Option("--seed", parser=_seed, metavar="N", help="Seed of the synthetic market."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def load(
    files: Sequence[Path] | None,
    sets: Sequence[str] | None,
    options: Mapping[str, str] | None = None,
) -> "config.Loaded":
    """Read the settings; ConfigError carries all that is wrong with them.

    `options` are keys that the command line has an option of its own for (`market`: --market).
    """
    import config

    return config.load(tuple(files or ()), tuple(sets or ()), options=options or {})


def named_instance(loaded: "config.Loaded", instance: str | None) -> str | None:
    """Return the instance that was asked for on purpose; None for the newest."""
    if instance is not None:
        return instance
    unnamed = loaded.origin["instance"].layer in _UNNAMED
    return None if unnamed else loaded.settings.instance


def _running(state_dir: Path) -> str | None:
    """Return the one instance whose bot runs, None where there is none; VerbError for several."""
    from bot.cli.exits import Exit, VerbError
    from bot.journal.lock import held
    from bot.journal.reader import instances

    alive = [name for name in instances(state_dir) if held(state_dir / name)]
    if len(alive) > 1:
        found = f"{len(alive)} bots that run: {', '.join(sorted(alive))}"
        message = f"expected --instance, which says who is meant, found {found}"
        raise VerbError(message, Exit.USAGE)
    return alive[0] if alive else None


@contextmanager
def journal(
    files: Sequence[Path] | None, sets: Sequence[str] | None, instance: str | None
) -> Iterator["Reader"]:
    """Open the journal that the options mean; JournalError where there is none."""
    from bot.journal import Reader

    loaded = load(files, sets)
    where = loaded.settings.state_dir
    meant = named_instance(loaded, instance) or _running(where)
    reader = Reader.open(where, meant)
    try:
        yield reader
    finally:
        reader.close()
