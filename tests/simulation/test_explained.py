"""Profit and loss explained on synthetic days: the exchange's own equity, to a hundredth.

The equity, the fees and the funding are the exchange's; what the bot says they came from is held
against them.
"""

from functools import cache
from itertools import pairwise

import pytest

from bot.desk.profit import gross
from bot.domain.commands import Note
from bot.domain.records import Attribution
from bot.sim.market import SyntheticMarket
from tests.simulation.drive import PERPETUAL, START_NS, Drive, book, mark_of, seconds, start

BOOK = (
    ("BTC-30JAN26-90000-C", -5.0),
    ("BTC-30JAN26-90000-P", -5.0),
    ("BTC-9JAN26-88000-P", 3.0),
    ("BTC-5JAN26-92000-C", -2.0),  # settles at 08:00
)
DAYS = (("usd", "normal", 1), ("coin", "normal", 2), ("usd", "crash", 2))
HOURS = 3.6
LINES = (
    *("delta", "gamma", "theta", "vega", "vanna", "volga", "charm", "basis"),
    *("funding", "fees", "slippage", "translation", "unexplained"),
)


@cache
def driven(numeraire: str, regime: str, seed: int) -> Drive:
    """Run from 06:30 over the settlement, in the crash to after its first fall."""
    settings = book(*BOOK, numeraire=numeraire, band=0.3, regime=regime)
    return start(settings, Marks(), seed=seed).until(START_NS + seconds(HOURS * 3_600))


@pytest.fixture(params=DAYS, ids=lambda kind: "-".join(map(str, kind)))
def day(request):
    """Return a day's kind, run and steps."""
    drive = driven(*request.param)
    return request.param, drive, drive.of(Attribution)


def of_a_jump(kind, step) -> bool:
    """Tell whether the market jumped during a step."""
    _, regime, seed = kind
    jumps = SyntheticMarket(seed, regime, START_NS).jumps(step.ts_ns)
    return any(jump.end_ns >= step.start_ns and jump.coin == "BTC" for jump in jumps)


def test_steps_follow_on_each_other_and_add_up(day):
    """A minute each, from the first to the last equity that the exchange reported."""
    _, drive, steps = day
    assert len(steps) >= HOURS * 60 - 4
    for before, after in pairwise(steps):
        assert (before.ts_ns, before.equity) == (after.start_ns, after.equity_before)
    for step in steps:
        assert sum(getattr(step, name) for name in LINES) == pytest.approx(step.total, abs=1e-6)
        assert step.total == pytest.approx(step.equity - step.equity_before, abs=1e-6)
        assert step.unpriced == 0
    equity = drive.exchange.equity()["BTC"] * drive.exchange.index["BTC"]
    assert steps[-1].equity == pytest.approx(equity, rel=2e-3)  # it is a minute old at most


def test_what_no_line_explains_is_small_where_the_market_did_not_jump(day):
    """Two hundredths of the lines' sizes were promised, over all minutes but those of a jump."""
    kind, _, steps = day
    jumps = [step for step in steps if of_a_jump(kind, step)]
    assert len(jumps) <= 3
    calm = [step for step in steps if step not in jumps]
    unexplained = sum(abs(step.unexplained) for step in calm)
    assert unexplained < 0.005 * sum(map(gross, calm))
    assert unexplained > 0.0
    if kind[1] == "crash":
        assert jumps
        assert max(map(gross, jumps)) > 10 * max(map(gross, calm))


def test_fees_and_funding_are_what_the_exchange_charged(day):
    """In coin: trading and delivery to the last digit, funding by the rate that was quoted."""
    _, drive, steps = day
    charged = drive.exchange.account.charges["BTC"]
    assert sum(step.fees / step.index for step in steps) == pytest.approx(-charged.fees, rel=1e-6)
    funding = sum(step.funding / step.index for step in steps)
    assert funding == pytest.approx(-charged.funding, rel=0.1)
    assert charged.fees > 0.0


def test_what_our_hedges_made_is_what_their_trades_made(day):
    """Only the perpetual hedges, so its trades and its last price say what it earned, in coin."""
    _, drive, steps = day
    until_ns, mark = steps[-1].ts_ns, driven_marks(drive)[steps[-1].ts_ns]
    earned = 0.0
    for _, event in drive.fills:
        fill = event.fill
        assert fill.instrument == PERPETUAL
        if event.ts_ns <= until_ns:
            earned += float(fill.quantity) * (1.0 / float(fill.price) - 1.0 / mark) - fill.fee
    hedges = sum((step.hedges - step.funding) / step.index for step in steps)
    assert hedges == pytest.approx(earned, abs=2e-5)
    assert abs(earned) > 2e-4


class Marks:
    """Keeps the perpetual's mark of the moment at which each step ended."""

    def __init__(self):
        self.at: dict[int, float] = {}

    def __call__(self, drive, event, commands):
        """Look at what was just said."""
        for command in commands:
            if isinstance(command, Note) and isinstance(command.record, Attribution):
                self.at[event.ts_ns] = mark_of(drive, PERPETUAL).mark


def driven_marks(drive: Drive) -> dict[int, float]:
    """Return what the run's eye kept."""
    (eye,) = drive.watch
    assert isinstance(eye, Marks)
    return eye.at
