"""The Dockerfile, as its rehearsal reads it."""

import re
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]

SMALL = """
# a remark
FROM base AS build
WORKDIR /src
COPY made.txt \\
     ./
# a remark inside
RUN mkdir /opt && cp made.txt /opt/copied
FROM base
COPY --from=build /opt /opt
"""


@pytest.fixture
def stage(rehearse_image, tmp_path):
    """Return an empty root with the user that runs the tests."""
    root = tmp_path / "root"
    root.mkdir()
    return rehearse_image.Stage(root, None, "/usr/bin:/bin")


def last_stage(rehearse_image):
    """Return the settings of the image that ships."""
    plan = rehearse_image.steps((TOP / "Dockerfile").read_text(encoding="utf-8"))
    start = max(index for index, step in enumerate(plan) if step.name == "FROM")
    return plan[start:]


def test_instructions_are_read_without_remarks_and_with_their_continuations(rehearse_image):
    """Seven instructions stand in the small file."""
    plan = rehearse_image.steps(SMALL)
    assert [step.name for step in plan] == ["FROM", "WORKDIR", "COPY", "RUN", "FROM", "COPY"]
    assert plan[2].rest == "made.txt ./"


def test_folders_of_the_image_move_below_the_root(stage):
    """Only the image's own absolute folders move."""
    moved = stage.below("/opt/x:/usr/bin ./opt a/opt --volume=/state /optical")
    root = stage.root
    assert moved == f"{root}/opt/x:/usr/bin ./opt a/opt --volume={root}/state /optical"


def test_steps_are_carried_out_below_the_root(rehearse_image, stage, tmp_path):
    """COPY and RUN make the same files as in an image."""
    (tmp_path / "made.txt").write_text("content", encoding="utf-8")
    rehearse_image.build(rehearse_image.steps(SMALL), stage, tmp_path)
    assert (stage.root / "opt" / "copied").read_text(encoding="utf-8") == "content"


@pytest.mark.parametrize("broken", ["RUN exit 7", "COPY --from=build /opt /state"])
def test_a_step_that_fails_ends_the_rehearsal(rehearse_image, stage, tmp_path, broken):
    """A broken Dockerfile is not a rehearsed one."""
    plan = rehearse_image.steps(f"FROM base\nWORKDIR /src\n{broken}\n")
    with pytest.raises(SystemExit, match="expected"):
        rehearse_image.build(plan, stage, tmp_path)


def test_the_image_runs_paper_as_nobody_and_keeps_state_in_a_volume(rehearse_image):
    """The settings of the last stage are what the operator relies on."""
    settings = {step.name: step.rest for step in last_stage(rehearse_image)}
    nobody = rehearse_image.NOBODY
    assert settings["USER"] == f"{nobody}:{nobody}"
    assert settings["CMD"] == '["deltaband", "paper", "--no-dashboard"]'
    assert settings["VOLUME"] == "/state"
    assert settings["STOPSIGNAL"] == "SIGTERM"


def test_every_step_of_the_dockerfile_can_be_rehearsed(rehearse_image):
    """The last stage only copies and sets: what is run, is run in the rehearsed stage."""
    known = {"FROM", "COPY", "ENV", "USER", "WORKDIR", "VOLUME", "STOPSIGNAL", "HEALTHCHECK", "CMD"}
    assert {step.name for step in last_stage(rehearse_image)} == known


def test_everything_that_the_dockerfile_copies_is_let_through(rehearse_image):
    """The build's context holds exactly what COPY names."""
    plan = rehearse_image.steps((TOP / "Dockerfile").read_text(encoding="utf-8"))
    copied = [step.rest.split()[:-1] for step in plan if step.name == "COPY"]
    asked = {name for names in copied for name in names if not name.startswith(("--", "/"))}
    ignore = (TOP / ".dockerignore").read_text(encoding="utf-8")
    assert set(re.findall(r"^!(.+)$", ignore, re.MULTILINE)) == asked
