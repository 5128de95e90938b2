"""The page of failing connections is its own memory."""

from tests.processes.page import HEADING, PAGE, Run, counts, runs, written

RUN = Run("abc", 3, 60, 7, 2, "4 of 4", 0)


def test_a_kept_run_adds_its_row_and_its_counts():
    """What stands before and after the table stays."""
    page = "# Page\n\n## Results\n\n| a | b |\n|---|---|\n| c | 4 |\n"
    once = written(page, RUN, {"cut": 3, "half-open": 4, "10028 and closed": 0})
    twice = written(f"{once}\n## After\n\nwords\n", RUN, {"cut": 1, "10028 and closed": 2})
    assert runs(twice) == [RUN, RUN]
    assert counts(twice) == {"cut": 4, "half-open": 4, "10028 and closed": 2}
    assert once.startswith(page.rstrip())
    assert twice.startswith(page.rstrip())
    assert twice.endswith("\n## After\n\nwords\n")
    assert "\n14 of 3 kinds in 120 s, of the rarest (10028 and closed) 2, 0 violations." in twice


def test_the_page_adds_up():
    """Each fault that a run counts is one of a kind."""
    text = PAGE.read_text(encoding="utf-8")
    assert HEADING in text
    assert sum(run.faults for run in runs(text)) == sum(counts(text).values())
    assert all(run.broken == 0 for run in runs(text))
