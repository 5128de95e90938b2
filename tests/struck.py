"""How often tests make a fault of the catalogue strike.

    struck("F45")           what a test says where it makes a fault strike
    python -m tests.struck  run whatever says so, and print how often each has struck

Faults of the simulation are counted there, over all its hours; these here in one run. `--keep`
writes the counts into the table of docs/simulation.md, if nothing has failed; other arguments are
pytest's. Nothing is counted in any other run.
"""

import atexit
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.simulation.campaign.catalogue import CATALOGUE, Reached
from tests.simulation.campaign.page import PAGE, recounted

FOLDER = "DELTABAND_STRUCK"
TESTS = Path(__file__).parent
ENOUGH = 10
# What strikes beside the tests: a bot that dies amid its orders, one that is asked to stop, one
# whose loop stands still.
PROGRAMS = (
    ("tests.processes.kills", "24"),
    ("tests.processes.kills", "10", "2", "--term"),
    ("tests.bench.killing",),
)
_counts: Counter[str] = Counter()


def struck(code: str, times: int = 1) -> None:
    """Count a fault that has just struck, where a run counts."""
    if FOLDER not in os.environ:
        return
    if not _counts:
        atexit.register(_write, os.getpid())
    _counts[code] += times


def _write(pid: int) -> None:
    """Leave the counts of a process; what it forked leaves none of them again."""
    if os.getpid() != pid:
        return
    lines = (f"{code} {times}\n" for code, times in _counts.items())
    (Path(os.environ[FOLDER]) / str(pid)).write_text("".join(lines), encoding="ascii")


def read(folder: Path) -> Counter[str]:
    """Return what the processes of a run have counted."""
    found: Counter[str] = Counter()
    for file in folder.iterdir():
        for line in file.read_text(encoding="ascii").splitlines():
            code, times = line.split()
            found[code] += int(times)
    return found


def main(arguments: list[str]) -> int:
    """Run what says that it makes faults strike; 1 where it fails or a fault strikes too seldom."""
    more = [word for word in arguments if word != "--keep"]
    said = [
        str(file)
        for file in sorted(TESTS.rglob("test_*.py"))
        if "from tests.struck import struck" in file.read_text(encoding="utf-8")
    ]
    failed = 0
    with TemporaryDirectory() as folder:
        for words in (("pytest", "--quiet", *more, *said), *PROGRAMS):
            done = subprocess.run(
                [sys.executable, "-m", *words],
                cwd=TESTS.parent,
                env=os.environ | {FOLDER: folder},
                check=False,
            )
            failed += done.returncode != 0
        found = read(Path(folder))
    elsewhere = {Reached.SIMULATION, Reached.ABSENT}
    seldom = 0
    for one in CATALOGUE:
        if one.reached not in elsewhere:
            seldom += found[one.code] < ENOUGH
            sys.stdout.write(f"{one.code} {found[one.code]:>7} {one.what}\n")
    if "--keep" in arguments and not failed:
        PAGE.write_text(recounted(PAGE.read_text(encoding="utf-8"), found), encoding="utf-8")
    sys.stdout.write(f"{failed} failed, {seldom} struck less than {ENOUGH} times\n")
    return 1 if failed or seldom else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
