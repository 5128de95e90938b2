"""What nobody can explain is told once it is large, and a fault of explaining stops no hedge."""

from dataclasses import fields, replace

import pytest

from bot.book.explained import AccountPnl
from bot.desk.profit import DEVIATIONS, PART_OF_GROSS, TRIFLE, Profit, Unexplained, gross
from bot.domain.reasons import Reason
from bot.domain.records import Attribution, Doubt
from bot.domain.units import DAY_NS, NS_PER_S, SETTLEMENT_NS
from tests.builders.books import NOW, book
from tests.builders.scripted_desk import BALANCE

MINUTE_NS = 60 * NS_PER_S


def step(n: int = 0, **changed: float) -> Attribution:
    """Return the step of minute `n` of a day, without any line but those that are given."""
    lines = {f.name: 0.0 for f in fields(Attribution)} | {"equity_before": 300_000.0}
    start_ns = NOW + n * MINUTE_NS
    about = {"coin": "BTC", "start_ns": start_ns, "ts_ns": start_ns + MINUTE_NS, "unpriced": 0}
    return Attribution(**(lines | about | changed))  # type: ignore[arg-type]


def test_a_trifle_wakes_nobody():
    """A hundredth of a percent of the account may stay unexplained all day."""
    watched = Unexplained("BTC")
    assert watched.see(step(0, unexplained=TRIFLE * 300_000.0 - 1.0)) is None


def test_a_deposit_is_told_at_once_and_once():
    """It must not excuse itself by what chance leaves in steps like it."""
    watched = Unexplained("BTC")
    for n in range(30):
        assert watched.see(step(n, unexplained=0.5 * (-1) ** n, gamma=20.0)) is None
    told = watched.see(step(30, unexplained=10_000.0))
    assert told is not None
    assert (told.because.reason, told.coin, told.active) == (Reason.PNL_UNEXPLAINED, "BTC", True)
    assert told.because.numbers["unexplained_usd"] == pytest.approx(10_000.0)
    assert watched.see(step(31, unexplained=0.5)) is None
    assert watched.see(step(32, unexplained=-10_000.0)).active is False  # type: ignore[union-attr]


def test_the_limit_is_a_part_of_what_the_lines_came_to():
    """A storm may leave more; translation is no line of its own here."""
    watched = Unexplained("BTC")
    left = 0.99 * 20_000.0 * PART_OF_GROSS
    assert watched.see(step(0, gamma=-20_000.0, unexplained=left)) is None
    assert Unexplained("BTC").see(step(0, translation=20_000.0, unexplained=left)) is not None


def test_chance_is_given_what_steps_leave_by_it():
    """Three deviations of all steps together."""
    watched = Unexplained("BTC")
    for n in range(100):
        assert watched.see(step(n, unexplained=20.0 * (-1) ** n)) is None
    limit = DEVIATIONS * 20.0 * 10.0
    assert watched.see(step(100, unexplained=0.95 * limit)) is None
    assert watched.see(step(101, unexplained=600.0)) is not None


def test_a_day_begins_at_0800_with_the_step_that_begins_in_it():
    """The step over the settlement belongs to the day that ends there."""
    watched = Unexplained("BTC")
    before = (SETTLEMENT_NS - NOW % DAY_NS) // MINUTE_NS - 1
    assert watched.see(step(before, unexplained=1_000.0)) is not None
    assert watched.total == 1_000.0
    assert watched.see(step(before + 1, unexplained=1.0)).active is False  # type: ignore[union-attr]
    assert watched.total == 1.0


def test_gross_counts_sizes():
    """What cancels out is there all the same."""
    assert gross(step(gamma=-30.0, theta=20.0, translation=500.0, unexplained=7.0)) == 50.0


@pytest.mark.parametrize(
    "fault", [ZeroDivisionError("no index"), KeyError("BTC-X"), TypeError("no mark")]
)
def test_a_fault_of_explaining_is_told_and_the_currency_begins_anew(monkeypatch, fault):
    """Trading must not hang on a report."""
    profit = Profit(book().perpetual(10.0).built())

    def broken(*_, **__):
        raise fault

    monkeypatch.setattr(AccountPnl, "report", broken)
    (told,) = profit.report([BALANCE], NOW)
    assert isinstance(told.record, Doubt)  # type: ignore[union-attr]
    assert type(fault).__name__ in told.record.because.subject  # type: ignore[union-attr]
    monkeypatch.undo()
    assert profit.report([BALANCE], NOW) == []


def test_a_balance_that_another_currency_only_repeats_ends_no_step():
    """It is of the time when it was first told; prices have moved on."""
    profit = Profit(book().perpetual(10.0).built())
    heard = []

    def report(_self, _balance, _now_ns, *, news):
        heard.append(news)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AccountPnl, "report", report)
        for balance in (BALANCE, BALANCE, replace(BALANCE, equity=4.9), BALANCE):
            profit.report([balance], NOW)
    assert heard == [True, False, True, True]
