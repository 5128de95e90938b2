"""The trading day: what counts as a loss, where it begins, and fees before the first index."""

import math

import pytest

from bot.book.book import UnderlyingRules
from bot.book.numeraire import Numeraire
from bot.desk.floor import DayTotals
from bot.domain.events import Filled, PositionsReport
from bot.domain.positions import Balance
from bot.domain.units import NS_PER_S, day_start, utc_ns
from tests.builders.books import PERPETUAL
from tests.builders.fills import fill
from tests.builders.scripted_desk import CALL, ScriptedDesk, desk_rules

SHORT = {CALL.name: "-1"}


def _balance(equity):
    return Balance("BTC", equity, equity, 0.0, 0.0)


def _reports(desk, equity):
    desk.handle(PositionsReport(desk.now_ns, (), (_balance(equity),)))


def _day(desk):
    return desk.core.floor.day("BTC", desk.now_ns)


@pytest.mark.parametrize(
    "numeraire, counted, loss",
    [
        ("usd", "exclude", 0.1 * 54_000.0),
        ("usd", 2.0, 0.1 * 54_000.0 + 2.0 * 6_000.0),
        ("usd", "include", 5.0 * 60_000.0 - 4.9 * 54_000.0),
        ("coin", "exclude", 0.1 * 54_000.0),
        ("coin", "include", 0.1 * 54_000.0),
    ],
)
def test_collateral_loses_its_price_change_only_where_it_is_counted(numeraire, counted, loss):
    """A tenth of a coin is lost while the index falls by a tenth."""
    measure = UnderlyingRules("BTC", Numeraire(numeraire), counted, ("perpetual",))
    desk = ScriptedDesk(rules=desk_rules(measure=measure)).started()
    _reports(desk, 5.0)
    desk.wait(1.0).market(54_000.0)
    assert _day(desk).loss_usd(_balance(4.9), 54_000.0) == pytest.approx(loss)


def test_a_gain_is_no_loss():
    """Limits look at losses alone."""
    day = DayTotals()
    day.see_equity(5.0, 60_000.0)
    assert day.loss_usd(_balance(5.1), 60_000.0) == 0.0


@pytest.mark.parametrize("equity, index", [(math.nan, 60_000.0), (4.9, math.nan)])
def test_a_loss_that_cannot_be_computed_is_within_no_limit(equity, index):
    """NaN compares false with everything, which must not read as allowed."""
    day = DayTotals()
    day.see_equity(5.0, 60_000.0)
    assert day.loss_usd(_balance(equity), index) == math.inf


def test_the_day_begins_with_the_first_balance_after_settlement():
    """Not with the one before 08:00, and not when something is first proposed."""
    desk = ScriptedDesk(now_ns=utc_ns(2026, 1, 12, 7, 59) + 50 * NS_PER_S).started()
    _reports(desk, 5.0)
    desk.wait(15.0)
    assert _day(desk).start_equity is None
    _reports(desk, 4.0)
    desk.wait(60.0)
    _reports(desk, 3.0)
    assert _day(desk).start_equity == 4.0
    assert _day(desk).loss_usd(_balance(3.0), 60_000.0) == pytest.approx(60_000.0)


def test_a_balance_that_is_not_a_number_begins_no_day():
    """The next one does."""
    day = DayTotals()
    day.see_equity(math.nan, 60_000.0)
    day.see_equity(5.0, 60_000.0)
    assert day.start_equity == 5.0


def test_a_futures_fee_before_the_first_index_is_valued_at_its_own_price():
    """So that the day's fees stay a number."""
    desk = ScriptedDesk()
    desk.listed()
    done = fill(PERPETUAL, 600, trade="t1", price=60_000.0, fee=1e-4, ts_ns=desk.now_ns)
    desk.handle(Filled(desk.now_ns, done))
    assert _day(desk).fees_usd == pytest.approx(6.0)


def test_an_options_fee_before_the_first_index_waits_for_it():
    """Its price is in coin and says nothing about dollars."""
    desk = ScriptedDesk()
    desk.listed()
    done = fill(CALL.name, 1, trade="t1", price=0.03, fee=3e-4, ts_ns=desk.now_ns)
    desk.handle(Filled(desk.now_ns, done))
    assert _day(desk).fees_usd == 0.0
    desk.wait(0.5).market(50_000.0)
    assert _day(desk).fees_usd == pytest.approx(15.0)


@pytest.mark.parametrize("hour, before_s", [(8, 0), (9, 3_600), (7, 23 * 3_600)])
def test_a_day_starts_at_0800(hour, before_s):
    """The last one, counted in UTC."""
    now_ns = utc_ns(2026, 1, 12, hour, 0)
    assert now_ns - day_start(now_ns) == before_s * NS_PER_S
