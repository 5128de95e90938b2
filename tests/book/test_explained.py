"""Profit and loss explained by hand: each kind of leg alone, what has no fill, and when."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from bot.book.explained import FRESH_NS, LONGEST_NS, AccountPnl
from bot.domain.events import Settled
from bot.domain.positions import HEDGE_TAG, Balance, Fill, Position
from bot.domain.records import Attribution
from bot.domain.units import NS_PER_S
from greeks import black76
from tests.builders.books import DAY_NS, NOW, PERPETUAL, BookBuilder, book, chain, quote

MINUTE_NS = 60 * NS_PER_S
FUTURE = "BTC-27MAR26"
LINES = (
    *("delta", "gamma", "theta", "vega", "vanna", "volga", "charm", "basis"),
    *("funding", "fees", "slippage", "translation", "unexplained"),
)


class Hands:
    """An account whose market and equity a test moves by hand."""

    def __init__(self, built: BookBuilder, currency: str = "BTC") -> None:
        self.builder, self.book = built, built.built()
        self.pnl = AccountPnl(currency, self.book)
        self.currency = currency

    def move(self, ns: int, index: float, vol: float = 0.6, **marks: float) -> int:
        """Show a market at so many ns after the beginning; return the time."""
        now_ns, times = NOW + ns, {"ts_ns": NOW + ns, "ts_venue_ns": NOW + ns}
        for one in self.builder.quotes or [quote()]:
            mark = marks.get(one.instrument.replace("-", "_"), index)
            level = {"bid": mark - 0.5, "ask": mark + 0.5, "mark": mark, "index": index}
            self.book.apply(replace(one, **level, **times))  # type: ignore[arg-type]
        if self.builder.rows:
            self.book.apply(chain(self.builder.rows, index=index, vol=vol, ts_ns=now_ns))
        return now_ns

    def report(self, now_ns: int, equity: float) -> Attribution | None:
        """Report the account's equity."""
        return self.pnl.report(Balance(self.currency, equity, equity, 0.0, 0.0), now_ns)

    def step(self, ns: int, before: float, after: float, index: float, **more) -> Attribution:
        """Return the step between two equities while the market moves."""
        assert self.report(NOW, before) is None
        found = self.report(self.move(ns, index, **more), after)
        assert found is not None
        assert sum(getattr(found, name) for name in LINES) == pytest.approx(found.total)
        return found


def of_perpetual(quantity: float, price: float, fee: float = 0.0, unit: str = "BTC") -> Fill:
    """Return a fill of ours."""
    made = book().perpetual(1).built().instruments[PERPETUAL].quantity(Decimal(str(quantity)))
    return Fill("t1", "db-1", PERPETUAL, made, Decimal(str(price)), fee, unit, False, NOW)


CASE_A = {
    "delta": 528.34,
    "gamma": 40.47,
    "theta": -63.86,
    "vega": 127.72,
    "vanna": 10.23,
    "volga": 0.45,
    "charm": -5.12,
}


@pytest.mark.parametrize("numeraire", ["usd", "coin"])
def test_the_case_of_the_formula_sheet(numeraire):
    """A long call for a day: 60,000 to 61,500, 60 % to 62 %; its lines in USD to the cent.

    In a coin book the call counts net of its premium, and all of the equity is translated.
    """
    hands = Hands(book(numeraire).long_call(65_000.0))
    start = black76.price(1.0, 60_000.0, 65_000.0, 30 / 365, 0.6)
    end = black76.price(1.0, 61_500.0, 65_000.0, 29 / 365, 0.62)
    before, after = 5.0 + float(start) / 60_000.0, 5.0 + float(end) / 61_500.0
    found = hands.step(DAY_NS, before, after, 61_500.0, vol=0.62)
    premium = float(start) / 60_000.0 * 1_500.0
    in_coin = numeraire == "coin"
    # Time passes on an average's variance: twenty minutes of thirty days are missing in theta.
    for name, usd in CASE_A.items():
        wanted = usd - premium if in_coin and name == "delta" else usd
        assert getattr(found, name) == pytest.approx(wanted, abs=0.35), name
    assert found.translation == pytest.approx(5.0 * 1_500.0 + (premium if in_coin else 0.0))
    assert found.unexplained == pytest.approx(-3.51, abs=0.05)
    assert found.basis == pytest.approx(0.0, abs=1e-9)
    assert (found.hedges, found.unpriced) == (0.0, 0)


def test_a_perpetual_earns_delta_basis_and_funding():
    """60,000 USD long at par: a coin of delta; a premium that opens is basis, a rate is paid."""
    hands = Hands(book().perpetual(60_000.0))
    hands.builder.quotes = [replace(q, funding_8h=0.0008) for q in hands.builder.quotes]
    hands.move(0, 60_000.0)
    earned = 60_000.0 * (1.0 / 60_000.0 - 1.0 / 60_300.0)
    paid = 0.0008 * 60.0 / 28_800.0 * 60_000.0 / 60_300.0
    equity = 1.0 + earned - paid
    found = hands.step(MINUTE_NS, 1.0, equity, 60_240.0, BTC_PERPETUAL=60_300.0)
    assert found.delta == pytest.approx(240.0)
    assert found.basis == pytest.approx(earned * 60_240.0 - 240.0)
    assert found.funding == pytest.approx(-paid * 60_240.0)
    assert found.translation == pytest.approx(240.0)
    assert found.unexplained == pytest.approx(0.0, abs=1e-6)


def test_what_is_linear_is_explained_in_dollars():
    """A linear call settles in USD: no translation, and a book of coins has no part in it."""
    hands = Hands(book().option(2.0, 65_000.0, linear=True).coins(5.0), "USD")
    start = black76.price(1.0, 60_000.0, 65_000.0, 30 / 365, 0.6)
    end = black76.price(1.0, 60_060.0, 65_000.0, (30 - 1 / 1_440) / 365, 0.6)
    found = hands.step(MINUTE_NS, 1_000.0 + 2 * float(start), 1_000.0 + 2 * float(end), 60_060.0)
    assert found.delta == pytest.approx(2 * 0.35222 * 60.0, rel=1e-3)
    assert (found.translation, found.index, found.unpriced) == (0.0, 1.0, 0)
    assert found.unexplained == pytest.approx(0.0, abs=0.05)
    assert Hands(hands.builder, "BTC").step(MINUTE_NS, 5.0, 5.0, 60_060.0).delta == 0.0


def test_a_fill_pays_slippage_and_a_fee_and_earns_from_its_own_moment():
    """Bought 30 USD above the mark; the move before it is not its own."""
    hands = Hands(book().perpetual())
    hands.report(NOW, 1.0)
    at_ns = hands.move(20 * NS_PER_S, 60_600.0)
    hands.pnl.fill(of_perpetual(60_630.0, 60_630.0, fee=0.0005), at_ns)
    end_ns = hands.move(MINUTE_NS, 60_900.0)
    earned = 60_630.0 * (1.0 / 60_630.0 - 1.0 / 60_900.0) - 0.0005
    found = hands.report(end_ns, 1.0 + earned)
    assert found is not None
    assert found.slippage == pytest.approx(60_630.0 * (1 / 60_630.0 - 1 / 60_600.0) * 60_900.0)
    assert found.fees == pytest.approx(-0.0005 * 60_900.0)
    assert found.delta == pytest.approx(60_630.0 / 60_600.0 * 300.0)
    assert found.translation == pytest.approx(900.0)
    assert found.unexplained == pytest.approx(0.0, abs=1e-6)
    assert found.hedges == pytest.approx(found.delta + found.slippage + found.fees)


def test_an_option_that_is_bought_is_marked_when_it_joins():
    """What it cost above its mark is slippage; the coins that it cost are translated no more."""
    hands = Hands(book().long_call(65_000.0, 0.0).perpetual())
    hands.report(NOW, 1.0)
    at_ns = hands.move(30 * NS_PER_S, 60_300.0)
    call = hands.builder.rows[0].instrument
    years = (30.0 - 30.0 / 86_400.0) / 365.0
    mark = float(black76.price(1.0, 60_300.0, 65_000.0, years, 0.6)) / 60_300.0
    paid = Decimal("0.0420")
    fill = Fill("t2", "db-2", call.name, call.quantity(Decimal(3)), paid, 0.0, "BTC", False, at_ns)
    hands.pnl.fill(fill, at_ns)
    end_ns = hands.move(MINUTE_NS, 60_420.0)
    years -= 30.0 / 86_400.0 / 365.0
    worth = float(black76.price(1.0, 60_420.0, 65_000.0, years, 0.6)) / 60_420.0
    found = hands.report(end_ns, 1.0 + 3.0 * (worth - float(paid)))
    assert found is not None
    assert found.slippage == pytest.approx(3.0 * (mark - float(paid)) * 60_420.0)
    assert found.translation == pytest.approx(420.0 - 3.0 * mark * 120.0)
    assert found.unexplained == pytest.approx(0.0, abs=0.01)


def test_what_settles_pays_its_payoff_less_the_delivery_fee():
    """A call in the money and a dated future, both gone before the step ends."""
    hands = Hands(book().option(-1.0, 59_000.0, days=1.0).future(FUTURE, 59_000.0, 60_000.0))
    hands.report(NOW, 1.0)
    hands.move(MINUTE_NS, 60_000.0)
    call, future = hands.builder.rows[0].instrument.name, hands.book.instruments[FUTURE]
    for name in (call, FUTURE):
        hands.pnl.settle(name, 60_100.0, NOW + MINUTE_NS)
        hands.book.apply(Settled(NOW + MINUTE_NS, name, 60_100.0))
    found = hands.report(NOW + MINUTE_NS, 1.0)
    assert found is not None
    assert future.unit == "usd"
    call_fee = min(0.00015, 0.125 * 1_100.0 / 60_100.0)
    future_fee = 0.00025 * 59_000.0 / 60_100.0
    assert found.fees == pytest.approx(-(call_fee + future_fee) * 60_000.0)
    assert found.basis != 0.0
    after = hands.report(hands.move(2 * MINUTE_NS, 60_500.0), 1.0)
    assert after is not None
    assert (after.delta, after.fees) == (0.0, 0.0)
    assert after.translation == pytest.approx(500.0)


def test_what_has_no_fill_is_unexplained_once():
    """A deposit, and what an owner bought by hand; the position counts from then on."""
    hands = Hands(book().perpetual())
    found = hands.step(MINUTE_NS, 1.0, 1.5, 60_000.0)
    assert found.unexplained == pytest.approx(0.5 * 60_000.0)
    dollars = hands.book.instruments[PERPETUAL].quantity(Decimal(60_000))
    hands.book.adopt((Position(PERPETUAL, dollars),), ())
    assert hands.report(hands.move(2 * MINUTE_NS, 60_300.0), 1.5) is not None
    earned = 60_000.0 * (1.0 / 60_300.0 - 1.0 / 60_600.0)
    later = hands.report(hands.move(3 * MINUTE_NS, 60_600.0), 1.5 + earned)
    assert later is not None
    assert later.unexplained == pytest.approx(0.0, abs=1e-6)
    assert later.hedges == 0.0
    assert later.delta == pytest.approx(300.0 * 60_000.0 / 60_300.0)


def test_our_part_of_what_an_owner_holds_too_is_told_apart():
    """Half of the perpetual is our hedge's."""
    hands = Hands(book().future(PERPETUAL, 60_000.0).future(FUTURE, 0.0))
    hedge = hands.book.instruments[PERPETUAL].quantity(Decimal(-30_000))
    hands.book.holdings.restore_hedges((Position(PERPETUAL, hedge, HEDGE_TAG),), ())
    earned = 30_000.0 * (1.0 / 60_000.0 - 1.0 / 60_600.0)
    found = hands.step(MINUTE_NS, 1.0, 1.0 + earned, 60_600.0)
    assert found.delta == pytest.approx(300.0)
    assert found.hedges == pytest.approx(-300.0)


def test_a_leg_without_a_price_is_counted_and_explains_nothing():
    """Its volatility was never told: after ten minutes the step closes without it."""
    made = book().short_call(65_000.0).perpetual(60_000.0)
    hands = Hands(made)
    assert hands.report(NOW, 1.0) is None
    made.rows[0].vol = float("nan")
    made.option(-1.0, 70_000.0, vol=float("nan"))
    blind = Hands(made)
    assert blind.report(NOW, 1.0) is None
    assert blind.report(blind.move(MINUTE_NS, 60_000.0), 1.0) is None  # still has no beginning
    hands.builder.rows = []
    found = hands.report(hands.move(LONGEST_NS, 60_600.0), 1.0)
    assert found is not None
    assert found.delta != 0.0


# when a step ends


def test_a_step_ends_with_the_first_report_after_the_minute():
    """Reports within it are passed over."""
    hands = Hands(book().perpetual())
    hands.report(NOW, 1.0)
    for second in (10, 30, 59):
        assert hands.report(hands.move(second * NS_PER_S, 60_000.0), 1.0) is None
    found = hands.report(hands.move(61 * NS_PER_S, 60_000.0), 1.0)
    assert found is not None
    assert (found.start_ns, found.ts_ns) == (NOW, NOW + 61 * NS_PER_S)


def test_a_step_does_not_end_on_a_fill_or_on_old_prices():
    """A report and a fill come over different ways; a report beside a dead feed waits for it."""
    hands = Hands(book().perpetual(60_000.0))
    hands.report(NOW, 1.0)
    at_ns = hands.move(60 * NS_PER_S, 60_000.0)
    hands.pnl.fill(of_perpetual(10.0, 60_000.0), at_ns)
    assert hands.report(at_ns + NS_PER_S, 1.0) is None
    assert hands.report(at_ns + FRESH_NS + NS_PER_S, 1.0) is None
    assert hands.report(hands.move(70 * NS_PER_S, 60_000.0), 1.0) is not None


@pytest.mark.parametrize("equity", [float("nan"), float("inf")])
def test_an_equity_that_is_no_number_ends_nothing(equity):
    """The next one does."""
    hands = Hands(book().perpetual())
    hands.report(NOW, 1.0)
    end_ns = hands.move(MINUTE_NS, 60_000.0)
    assert hands.report(end_ns, equity) is None
    assert hands.report(end_ns, 1.0) is not None


def of_expiry(hands: Hands, left_s: int, index: float) -> int:
    """Show a market so many seconds before the option's expiry; return the time."""
    (option,) = (one for one in hands.book.instruments.values() if one.is_option)
    return hands.move((option.expiry_ns or 0) - NOW - left_s * NS_PER_S, index)


def held_into_its_window() -> tuple[Hands, str]:
    """Return a long call whose average has been taken at 60,000 but for the last minute."""
    hands = Hands(book().long_call(55_000.0))
    for left_s in range(1_860, 90, -1):
        of_expiry(hands, left_s, 60_000.0)
    assert hands.report(of_expiry(hands, 90, 60_000.0), 5.0 + 5_000.0 / 60_000.0) is None
    return hands, next(name for name, one in hands.book.instruments.items() if one.is_option)


def test_between_expiry_and_settlement_no_step_ends():
    """An exchange tells the price seconds later: until then the index alone would say too much."""
    hands, name = held_into_its_window()
    step = hands.report(of_expiry(hands, 61, 60_000.0), 5.0 + 5_000.0 / 60_000.0)
    assert step is None
    assert hands.report(of_expiry(hands, 60, 60_000.0), 5.0 + 5_000.0 / 60_000.0) is not None
    worth = 5_020.0 / 60_020.0
    for left_s in (0, -1, -2):
        assert hands.report(of_expiry(hands, left_s, 60_600.0), 5.0 + worth) is None
    now_ns = of_expiry(hands, -3, 60_600.0)
    hands.pnl.settle(name, 60_020.0, now_ns)
    hands.book.apply(Settled(now_ns, name, 60_020.0))
    step = hands.report(now_ns, 5.0 + worth - 0.00015)
    assert step is not None
    assert step.delta == pytest.approx(20.0, abs=0.5)
    assert step.unexplained == pytest.approx(0.0, abs=0.1)
    assert step.unpriced == 0


def test_an_expired_option_whose_settlement_never_comes_has_no_price():
    """After ten minutes the step ends all the same, and does not follow the index with it."""
    hands, _ = held_into_its_window()
    hands.report(of_expiry(hands, 60, 60_000.0), 5.0 + 5_000.0 / 60_000.0)
    step = hands.report(of_expiry(hands, 60 - 600, 66_000.0), 5.0 + 5_000.0 / 60_000.0)
    assert step is not None
    assert (step.unpriced, step.delta) == (1, 0.0)


def test_an_account_with_something_unpriced_is_explained_all_the_same():
    """A first step does not wait for ever for what has no price."""
    hands = Hands(book().perpetual(60_000.0).option(1.0, 65_000.0))
    (name,) = (row.instrument.name for row in hands.builder.rows)
    hands.builder.rows[0].vol = float("nan")
    times = range(0, LONGEST_NS + 3 * MINUTE_NS, MINUTE_NS)
    steps = [hands.report(hands.move(ns, 60_000.0), 1.0) for ns in times]
    assert not any(steps[:11])
    found = hands.report(hands.move(2 * LONGEST_NS, 60_600.0), 1.0)
    assert found is not None
    assert (found.unpriced, name) == (1, name)
    assert found.delta == pytest.approx(600.0)


def test_a_late_fill_of_an_order_that_positions_have_made_good_counts_once():
    """Of an earlier run, or credited from a report: the step began with its position."""
    hands = Hands(book().perpetual(60_000.0))
    assert hands.report(hands.move(0, 60_000.0), 1.0) is None
    hands.book.holdings.closed.add("db-1")
    hands.pnl.fill(of_perpetual(60_000.0, 60_010.0, fee=0.0005), hands.move(NS_PER_S, 60_000.0))
    earned = 60_000.0 * (1.0 / 60_000.0 - 1.0 / 60_060.0)
    found = hands.report(hands.move(MINUTE_NS, 60_060.0), 1.0 + earned)
    assert found is not None
    assert found.delta == pytest.approx(60.0)
    assert found.fees == 0.0
    assert found.unexplained == pytest.approx(0.0, abs=1e-6)
