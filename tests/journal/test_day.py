"""A trading day, read back from a journal: what it made, how it was hedged, what is missing."""

from contextlib import closing

import pytest

from bot.domain.units import DAY_NS, NS_PER_S, day_start
from bot.journal import Journal, Reader
from bot.journal.day import day_figures
from tests.journal.records import (
    CALL,
    T0,
    breach,
    decision,
    explained,
    fill,
    hedge_done,
    intent,
    paid,
    run_start,
)

DAY = day_start(T0)
MINUTES = (DAY + DAY_NS - T0) // (60 * NS_PER_S)
"""Minutes from the run's beginning to 08:00."""


@pytest.fixture
def journal(tmp_path):
    """Open a journal with a run in it."""
    with closing(Journal.open(tmp_path, "demo")) as journal:
        journal.begin_run(run_start())
        yield journal


def figures(journal, day_ns=DAY):
    """Return a day's figures, read by another connection."""
    journal.commit()
    with closing(Reader.open(journal.path.parents[1], "demo")) as reader:
        return day_figures(reader, day_ns)


def test_lines_are_sums_and_gross_counts_sizes(journal):
    """The collateral's own move and the unexplained are no part of gross."""
    for n in range(3):
        journal.record(explained(n))
    found = figures(journal)["coins"]["BTC"]
    assert found["lines"]["gamma"] == -90.0
    assert found["lines"]["translation"] == 300.0
    assert (found["total"], found["gross"]) == (3 * 78.5, 3 * 42.0)
    assert (found["equity_before"], found["equity"]) == (450_000.0, 450_000.0 + 3 * 78.5)
    assert found["watched_s"] == 180.0
    assert found["unseen_usd"] == 0.0


def test_a_day_has_the_steps_that_began_in_it(journal):
    """The step over the settlement belongs to the day that ends there."""
    for n in (MINUTES - 1, MINUTES, MINUTES + 1):
        journal.record(explained(int(n)))
    assert figures(journal)["coins"]["BTC"]["total"] == 78.5
    assert figures(journal, DAY + DAY_NS)["coins"]["BTC"]["total"] == 2 * 78.5
    assert figures(journal, DAY - DAY_NS)["coins"] == {}


def test_what_happened_between_two_runs_is_told(journal):
    """Nobody watched while the bot was down: the equity moved all the same."""
    journal.record(explained(0))
    journal.end_run({})
    journal.begin_run(run_start(fresh=False))
    journal.record(explained(5, equity_before=451_000.0, equity=451_078.5))
    found = figures(journal)["coins"]["BTC"]
    assert found["unseen_usd"] == pytest.approx(451_000.0 - 450_078.5)
    assert found["total"] == 2 * 78.5


def test_a_fresh_account_has_a_day_of_its_own(journal):
    """What another ledger made is another account's."""
    journal.record(explained(0))
    journal.end_run({})
    journal.begin_run(run_start())
    journal.record(explained(1, gamma=-1.0))
    assert figures(journal)["coins"]["BTC"]["lines"]["gamma"] == -1.0


def test_time_in_band_leaves_two_seconds_of_a_breach_once_a_minute(journal):
    """Five seconds outside, and half a minute later four more: 3 + 4 of 600."""
    for n in range(10):
        journal.record(explained(n))
    journal.record(breach(0))
    half = T0 + 30 * NS_PER_S
    journal.record(breach(0, start_ns=half, ts_ns=half + 4 * NS_PER_S, seconds=4.0, worst=-0.3))
    journal.record(breach(3, kind="gamma", seconds=1.0, worst=-0.1))
    band = figures(journal)["coins"]["BTC"]["band"]
    assert band["delta"]["time_in_band"] == pytest.approx(1.0 - 7.0 / 600.0)
    assert (band["delta"]["breaches"], band["delta"]["outside_s"]) == (2, 9.0)
    assert (band["delta"]["worst"], band["delta"]["seconds"]["max"]) == (-0.3, 5.0)
    assert band["gamma"]["time_in_band"] == 1.0
    assert band["gamma_expiring"]["seconds"] is None


def test_hedging_is_told_from_decision_to_fill(journal):
    """The wait is from the decision to the first fill of any of its orders."""
    journal.record(decision(1))
    journal.intent(intent(1))
    journal.fill(fill(1))
    journal.record(paid(1, as_maker=-33_000.0))
    journal.record(hedge_done(1))
    journal.record(paid(2, filled=0.0, slippage_bps=float("nan"), slippage_usd=0.0, fee_usd=0.0))
    journal.record(paid(3, instrument=CALL, purpose="gamma", slippage_bps=500.0, unit="coin"))
    found = figures(journal)["coins"]["BTC"]["hedging"]
    assert (found["hedges"], found["orders"], found["orders_filled"]) == (1, 3, 2)
    assert found["turnover_usd"] == 165_000.0
    assert found["trigger_to_fill_s"] == {"n": 1, "p50": 0.3, "p99": 0.3, "max": 0.3}
    assert found["slippage_bps"]["n"] == 1  # of an option's premium a basis point is another thing
    assert found["maker_share"] == pytest.approx(0.1)
    assert found["slippage_usd"] == pytest.approx(2 * 0.92)


def test_variance_is_what_hedging_took_away(journal):
    """A book that swings by 100 a minute, its hedges by 90 the other way: a hundredth is left."""
    for n in range(40):
        swing = 100.0 * (-1) ** n
        total, hedges = 0.1 * swing + 100.0, -0.9 * swing
        journal.record(explained(n, total=total, hedges=hedges, fees=-2.0))
    found = figures(journal)["coins"]["BTC"]["variance"]
    assert found["unhedged_usd_day"] == pytest.approx(100.0 * 1_440**0.5)
    assert found["hedged_usd_day"] == pytest.approx(10.0 * 1_440**0.5)
    assert found["effectiveness"] == pytest.approx(0.99)
    assert found["cost_usd_day"] == pytest.approx(2.0 * 1_440)
    removed = (100.0**2 - 10.0**2) * 1_440
    assert found["cost_per_variance"] == pytest.approx(2.0 * 1_440 / removed)


def test_too_few_steps_say_nothing_of_variance(journal):
    """Ten minutes are no day."""
    for n in range(10):
        journal.record(explained(n))
    assert figures(journal)["coins"]["BTC"]["variance"] is None


def test_a_step_that_could_not_be_figured_counts_as_nothing(journal):
    """NaN is NULL in the file, and no number in a sum."""
    journal.record(explained(0, gamma=float("nan"), equity=float("nan")))
    journal.record(explained(1))
    found = figures(journal)["coins"]["BTC"]
    assert (found["lines"]["gamma"], found["unseen_usd"]) == (-30.0, 0.0)


def test_a_breach_in_parts_is_one(journal):
    """Two parts of eleven minutes: one breach, whose first two seconds are left out once."""
    for n in range(20):
        journal.record(explained(n))
    ten = T0 + 600 * NS_PER_S
    journal.record(breach(0, ts_ns=ten, seconds=600.0, over=False))
    end = ten + 60 * NS_PER_S
    journal.record(breach(10, start_ns=ten, ts_ns=end, seconds=60.0, since_ns=T0))
    band = figures(journal)["coins"]["BTC"]["band"]["delta"]
    assert (band["breaches"], band["outside_s"], band["seconds"]["max"]) == (1, 660.0, 660.0)
    assert band["time_in_band"] == pytest.approx(1.0 - 658.0 / 1_200.0)


def test_a_book_of_dollars_is_judged_under_its_coin(journal):
    """Its steps are of USD, its bands of BTC."""
    for n in range(10):
        journal.record(explained(n, coin="USD"))
    journal.record(breach(0))
    coins = figures(journal)["coins"]
    assert coins["BTC"]["band"]["delta"]["time_in_band"] == pytest.approx(1.0 - 3.0 / 600.0)
    assert coins["USD"]["band"]["delta"]["time_in_band"] is None


def test_a_deposit_is_no_variance_of_trading(journal):
    """One step of a hundred thousand leaves the day's deviation as it was."""
    for n in range(40):
        swing = 100.0 * (-1) ** n
        journal.record(explained(n, total=0.1 * swing + 100.0, hedges=-0.9 * swing))
    before = figures(journal)["coins"]["BTC"]["variance"]
    journal.record(explained(40, total=1e5, unexplained=1e5))
    assert figures(journal)["coins"]["BTC"]["variance"] == before
