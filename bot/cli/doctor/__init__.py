"""`doctor`: whether this machine is fit to hedge, and the exchange where the settings name one.

Every check says what it expects and what it found, with a verdict: ok, warn or fail. One failed
check makes exit code 5. Checks change nothing but a scratch file that they remove again.
"""

from bot.cli import say
from bot.cli.doctor.finding import Finding, Verdict
from bot.cli.exits import Exit
from bot.cli.options import AsJson, ConfigFiles, Instance, Sets

__all__ = ["doctor"]


def doctor(
    instance: Instance = None,
    config: ConfigFiles = None,
    sets: Sets = None,
    as_json: AsJson = False,
) -> int:
    """Check this machine, the settings, the journal, and the exchange that they name.

    The exchange is only read from. Exit code 5 where one check fails.
    """
    from bot.cli.doctor.examine import examine

    findings = examine(tuple(config or ()), tuple(sets or ()), instance)
    failed = sum(one.verdict is Verdict.FAIL for one in findings)
    if as_json:
        say.json({"ok": not failed, "checks": [_plain(one) for one in findings]})
    else:
        say.table(
            ("verdict", "check", "found"),
            [(one.verdict, one.check, _sentence(one)) for one in findings],
            colours={"ok": "green", "warn": "yellow", "fail": "bold red"},
        )
        warned = sum(one.verdict is Verdict.WARN for one in findings)
        say.line(f"{len(findings)} checks: {failed} failed, {warned} with a warning")
    return Exit.UNWELL if failed else Exit.FINE


def _sentence(one: Finding) -> str:
    return f"expected {one.expected}, found {one.found}" if one.expected else one.found


def _plain(one: Finding) -> dict[str, str]:
    return {
        "check": one.check,
        "verdict": str(one.verdict),
        "found": one.found,
        "expected": one.expected,
    }
