"""The benchmark: its arguments, its rows, and that what it compares is the same thing."""

import json
import subprocess
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from bot.book.measure import measure
from bot.lab.policies.fitted import FITTED
from bot.strategy.choice import offers
from greeks import black76
from tests.bench import c_kernel, days, hedging, importing, models, policies, rows, speed
from tests.bench.__main__ import main
from tests.bench.programs import BenchError, run
from tests.builders.books import NOW

TOP = Path(__file__).parents[2]


def test_make_passes_what_is_asked_for_to_the_benchmark():
    """ONLY and BENCH_JSON arrive as --only and --json."""
    command = ["make", "--dry-run", "--no-print-directory", "bench"]
    asked = [*command, "ONLY=greeks", "BENCH_JSON=rows.json"]
    shown = subprocess.run(asked, cwd=TOP, capture_output=True, text=True, check=True).stdout
    assert "python -m tests.bench --only greeks --json rows.json" in shown


def test_only_the_greeks_are_measured_and_written_as_rows(tmp_path, monkeypatch, capsys):
    """Without recorded data the agreement is named as skipped; kernels have positive times."""
    monkeypatch.delenv("DELTABAND_DATA", raising=False)
    monkeypatch.setattr(speed, "ROUNDS", 1)
    monkeypatch.setattr(importing, "ROUNDS", 1)
    monkeypatch.setattr(models, "PATHS", 200)
    monkeypatch.setattr(models, "ROUNDS", 1)
    file = tmp_path / "rows.json"
    assert main(["--only", "greeks", "--json", str(file)]) == 0
    written = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert {tuple(row) for row in written} == {("name", "value", "unit", "target", "met")}
    unset = [row["name"] for row in written if row["unit"] == "skipped: DELTABAND_DATA is not set"]
    assert unset == ["agreement", "surface.recorded"]
    kernels = [row for row in written if row["name"] not in unset]
    timed: dict[str, list[float]] = {}
    for row in (row for row in kernels if row["value"] is not None):
        timed.setdefault(row["name"].partition(".")[0], []).append(row["value"])
    assert set(timed) == {"exact", "speed", "surface", "paths", "bates", "import"}
    assert min(timed["speed"] + timed["surface"] + timed["paths"] + timed["import"]) > 0.0
    exact = {row["name"]: row["met"] for row in kernels if row["name"].startswith("exact.compiled")}
    assert set(exact.values()) == {True}
    assert len(exact) == 5
    absent = "skipped: nautilus: No module named" in " ".join(row["unit"] for row in kernels)
    assert absent is (find_spec("nautilus_trader") is None)
    assert " targets met, " in capsys.readouterr().out


def test_a_choice_is_timed_beside_a_measure_of_a_whole_book(monkeypatch):
    """Every option is another, every instrument may be used, and all figures are positive."""
    for options in hedging.SIZES.values():
        for hedges in hedging.HEDGES:
            made = hedging.desk_book(options, hedges)
            assert len(made.packed("BTC").columns.names) == options
            assert measure(made, "BTC", NOW).doubts == ()
            told = offers(made, "BTC", NOW, hedging.TIER, hedging.POLICY, hedging.TASK)
            assert [(one.why_not, one.funded) for one in told] == [(None, True)] * hedges
    monkeypatch.setattr(speed, "ROUNDS", 1)
    found = hedging.choices()
    assert len(found) == 3 * len(hedging.SIZES) * len(hedging.HEDGES)
    assert min(row.value or 0.0 for row in found) > 0.0


def test_rules_are_measured_beside_the_exact_solution(monkeypatch):
    """On few paths of one day: every market, every aversion, losses above nothing."""
    monkeypatch.delenv("DELTABAND_DATA", raising=False)
    for name, small in (("PATHS", 400), ("CHUNK", 200), ("STEPS", 24), ("ORACLE_STEPS", 24)):
        monkeypatch.setattr(policies, name, small)
    monkeypatch.setattr(policies, "FITTED_PATHS", 4_000)
    told = policies.policies()
    found = {row.name: row for row in told}
    value = {row.name: row.value for row in told if row.value is not None}
    for market in ("gbm25", "gbm50", "gbm80", "bates"):
        assert all(value[f"policies.{market}_loss_{g}"] > 0.0 for g in ("0.3", "1", "3"))
        assert found[f"policies.{market}_saved_4h"].target == ">= 0.4"
    for fitted in FITTED:
        assert value[f"policies.{fitted.name}_loss_1"] > 0.0
        assert 0.5 < value[f"policies.{fitted.name}_hybrid_1"] < 2.0
    least = [one for name, one in value.items() if name.startswith("policies.oracle_")]
    assert len(least) == 72
    assert min(least) >= 1.0
    assert 0.8 < value["policies.gbm50_over_exact_1"] < 1.2
    assert "skipped: DELTABAND_DATA is not set" in {row.unit for row in told}


def test_days_are_compared_with_trading_to_the_target():
    """Two short runs of one seed: what each paid, and the share that was saved where it paid."""
    found = {row.name: row.value or 0.0 for row in days.thrift(1, 0.02)}
    assert found["thrift.runs"] == 1
    assert found["thrift.to_target_fees"] > 0.0
    saved = 1.0 - found["thrift.ours_fees"] / found["thrift.to_target_fees"]
    assert found["thrift.fees_saved"] == pytest.approx(saved)
    assert found["thrift.delta_held"] > 0.9


def test_whatever_is_timed_computes_the_same(tmp_path):
    """A ratio of times means something only between equal answers."""
    inputs = speed.book(203)
    _, *rest = inputs
    ours = np.array(black76.first(inputs[0] > 0.0, *rest))
    found = np.empty((2, 5, 203))
    speed.careful(inputs, found[0], np.empty((6, 203)))
    c_kernel.first(tmp_path)(inputs, found[1])
    for theirs in found:
        np.testing.assert_allclose(theirs, ours, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    "row,met",
    [
        (rows.least("a.b", 0.98, "", 0.98), True),
        (rows.least("a.b", 0.979, "", 0.98), False),
        (rows.most("a.b", 10.0, "s", 10), True),
        (rows.most("a.b", 10.5, "s", 10), False),
        (rows.below("a.b", 0.05, "", 0.05), False),
        (rows.most("a.b", None, "s", 10), None),
        (rows.plain("a.b", 1.0), None),
    ],
)
def test_a_row_says_whether_its_target_was_met(row, met):
    """Bounds belong to what they allow, except where it must stay under; no value, no verdict."""
    assert row.met is met


def test_a_missed_target_stands_out_in_the_table():
    """Columns are aligned, numbers to the right."""
    shown = rows.table([rows.least("x.long_name", 0.5, "share", 0.98), rows.plain("x.y", 12_000)])
    assert shown.splitlines() == [
        "  x.long_name     0.5  share  >= 0.98  MISSED",
        "  x.y          12,000",
    ]


def test_a_program_that_fails_is_named_with_its_last_words():
    """A run that did not run is no figure."""
    with pytest.raises(BenchError, match=r"expected code 0, found 2: -m bot paper --for x: .*'x'"):
        run(["-m", "bot", "paper", "--for", "x"])


def test_a_short_run_fills_every_figure_of_the_days():
    """Ten minutes of market, twice: the same digest, a judged band and nothing refused."""
    found = {row.name: row for row in days.normal(1, 1.0 / 6.0)}
    assert found["days.digest_equal"].value == 1
    assert found["days.rejects"].value == 0
    assert found["days.delta_held"].met is True
    assert found["days.hedgeable_effectiveness"].met is True
    assert found["days.hedgeable_effectiveness"].value == pytest.approx(
        found["days.hedgeable_effectiveness_worst"].value
    )


def test_the_parts_of_a_run_add_up_to_its_time():
    """Each of the six parts takes some of it."""
    shares = {row.name: row.value or 0.0 for row in days.parts(1.0 / 12.0)}
    assert sorted(shares) == [
        f"parts.{part}" for part in ("core", "exchange", "journal", "loop", "market", "scorecard")
    ]
    assert sum(shares.values()) == pytest.approx(100.0)
    assert min(shares.values()) > 0.0
