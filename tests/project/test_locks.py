"""The locks: all is pinned and hashed, in one version, and nothing says where they were made."""

import re
import tomllib
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
PIN = re.compile(r"^(?P<name>[a-z0-9._-]+)==(?P<version>[^ ;\\]+)", re.MULTILINE)
LOCKS = ["requirements.lock", "requirements-dev.lock", "requirements-bench.lock"]


def read(lock):
    """Return a lock's text."""
    return (TOP / lock).read_text(encoding="utf-8")


def pins(lock):
    """Return name to version of a lock."""
    return {found["name"]: found["version"] for found in PIN.finditer(read(lock))}


def project():
    """Return the project table of pyproject.toml, with the build backend's requirements."""
    return tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))


def names(requirements):
    """Return the bare names of requirement strings."""
    return {re.split(r"[<>=!~;\[ ]", text)[0].lower() for text in requirements}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_a_hash(lock):
    """A pin without a hash would make pip refuse the whole lock, or worse, trust it."""
    entries = re.split(r"\n(?=[a-z0-9])", read(lock))
    unhashed = [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry]
    assert unhashed == []
    assert len(entries) == len(PIN.findall(read(lock)))


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_does_not_say_where_it_was_made(lock):
    """Neither an index, nor a link, nor a folder of a machine stands in a lock."""
    assert re.findall(r"https?://|file:|--\w*-?index|--find-links|(?<=\s)/\w+", read(lock)) == []


def test_the_development_lock_holds_the_runtime_as_it_is():
    """Tests run on the versions that users run."""
    assert pins("requirements.lock").items() <= pins("requirements-dev.lock").items()


def test_the_runtime_lock_covers_the_runtime_and_the_build():
    """Nothing is fetched outside the hashed lock, also not what builds the project."""
    wanted = names(project()["project"]["dependencies"])
    wanted |= names(project()["build-system"]["requires"])
    assert wanted <= set(pins("requirements.lock"))


def test_the_lock_of_peers_covers_them_and_changes_nothing_else():
    """They are installed beside what is tested and measured, never over it."""
    extras = project()["project"]["optional-dependencies"]
    peers, ours = pins("requirements-bench.lock"), pins("requirements-dev.lock")
    assert names(extras["bench"]) <= set(peers)
    assert {name: peers[name] for name in peers.keys() & ours} == {
        name: ours[name] for name in peers.keys() & ours
    }


def test_the_development_lock_covers_the_data_and_development_extras():
    """One file fills the environment in which everything is tested."""
    extras = project()["project"]["optional-dependencies"]
    assert names(extras["data"] + extras["dev"]) <= set(pins("requirements-dev.lock"))
