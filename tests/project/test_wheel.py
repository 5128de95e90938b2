"""The wheel: what an installation without the repository holds."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build the wheel with the installed backend."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder]
    subprocess.run(build, cwd=TOP, check=True, capture_output=True)
    (built,) = folder.glob("deltaband-*.whl")
    with zipfile.ZipFile(built) as archive:
        yield archive


def test_the_wheel_holds_every_module_and_every_profile(wheel):
    """What runs from the repository runs from the wheel."""
    packages = [TOP / name for name in ("bot", "config", "greeks")]
    modules = [path for package in packages for path in package.rglob("*.py")]
    profiles = list((TOP / "config" / "profiles").glob("*.toml"))
    assert profiles != []
    schemas = list((TOP / "bot").rglob("schemas/*.json"))
    examples = list((TOP / "config" / "deploy").rglob("*.*"))
    assert schemas != []
    wanted = {str(path.relative_to(TOP)) for path in [*modules, *profiles, *schemas, *examples]}
    assert wanted <= set(wheel.namelist())


def test_the_wheel_holds_the_whole_page(wheel):
    """A dashboard without its files would be an empty page."""
    page = TOP / "bot" / "monitor" / "dashboard" / "page"
    files = {str(path.relative_to(TOP)) for path in page.rglob("*") if path.is_file()}
    assert len(files) > 15
    assert files <= set(wheel.namelist())


def test_the_wheel_holds_nothing_but_the_product(wheel):
    """Neither tests nor checks ship."""
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"bot", "config", "greeks"}


def test_the_wheel_installs_the_command(wheel):
    """`deltaband` is the entry point."""
    (entry,) = (name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    assert "deltaband = bot.__main__:command" in wheel.read(entry).decode()
