"""Run the commands that README.md shows, in a fresh clone, as a newcomer would type them.

    readme.py [--list | --test-command] [--ran COMMAND] [README]

Commands are the lines that start with `$ ` in fenced blocks marked console or sh; a backslash at
the end continues a command, other lines are output. Each runs in bash at the clone's top with its
.venv on the PATH. `git clone` and `cd` are what the fresh clone stands for. A trailing comment says
what a command needs: `# needs recorded data`, `# needs docker`, `# needs a running bot` or
`# needs PROGRAM`; what the machine lacks is named and skipped. A daemon without `--for` runs on a
terminal until Ctrl-C, and must then end with 0. Refuses a README without commands. What `--ran`
names has been run by whoever asks, and is not run again.
"""

import argparse
import json
import os
import pty
import re
import select
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

DAEMONS = frozenset({"dashboard", "exchange", "paper", "record", "run", "shadow", "watchdog"})
FENCE = re.compile(r"^```(\w*)\s*$")
NEEDS = re.compile(r"\s+#\s*needs (?:an? )?(?P<what>.+?)\s*$")
DAEMON_S = 25.0  # how long a daemon is watched before Ctrl-C
CLOSING_S = 30.0  # how long it may take to close
LIMIT_S = 900.0  # how long any one command may take
KEPT_FROM_CLONE = frozenset({"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "VIRTUAL_ENV"})


@dataclass(frozen=True, slots=True)
class Command:
    """One command as README shows it, and what it says that it needs ("" for nothing)."""

    text: str
    needs: str = ""

    @property
    def words(self) -> list[str]:
        """Return the command's words, without a trailing comment."""
        return shlex.split(self.text, comments=True)

    @property
    def stands_for_clone(self) -> bool:
        """Return whether the fresh clone itself is what this command asks for."""
        return self.words[:2] == ["git", "clone"] or self.words[:1] == ["cd"]

    @property
    def is_daemon(self) -> bool:
        """Return whether the command runs until it is stopped."""
        names = {Path(self.words[0]).name}
        asks = names & {"make", "deltaband"} and set(self.words[1:2]) & DAEMONS
        return bool(asks) and "--for" not in self.text and "--help" not in self.text


def commands(text: str) -> list[Command]:
    """Return the commands of a README in their order."""
    found, fenced, open_line = [], "", ""
    for line in text.splitlines():
        if fence := FENCE.match(line):
            fenced = "" if fenced else (fence[1] or "text")
            continue
        if fenced not in {"console", "sh"}:
            continue
        if open_line:
            open_line += " " + line.removeprefix("> ").strip()
        elif line.startswith("$ "):
            open_line = line[2:].strip()
        if open_line.endswith("\\"):
            open_line = open_line[:-1].rstrip()
        elif open_line:
            needs = NEEDS.search(open_line)
            said = open_line[: needs.start()] if needs else open_line
            found.append(Command(said, needs["what"] if needs else ""))
            open_line = ""
    return found


def lacking(need: str) -> str:
    """Return what this machine lacks for a command, or "" when it can run."""
    if need in {"", "running bot"}:
        return ""
    if need == "recorded data":
        return "" if os.environ.get("DELTABAND_DATA") else need
    if need == "docker":
        engine = ["docker", "info"]
        found = shutil.which("docker") and subprocess.run(engine, capture_output=True, check=False)
        return "" if found and found.returncode == 0 else "a docker engine"
    return "" if shutil.which(need) else need


def run_to_end(command: Command, env: dict[str, str], top: Path) -> int:
    """Run a command that ends by itself and return its exit code."""
    shell = ["bash", "-c", command.text]
    done = subprocess.run(
        shell, cwd=top, env=env, stdin=subprocess.DEVNULL, check=False, timeout=LIMIT_S
    )
    return done.returncode


def run_until_ctrl_c(command: Command, env: dict[str, str], top: Path) -> int:
    """Run a daemon on a terminal of its own, type Ctrl-C after a while, and return its exit code.

    The while begins when the environment is filled, so a first installation does not eat it.
    """
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(top)
        os.execvpe("bash", ["bash", "-c", command.text], env)
    last = time.monotonic() + LIMIT_S
    stop_at = last
    while time.monotonic() < last and (chunk := _read(terminal)) is not None:
        sys.stdout.buffer.write(chunk)
        sys.stdout.flush()
        now = time.monotonic()
        if stop_at == last and (top / ".venv" / ".runtime").exists():
            stop_at = now + DAEMON_S
        if now >= stop_at:
            os.write(terminal, b"\x03")
            last, stop_at = now + CLOSING_S, last
    os.kill(pid, signal.SIGKILL)  # too late where it has ended: its own exit code stays
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _read(terminal: int) -> bytes | None:
    """Return what a terminal shows within half a second, None when its last program has ended."""
    ready, _, _ = select.select([terminal], [], [], 0.5)
    try:
        return os.read(terminal, 65536) if ready else b""
    except OSError:  # Linux's way to say so
        return None


def run_beside_bot(command: Command, env: dict[str, str], top: Path) -> int:
    """Run a command while a paper bot runs, and return the first exit code that is not 0."""
    bot = subprocess.Popen(["deltaband", "paper"], cwd=top, env=env, stdout=subprocess.DEVNULL)
    try:
        fresh = _wait_until_fresh(env, top)
        code = run_to_end(command, env, top) if fresh else 1
    finally:
        bot.send_signal(signal.SIGINT)
        ended = bot.wait(CLOSING_S)
    return code or ended


def _wait_until_fresh(env: dict[str, str], top: Path) -> bool:
    """Return whether a bot's status becomes fresh within half a minute."""
    ask = ["deltaband", "status", "--json"]
    for _ in range(30):
        said = subprocess.run(ask, cwd=top, env=env, capture_output=True, check=False)
        if said.returncode == 0 and json.loads(said.stdout)["stale"] is False:
            return True
        time.sleep(1)
    return False


def run(command: Command, env: dict[str, str], top: Path) -> int:
    """Run one command in the way that it asks for."""
    if command.is_daemon:
        return run_until_ctrl_c(command, env, top)
    if command.needs == "running bot":
        return run_beside_bot(command, env, top)
    return run_to_end(command, env, top)


def clone(source: Path, into: Path) -> tuple[dict[str, str], Path]:
    """Clone HEAD and return the environment and folder that a newcomer would have."""
    top = into / "deltaband"
    subprocess.run(["git", "clone", "--quiet", f"file://{source}", str(top)], check=True)
    env = {name: value for name, value in os.environ.items() if name not in KEPT_FROM_CLONE}
    env["PATH"] = f"{top}/.venv/bin:{env['PATH']}"
    env["PIP_CACHE_DIR"] = str(into / "empty-pip-cache")
    env["XDG_STATE_HOME"] = str(into / "state")
    return env, top


def run_all(found: list[Command], env: dict[str, str], top: Path, ran: str = "") -> int:
    """Run the commands in their order, close with a summary, and return how many failed.

    `ran` is a command that has been seen to run already and is not run again.
    """
    rows = []
    for command in found:
        lacks = lacking(command.needs)
        if command.stands_for_clone or lacks:
            rows.append(("skipped", f"needs {lacks}" if lacks else "the clone", command.text))
            continue
        if command.text == ran:
            rows.append(("skipped", "ran before", command.text))
            continue
        print(f"\n$ {command.text}", flush=True)
        begun = time.monotonic()
        code = run(command, env, top)
        took = f"{time.monotonic() - begun:.0f} s"
        rows.append(
            ("ok", took, command.text) if code == 0 else ("FAILED", f"{code}", command.text)
        )
    print("\nREADME commands in a fresh clone:")
    for outcome, detail, text in rows:
        print(f"  {outcome:8} {detail:22} {text}")
    return sum(outcome == "FAILED" for outcome, _, _ in rows)


def main() -> None:
    """Run, list, or name the test command of a README."""
    parser = argparse.ArgumentParser(description="run what README.md shows, in a fresh clone")
    parser.add_argument("readme", nargs="?", type=Path, default=Path("README.md"))
    parser.add_argument("--list", action="store_true", help="print the commands, run nothing")
    parser.add_argument("--test-command", action="store_true", help="print the first test command")
    parser.add_argument("--ran", default="", metavar="COMMAND", help="do not run this one again")
    asked = parser.parse_args()
    found = commands(asked.readme.read_text(encoding="utf-8"))
    if not found:
        sys.exit(f"expected commands in {asked.readme}, found none")
    if asked.test_command:
        print(next(command.text for command in found if command.words[:2] == ["make", "test"]))
    elif asked.list:
        print("\n".join(command.text for command in found))
    else:
        with tempfile.TemporaryDirectory(prefix="deltaband-clone-") as folder:
            env, top = clone(Path.cwd(), Path(folder))
            sys.exit(1 if run_all(found, env, top, asked.ran) else 0)


if __name__ == "__main__":
    main()
