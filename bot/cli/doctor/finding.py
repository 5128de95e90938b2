"""What a check says: the verdict, what was found, and what was expected where it was not."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How serious it is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check; `expected` is empty where all is well."""

    check: str
    verdict: Verdict
    found: str
    expected: str = ""


def ok(check: str, found: str) -> Finding:
    """Return a check that found nothing to say against."""
    return Finding(check, Verdict.OK, found)


def warn(check: str, found: str, expected: str) -> Finding:
    """Return a check that found something to look at."""
    return Finding(check, Verdict.WARN, found, expected)


def fail(check: str, found: str, expected: str) -> Finding:
    """Return a check that found what must be mended first."""
    return Finding(check, Verdict.FAIL, found, expected)


def graded(check: str, found: str, expected: str, *, bad: bool, odd: bool) -> Finding:
    """Return a failure if `bad`, a warning if only `odd`, and ok otherwise."""
    if bad:
        return fail(check, found, expected)
    return warn(check, found, expected) if odd else ok(check, found)
