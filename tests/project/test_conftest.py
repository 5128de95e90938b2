"""The shared fixtures, seen from a small suite of their own."""

from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"

READS_DATA = """
def test_reads(data_dir):
    assert (data_dir / "SOURCES.md").exists()
"""
SKIPS_ANYHOW = """
import pytest
def test_reads(data_dir):
    pytest.skip("needs polars")
"""


@pytest.fixture
def suite(pytester):
    """Return a runner of a one-file suite beside the real conftest."""
    pytester.makeconftest(CONFTEST.read_text(encoding="utf-8"))

    def run(source):
        pytester.makepyfile(source)
        return pytester.runpytest_subprocess("-p", "no:randomly", "-p", "no:cacheprovider")

    return run


def test_without_recorded_data_a_test_is_skipped_and_the_summary_says_so(suite, monkeypatch):
    """A machine without the data is told what it did not test."""
    monkeypatch.delenv("DELTABAND_DATA", raising=False)
    result = suite(READS_DATA)
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["skipped: needs recorded data (DELTABAND_DATA) (1)"])


def test_with_recorded_data_a_test_reads_it(suite, monkeypatch, tmp_path):
    """The fixture is the folder that the variable names."""
    (tmp_path / "SOURCES.md").write_text("here", encoding="utf-8")
    monkeypatch.setenv("DELTABAND_DATA", str(tmp_path))
    suite(READS_DATA).assert_outcomes(passed=1)


def test_a_named_folder_that_is_missing_fails(suite, monkeypatch, tmp_path):
    """A wrong path is no reason to skip."""
    monkeypatch.setenv("DELTABAND_DATA", str(tmp_path / "gone"))
    result = suite(READS_DATA)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*DELTABAND_DATA must name a folder, found*gone*"])


def test_a_data_test_that_skips_although_the_data_is_there_fails(suite, monkeypatch, tmp_path):
    """A green run on a machine with the data means that the data was read."""
    monkeypatch.setenv("DELTABAND_DATA", str(tmp_path))
    result = suite(SKIPS_ANYHOW)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*this test must run, but it skipped: needs polars*"])


def test_reasons_to_skip_are_counted_together(suite):
    """The closing lines name each reason once."""
    result = suite("""
        import pytest
        @pytest.mark.parametrize("number", range(3))
        def test_page(number):
            pytest.skip("needs chromium")
        @pytest.mark.skip(reason="needs mosquitto")
        def test_broker():
            pass
        """)
    result.stdout.fnmatch_lines(["skipped: needs chromium (3)", "skipped: needs mosquitto (1)"])
