"""`journal`: whether the record still says what was written into it, and copies of it.

Both read the file alone and never hold up its bot.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli import say
from bot.cli.exits import Exit
from bot.cli.options import AsJson, ConfigFiles, Instance, Sets, journal

if TYPE_CHECKING:
    from bot.journal.verification import Verified

_LINK = 64


def _link(text: str) -> str:
    if len(text) == _LINK and set(text) <= set("0123456789abcdef"):
        return text
    raise typer.BadParameter(f"expected a link of 64 digits 0-9 a-f, found {text[:70]!r}")


Knows = Annotated[
    str | None,
    typer.Option(
        "--knows",
        parser=_link,
        metavar="LINK",
        help="A link that was noted earlier: it must still be one of the journal's.",
    ),
]
Other = Annotated[
    Path | None,
    typer.Option(
        "--file",
        metavar="FILE",
        exists=True,
        dir_okay=False,
        help="A journal elsewhere, such as a backup, instead of an instance's own.",
    ),
]
Target = Annotated[Path, typer.Argument(metavar="FILE", help="Where to: a file that is not there.")]


def verify(
    file: Other = None,
    knows: Knows = None,
    instance: Instance = None,
    config: ConfigFiles = None,
    sets: Sets = None,
    as_json: AsJson = False,
) -> int:
    """Read the whole journal and say whether each commit is as its bot wrote it."""
    from bot.domain.errors import JournalError
    from bot.journal.examination import examine

    if file is None:
        with journal(config, sets, instance) as reader:
            path = reader.path
    else:
        path = file
    try:
        done = examine(path, instance=instance if file else path.parent.name, knows=knows)
    except JournalError as fault:
        if as_json:
            say.json({"journal": str(path), "sound": False, "found": str(fault)})
        raise
    if as_json:
        about = {"journal": str(path), "instance": done.instance, "sound": True}
        say.json(about | _about(done.found) | {"head": done.headed})
        return Exit.FINE
    say.line(f"{done.instance}: sound, {path}")
    _tell(done.found)
    beside = "knows a commit of it" if done.headed else "is not there"
    say.line(f"the head beside it {beside}")
    return Exit.FINE


def backup(
    file: Target,
    instance: Instance = None,
    config: ConfigFiles = None,
    sets: Sets = None,
    as_json: AsJson = False,
) -> int:
    """Copy the journal to a file while its bot goes on, and verify the copy."""
    from bot.journal.backup import back_up
    from bot.journal.verification import verify as verified

    with journal(config, sets, instance) as reader:
        path = reader.path
        found = back_up(path, file, verified)
    size = file.stat().st_size
    if as_json:
        about = {"journal": str(path), "backup": str(file), "bytes": size}
        say.json(about | _about(found))
        return Exit.FINE
    say.line(f"{path.parent.name}: {size / 1e6:.1f} MB copied to {file}, sound")
    _tell(found)
    return Exit.FINE


def _about(found: "Verified") -> dict[str, Any]:
    from bot.domain.units import iso

    end = found.end
    newest = {"commit": end.seq, "run": end.run, "at": iso(end.at_ns), "link": end.link}
    return {"commits": found.commits, "rows": found.rows, "newest": newest}


def _tell(found: "Verified") -> None:
    from bot.domain.units import iso

    end = found.end
    say.line(f"{found.commits:,} commits with {found.rows:,} rows, each as it was written")
    say.line(f"newest: commit {end.seq} of run {end.run} at {iso(end.at_ns)}")
    say.line(f"link: {end.link}")
