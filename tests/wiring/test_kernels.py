"""A daemon's kernels: where they are kept, and what stands in the way of keeping them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.domain.errors import BadInputError
from bot.wiring import kernels
from greeks import arithmetic

pytest.importorskip("numba")
PRICE = "from greeks import black76; print(float(black76.price(1, 100.0, 100.0, 1.0, 0.2)))"
CHOOSE = "from bot.wiring.kernels import choose; print(choose({!r})); "


@pytest.fixture(autouse=True)
def _numpy():
    """Leave the choice as it was."""
    yield
    arithmetic.use(arithmetic.PLAIN)


def priced(wanted: str, home: Path, **environ: str) -> str:
    """Return what a fresh program says that chooses kernels and prices an option."""
    found = {"HOME": str(home), "PATH": os.environ["PATH"], "PYTHONPATH": str(Path.cwd())}
    program = CHOOSE.format(wanted) + PRICE
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=found | environ,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    name, price = done.stdout.split()
    assert float(price) == pytest.approx(7.965567455405804, rel=1e-15)
    return name


def test_kernels_are_compiled_once_and_kept_for_the_next_program(tmp_path):
    """In a folder that is named after their source, and that nobody else may write."""
    first = priced("auto", tmp_path)
    (folder,) = (tmp_path / ".cache" / "deltaband").iterdir()
    kept = {file: file.stat().st_mtime_ns for file in folder.rglob("*.nb*")}
    assert kept
    assert folder.stat().st_mode & 0o077 == 0
    assert priced("auto", tmp_path) == first == "compiled"
    assert {file: file.stat().st_mtime_ns for file in folder.rglob("*.nb*")} == kept


def test_a_home_that_cannot_be_written_only_costs_time(tmp_path):
    """A file where the folder should be: compiled anew, and nothing is said."""
    (tmp_path / ".cache").touch()
    assert priced("compiled", tmp_path) == "compiled"
    assert (tmp_path / ".cache").read_bytes() == b""


def test_a_folder_that_others_can_write_is_not_trusted(tmp_path, monkeypatch):
    """Whoever puts code there would trade for us."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = kernels._folder()
    assert folder is not None
    assert Path(folder).parent == tmp_path / "deltaband"
    for loose in (Path(folder), Path(folder).parent):
        loose.chmod(0o722)
        assert kernels._folder() is None
        loose.chmod(0o700)
    assert kernels._folder() == folder


def test_another_source_or_compiler_has_a_folder_of_its_own(monkeypatch):
    """What was compiled of other formulas is never taken for these."""
    here = kernels._source()
    monkeypatch.setattr("importlib.metadata.version", lambda _: "0.0")
    assert kernels._source() != here


def test_a_person_is_told_what_takes_so_long_and_only_then(tmp_path, monkeypatch):
    """Where nothing is kept yet; numpy is there at once."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    told: list[str] = []
    kernels.choose("numpy", told.append)
    assert told == []
    kernels.choose("compiled", told.append)
    assert told == ["compiling the arithmetic, which takes some seconds, once for each release"]
    (Path(kernels._folder() or "") / "kept").touch()
    kernels.choose("compiled", told.append)
    assert len(told) == 1


def test_numpy_is_taken_where_it_is_asked_for_or_nothing_else_is_there(monkeypatch):
    """And what is asked for and cannot be had is an error that says so."""
    assert kernels.choose("numpy") == "numpy"
    monkeypatch.setattr(arithmetic, "available", lambda: ("numpy",))
    assert kernels.choose("auto") == "numpy"
    with pytest.raises(BadInputError, match="kernels: expected one of numpy, found 'compiled'"):
        kernels.choose("compiled")
