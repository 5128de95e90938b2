"""Carry out the Dockerfile without a container engine, and run what it builds.

    rehearse_image.py [--plan] [--python PYTHON]

Each WORKDIR, COPY and RUN is carried out as an ordinary user in a new folder that stands for the
root of the image. That root is then made read-only but for its volumes, CMD is started with the
image's environment, HEALTHCHECK must say healthy while it runs, SIGTERM must end it with 0, and
HEALTHCHECK must say unhealthy afterwards. What this cannot show: the base image (the machine's own
python3 stands for its), ownership by --chown, and that folders outside the image's are read-only.
"""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PATH = "/usr/local/bin:/usr/bin:/bin"  # of the base image, and programs that any user may run
NOBODY = 10001  # the user of the image, and of the rehearsal where that may be chosen
TRY_S = 30.0  # how long CMD may take to become healthy, and to end
OWN = re.compile(r"(?<![\w.])/(opt|src|state)\b")  # the folders that the image makes


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction of a Dockerfile: its name in capitals and the rest of it on one line."""

    name: str
    rest: str


@dataclass(frozen=True, slots=True)
class Stage:
    """The folder that stands for an image's root, and who works in it with which PATH."""

    root: Path
    user: int | None
    path: str

    def below(self, text: str) -> str:
        """Return a text with the image's own folders moved below the root."""
        return OWN.sub(lambda found: f"{self.root}{found[0]}", text)

    def start(self, text: str, workdir: str, env: dict[str, str]) -> subprocess.Popen[bytes]:
        """Start a command as the image's user; of this process's environment only PIP_* is kept."""
        kept = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        moved = {name: self.below(value) for name, value in env.items()}
        own = moved.get("PATH", "").split(":")[0]
        return subprocess.Popen(
            ["/bin/sh", "-c", self.below(text)],
            cwd=self.below(workdir),
            env={"HOME": str(self.root), **kept, **moved, "PATH": f"{own}:{self.path}"},
            user=self.user,
            group=self.user,
            extra_groups=None if self.user is None else [],
            stdin=subprocess.DEVNULL,
        )

    def give(self, folder: Path) -> None:
        """Hand a folder and all in it to the image's user."""
        if self.user is not None:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, self.user, self.user, follow_symlinks=False)


def steps(text: str) -> list[Step]:
    """Return the instructions of a Dockerfile, continued lines joined, comments left out."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    split = [line.strip().partition(" ") for line in joined.splitlines() if line.strip()]
    return [Step(name.upper(), rest.strip()) for name, _, rest in split]


def build(plan: Iterable[Step], stage: Stage, context: Path) -> None:
    """Carry out what makes files; a step that does not end with 0 ends the rehearsal."""
    workdir = "/"
    for step in plan:
        print(f"{step.name} {step.rest}", flush=True)
        if step.name == "FROM":
            workdir = "/"
        elif step.name == "WORKDIR":
            workdir = step.rest
            folder = Path(stage.below(workdir))
            folder.mkdir(parents=True, exist_ok=True)
            stage.give(folder)
        elif step.name == "COPY":
            copy(step.rest.split(), stage, context, workdir)
        elif step.name == "RUN" and (code := stage.start(step.rest, workdir, {}).wait()):
            sys.exit(f"expected RUN {step.rest} to end with 0, found {code}")


def copy(words: list[str], stage: Stage, context: Path, workdir: str) -> None:
    """Copy from the context; what one stage hands to the next is in its place already."""
    *sources, target = (word for word in words if not word.startswith("--"))
    if any(word.startswith("--from=") for word in words):
        if sources != [target] or not Path(stage.below(target)).exists():
            sys.exit(f"expected {sources} of a stage before, copied to the same path, not {target}")
        return
    into = Path(stage.below(str(Path(workdir) / target)))
    for source in map(context.joinpath, sources):
        if source.is_dir():
            shutil.copytree(source, into, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, into)
    stage.give(into)


def live(settings: dict[str, str], stage: Stage) -> float:
    """Start CMD, ask HEALTHCHECK, stop by SIGTERM, ask again; return the seconds to health."""
    env = dict(re.findall(r"(\w+)=(\S+)", settings["ENV"]))
    health, workdir = settings["HEALTHCHECK"].partition("CMD ")[2], settings["WORKDIR"]
    subprocess.run(["chmod", "-R", "a-w", str(stage.root)], check=True)
    subprocess.run(["chmod", "-R", "u+w", stage.below(settings["VOLUME"])], check=True)
    daemon = stage.start("exec " + " ".join(json.loads(settings["CMD"])), workdir, env)
    begun = time.monotonic()
    while (sick := stage.start(health, workdir, env).wait()) and daemon.poll() is None:
        if time.monotonic() - begun > TRY_S:
            break
        time.sleep(1)
    took = time.monotonic() - begun
    daemon.send_signal(signal.SIGTERM)
    ended = daemon.wait(TRY_S)
    if sick or ended:
        sys.exit(f"expected HEALTHCHECK 0 and CMD to end with 0, found {sick} and {ended}")
    if stage.start(health, workdir, env).wait() == 0:
        sys.exit("expected HEALTHCHECK to fail once CMD has ended, found 0")
    return took


def main() -> None:
    """Rehearse the Dockerfile of this folder."""
    parser = argparse.ArgumentParser(description="carry out the Dockerfile without an engine")
    parser.add_argument("--plan", action="store_true", help="print the instructions, run nothing")
    parser.add_argument("--python", default=shutil.which("python3", path=PATH), help="the base's")
    asked = parser.parse_args()
    plan = steps(Path("Dockerfile").read_text(encoding="utf-8"))
    if asked.plan:
        print("\n".join(f"{step.name} {step.rest}" for step in plan))
        return
    root = Path(tempfile.mkdtemp(prefix="deltaband-image-"))
    try:
        (root / "base").mkdir()
        (root / "base" / "python3").symlink_to(asked.python)
        user = NOBODY if os.geteuid() == 0 else None
        stage = Stage(root, user, f"{root}/base:{PATH}")
        stage.give(root)
        build(plan, stage, Path.cwd())
        took = live({step.name: step.rest for step in plan}, stage)
        print(f"image: healthy after {took:.1f} s, ended cleanly, unhealthy afterwards")
    finally:
        subprocess.run(["chmod", "-R", "u+w", str(root)], check=False)
        shutil.rmtree(root)


if __name__ == "__main__":
    main()
