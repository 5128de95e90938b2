"""The log file: bounded, private, gone on with after whatever befalls it, and never a surprise."""

import errno
import os
import stat
from pathlib import Path

import pytest

from bot.monitor.logfile import LogFile
from bot.monitor.sink import Sink
from tests.processes.disk import NotPermittedError, tiny_disk

LINE = "x" * 99  # a hundred bytes with its end


def log(folder: Path, max_bytes: int = 1_000, keep: int = 2) -> LogFile:
    """Return a log file in a folder."""
    return LogFile(folder / "bot.jsonl", max_bytes=max_bytes, keep=keep)


def sizes(folder: Path) -> dict[str, int]:
    """Return the sizes of the files of a folder by their names."""
    return {path.name: path.stat().st_size for path in sorted(folder.iterdir())}


def put_all(file: LogFile, count: int, first: int = 0) -> None:
    """Write numbered lines of a hundred bytes."""
    for number in range(first, first + count):
        file.put(f"{number:<99}")


def numbers(*paths: Path) -> list[int]:
    """Return the numbers of all lines, file by file."""
    return [int(line) for path in paths for line in path.read_text().splitlines()]


def test_files_are_rotated_by_size_and_never_take_more_than_was_granted(tmp_path):
    """Every line is whole, in one file, and the newest are there."""
    file = log(tmp_path)
    for first in range(0, 55, 5):
        put_all(file, 5, first)
        assert sum(sizes(tmp_path).values()) <= 3 * 1_000
    assert sizes(tmp_path) == {"bot.jsonl": 500, "bot.jsonl.1": 1_000, "bot.jsonl.2": 1_000}
    paths = [tmp_path / name for name in ("bot.jsonl.2", "bot.jsonl.1", "bot.jsonl")]
    assert numbers(*paths) == list(range(30, 55))


@pytest.mark.parametrize("keep,expected", [(0, ["bot.jsonl"]), (1, ["bot.jsonl", "bot.jsonl.1"])])
def test_files_beyond_what_is_kept_are_removed(tmp_path, keep, expected):
    """Also those that an earlier run with more of them has left."""
    for number in range(1, 5):
        (tmp_path / f"bot.jsonl.{number}").touch()
    file = log(tmp_path, keep=keep)
    put_all(file, 25)
    assert list(sizes(tmp_path)) == expected


def test_a_line_that_no_file_could_hold_is_refused(tmp_path):
    """It would break the bound."""
    file = log(tmp_path)
    with pytest.raises(OSError, match="expected a line of at most 1000 bytes, found 1001"):
        file.put("x" * 1_000)
    file.put("x" * 999)
    assert sizes(tmp_path) == {"bot.jsonl": 1_000}


def test_all_files_are_for_their_owner_alone(tmp_path):
    """Whatever the umask, and also one that was open to others before."""
    old = tmp_path / "logs" / "bot.jsonl"
    old.parent.mkdir()
    old.touch(mode=0o644)
    old.chmod(0o644)
    before = os.umask(0)
    try:
        put_all(log(old.parent), 15)
        put_all(log(tmp_path / "new" / "folder"), 1)
    finally:
        os.umask(before)
    made = [*old.parent.iterdir(), tmp_path / "new" / "folder" / "bot.jsonl"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in made} == {0o600}
    assert stat.S_IMODE((tmp_path / "new" / "folder").stat().st_mode) == 0o700


def test_a_file_that_was_moved_away_or_removed_is_begun_anew(tmp_path):
    """As logrotate does; the moved one keeps what it has."""
    file = log(tmp_path, max_bytes=10_000)
    path = tmp_path / "bot.jsonl"
    put_all(file, 2)
    path.rename(tmp_path / "moved")
    put_all(file, 2, 2)
    path.unlink()
    put_all(file, 1, 4)
    assert (numbers(tmp_path / "moved"), numbers(path)) == ([0, 1], [4])


def test_a_file_that_was_put_in_its_place_is_written_to(tmp_path):
    """As logrotate's `create` does; it is made private as well."""
    file, path = log(tmp_path), tmp_path / "bot.jsonl"
    put_all(file, 2)
    path.rename(tmp_path / "moved")
    path.touch(mode=0o644)
    put_all(file, 2, 2)
    assert (numbers(tmp_path / "moved"), numbers(path)) == ([0, 1], [2, 3])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_was_cut_short_is_gone_on_with(tmp_path):
    """As logrotate's copytruncate does: no hole of zeros, and the size is counted from there."""
    file = log(tmp_path)
    put_all(file, 9)
    os.truncate(tmp_path / "bot.jsonl", 0)
    put_all(file, 10, 9)
    assert numbers(tmp_path / "bot.jsonl") == list(range(9, 19))


def test_a_half_line_of_a_killed_run_is_ended_first(tmp_path):
    """The first line of the next run stands alone."""
    (tmp_path / "bot.jsonl").write_text('{"half": ')
    log(tmp_path).put("1")
    assert (tmp_path / "bot.jsonl").read_text() == '{"half": \n1\n'


def make_link(path: Path) -> None:
    """Lead the name to a file elsewhere."""
    path.with_name("precious").write_text("precious")
    path.symlink_to(path.with_name("precious"))


def make_second_name(path: Path) -> None:
    """Give a file elsewhere the name as well."""
    path.with_name("precious").write_text("precious")
    path.hardlink_to(path.with_name("precious"))


@pytest.mark.parametrize(
    "make,found",
    [
        (make_link, "symbolic links"),
        (make_second_name, "expected a file with one name, found 2"),
        (Path.mkdir, "directory"),
        (os.mkfifo, "No such device or address|regular file"),
    ],
)
def test_what_is_no_plain_file_is_not_written_to(tmp_path, make, found):
    """Nothing is opened through a detour, nor blocked on."""
    make(tmp_path / "bot.jsonl")
    with pytest.raises(OSError, match=found):
        log(tmp_path).put(LINE)
    if (tmp_path / "precious").exists():
        assert (tmp_path / "precious").read_text() == "precious"


def test_a_link_where_an_older_file_goes_is_replaced_and_not_followed(tmp_path):
    """Rotation moves names."""
    make_link(tmp_path / "bot.jsonl.1")
    put_all(log(tmp_path), 15)
    assert (tmp_path / "precious").read_text() == "precious"
    assert not (tmp_path / "bot.jsonl.1").is_symlink()


def test_a_second_process_is_refused(tmp_path):
    """Two that rotate one file would lose each other's lines."""
    first, second = log(tmp_path), log(tmp_path)
    first.put("first")
    with pytest.raises(OSError, match="expected to be the only process") as refused:
        second.put("second")
    assert refused.value.errno == errno.EBUSY
    first.close()
    second.put("second")
    assert (tmp_path / "bot.jsonl").read_text() == "first\nsecond\n"


def test_a_full_disk_loses_whole_lines_and_is_gone_on_with(tmp_path):
    """No half line stays behind, whatever part of it had found room."""
    try:
        with tiny_disk(tmp_path, 64 << 10) as folder:
            ballast = folder / "ballast"
            ballast.write_bytes(b"x" * (44 << 10))
            sink = Sink(log(folder, max_bytes=1 << 20), wait=True)
            for number in range(40):
                sink.write(f"{number:<999}")
            lost = sink.failed
            assert "No space left" in sink.trouble
            ballast.unlink()
            for number in range(40, 60):
                assert sink.trouble
                sink.write(f"{number:<999}")
            assert sink.trouble == ""
            written = numbers(folder / "bot.jsonl")
            assert 0 < lost < 40
            assert written == [*range(40 - lost), *range(40, 60)]
            sink.close()
    except NotPermittedError as error:
        pytest.skip(f"no small file system here: {error}")


def test_what_part_of_a_line_was_written_is_taken_back(tmp_path, monkeypatch):
    """Where the disk is full amid it; where even that fails, the next line begins on its own."""
    file = log(tmp_path)
    file.put("1")
    whole = os.write

    def halfway(fd: int, data: memoryview) -> int:
        if len(data) > 3:
            return whole(fd, data[:-3])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", halfway)
    with pytest.raises(OSError, match="No space left"):
        file.put("2222")
    assert (tmp_path / "bot.jsonl").read_text() == "1\n"
    monkeypatch.setattr(os, "ftruncate", lambda *_: halfway(0, memoryview(b"")))
    with pytest.raises(OSError, match="No space left"):
        file.put("3333")
    monkeypatch.undo()
    file.put("4")
    assert (tmp_path / "bot.jsonl").read_text() == "1\n33\n4\n"
