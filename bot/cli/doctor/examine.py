"""The order of the checks, and the promise that one broken check does not hide the others."""

import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bot.cli.doctor import machine, numbers, state, venue
from bot.cli.doctor.finding import Finding, fail, ok, warn
from bot.cli.options import load, named_instance
from bot.cli.settings import refuse_unlisted, warned

if TYPE_CHECKING:
    import config


def examine(
    files: Sequence[Path], sets: Sequence[str], instance: str | None
) -> tuple[Finding, ...]:
    """Make every check that the settings allow, in the order of what depends on what."""
    findings = [
        *_guarded("python", machine.python),
        *_guarded("libraries", machine.libraries),
        *_guarded("memory", machine.memory),
        *_guarded("clock", machine.clock),
        *_guarded("clock sync", machine.synchronised),
        *_guarded("time zone", machine.time_zone),
        *_guarded("mathematics", numbers.mathematics),
    ]
    loaded, judged = _settings(files, sets)
    findings += judged
    if loaded is not None:
        folder = loaded.settings.state_dir
        named = named_instance(loaded, instance)
        findings += _guarded("state_dir", partial(state.folder, folder))
        findings += _guarded("disk", partial(state.room, folder))
        findings += _guarded("write latency", partial(state.latency, folder))
        findings += _guarded("journal", partial(state.journal, folder, named))
        findings += _guarded("told", partial(state.told, loaded.settings, os.environ))
        if venue.needed(loaded.settings):
            findings += _guarded("venue", partial(venue.venue, loaded.settings))
    findings += _guarded("secrets", partial(state.secrets, os.environ))
    return tuple(findings)


def _guarded(check: str, ask: Callable[[], Iterable[Finding]]) -> list[Finding]:
    """Make a check; a fault inside it is a finding of its own."""
    try:
        return list(ask())
    except Exception as fault:  # noqa: BLE001  a doctor who dies of one symptom finds no other
        found = f"{type(fault).__name__}: {' '.join(str(fault).split())}"
        return [fail(check, found, "a check that can be made")]


def _settings(
    files: Sequence[Path], sets: Sequence[str]
) -> tuple["config.Loaded | None", list[Finding]]:
    from config import ConfigError

    try:
        loaded = load(files, sets)
    except ConfigError as fault:
        expected = "settings that can be used"
        return None, [fail("settings", str(problem), expected) for problem in fault.problems]
    settings = loaded.settings
    coins = ", ".join(settings.underlying)
    found = f"{settings.mode}, {settings.market}, instance {settings.instance}, {coins}"
    odd = [warn("settings", text, "what is meant") for text in warned(loaded)]
    try:
        refuse_unlisted(settings)
    except ConfigError as fault:
        return loaded, [fail("settings", str(p), "a book to trade") for p in fault.problems] + odd
    return loaded, [ok("settings", found), *odd]
