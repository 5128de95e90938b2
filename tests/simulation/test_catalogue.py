"""The catalogue is whole, what it names exists, and its page says the same."""

import re
from pathlib import Path

from tests.simulation.campaign.catalogue import CATALOGUE, Reached
from tests.simulation.campaign.page import (
    PAGE,
    Caught,
    Run,
    counts,
    faults,
    in_tests,
    planted,
    recounted,
    replanted,
    runs,
    written,
)
from tests.simulation.campaign.scenario import misfortunes, weather

ROOT = Path(__file__).parents[2]
BY_THEMSELVES = {"F14", "F21", "F22", "F51", "F54", "F83"}
RUN = Run("1:2", 0.5, 1.0, 40, 3, 20, 0, "abc")


def test_every_fault_has_its_row_in_order():
    """F01 to F87, each once."""
    assert [one.code for one in CATALOGUE] == [f"F{n:02d}" for n in range(1, 88)]


def test_what_reaches_a_fault_exists():
    """Every path that is named, and a word where nothing can reach it."""
    for one in CATALOGUE:
        for name in re.findall(r"tests/[\w/.]+\w", one.by):
            assert (ROOT / name).exists(), (one.code, name)
        assert one.by or one.reached is Reached.SIMULATION


def test_every_simulation_fault_can_strike():
    """Its code is one of the weather's, of the mishaps' or of what the market brings itself."""
    striking = {fault.code for fault in (*weather(1), *misfortunes(1))} | BY_THEMSELVES
    said = {one.code for one in CATALOGUE if one.reached is Reached.SIMULATION and not one.by}
    assert said <= striking
    assert striking - said <= {"F44", "F36"}


def test_the_page_has_the_catalogue():
    """Its table is what the catalogue and the counts make of it."""
    text = PAGE.read_text(encoding="utf-8")
    assert "\n".join(faults(counts(text), in_tests(text))) in text
    assert all(run.broken == 0 for run in runs(text))


def test_a_kept_run_adds_its_row_and_its_counts():
    """The page is its own memory."""
    once = written("# Page\n\nwords\n\n## Runs\n\n## Faults\n", RUN, {"F01": 3})
    twice = written(once, RUN, {"F01": 4, "F31": 1})
    assert runs(twice) == [RUN, RUN]
    assert counts(twice)["F01"] == 7
    assert counts(twice)["F31"] == 1
    assert twice.startswith("# Page\n\nwords\n\n## Runs\n\n2 hours, 80 faults, 6 crash points, 0 ")


def test_what_tests_count_replaces_what_they_counted_before_and_survives_a_run():
    """They make the same faults strike each time: a sum of runs would say nothing."""
    page = written("# Page\n\n## Runs\n\n## Faults\n", RUN, {"F01": 3})
    once = recounted(page, {"F45": 7, "F01": 9})
    twice = written(recounted(once, {"F45": 8}), RUN, {"F01": 4})
    assert in_tests(page) == {}
    assert (in_tests(once), counts(once)["F01"]) == ({"F45": 7}, 3)
    assert (in_tests(twice), counts(twice)["F01"]) == ({"F45": 8}, 7)
    assert once.replace(" (7 in a run)", "") == page


def test_planted_bugs_survive_a_run_and_are_replaced_whole():
    """A run is added above them; another list takes the place of the last."""
    page = written("# Page\n\n## Runs\n\n## Faults\n", RUN, {"F01": 3})
    bug, other = (Caught(name, "is | wrong", "I9", "seed 3, 0.3 h") for name in ("a-b", "c-d"))
    once = replanted(page, [bug, other], "abc")
    assert planted(once) == {"a-b": "I9", "c-d": "I9"}
    assert once.startswith(page.rstrip())
    again = replanted(written(once, RUN, {"F01": 4}), [bug], "def")
    assert planted(again) == {"a-b": "I9"}
    assert (runs(again), counts(again)["F01"]) == ([RUN, RUN], 7)
    assert "\n1 of 1 caught at def," in again
    assert written(again, None, {}) == again
    assert written(page, None, {}) == page
