"""The venue's own delta held against ours: when it counts, what is traded then, and how it ends."""

from dataclasses import replace

import pytest

from bot.domain.deribit import parse
from bot.domain.events import BalancesReport, PositionsReport
from bot.domain.positions import Position
from bot.domain.reasons import Reason
from bot.domain.records import Doubt
from bot.domain.states import State
from bot.strategy.bands import Band, Landing, TradeTo
from bot.strategy.delta import DeltaPolicy
from bot.strategy.policies import Fixed
from tests.builders.scripted_desk import BALANCE, CALL, ScriptedDesk, desk_rules, noted, placed

WIDE = DeltaPolicy(Band(-2.0, 0.0, 2.0), Fixed(1.0), Landing(TradeTo.TARGET))


def tell(desk, gap):
    """Report everything, with the venue's delta `gap` coins above ours."""
    quantity = float(desk.positions.get(CALL.name, "0"))
    own = desk.core.agreements["BTC"].sample(desk.core.floor, desk.now_ns)
    ours = (
        quantity * 0.3149282 if own is None or own.delta_ours != own.delta_ours else own.delta_ours
    )
    rows = tuple(
        Position(name, parse(name).quantity(size)) for name, size in desk.positions.items()
    )
    deltas = ((CALL.name, quantity * 0.352226 + gap),)
    balance = replace(BALANCE, delta_total=ours + gap)
    return desk.handle(PositionsReport(desk.now_ns, rows, (balance,), deltas))


def look(desk, gap, seconds):
    """Let the venue say the same for a while, once a second."""
    asked = []
    for _ in range(seconds):
        desk.wait(1.0).market()
        asked += tell(desk, gap)
    return asked + desk.wait(1.0).market()


def held():
    """Return a running desk with two short calls, inside a wide band."""
    return ScriptedDesk(rules=desk_rules(delta=WIDE), positions={CALL.name: "-2"}).started()


def active(desk):
    """Return the doubts about delta, as they were told."""
    told = [d for d in noted(desk.commands, Doubt) if d.because.reason is Reason.DELTA_DISAGREES]
    return [d.active for d in told]


def test_a_lasting_difference_is_a_doubt_that_names_both_figures():
    """Not at the first look, nor before its time; then only what reduces delta is sent."""
    desk = held()
    look(desk, 0.6, 5)
    assert active(desk) == []
    assert desk.stands() is State.RUNNING
    look(desk, 0.6, 8)
    assert active(desk) == [True]
    (doubt,) = noted(desk.commands, Doubt)
    assert doubt.because.subject == CALL.name
    gap = doubt.because.numbers["venue_coin"] - doubt.because.numbers["ours_coin"]
    assert gap == pytest.approx(0.6, abs=0.01)
    assert desk.stands() is State.REDUCE_DELTA_ONLY


def test_from_the_moment_of_the_doubt_the_exposure_lies_between_both_opinions():
    """And not only from the next look on."""
    desk = held()
    for _ in range(30):
        desk.wait(1.0).market()
        tell(desk, 0.6)
        if active(desk):
            break
    sample = desk.core.sample("BTC", desk.now_ns)
    assert sample.delta_low_coin == pytest.approx(sample.delta_coin, abs=1e-9)
    assert sample.delta_high_coin - sample.delta_coin == pytest.approx(0.6, abs=0.01)


def test_it_ends_as_it_began():
    """Agreement at as many looks, for as long."""
    desk = held()
    look(desk, 0.6, 13)
    look(desk, 0.0, 5)
    assert active(desk) == [True]
    look(desk, 0.0, 9)
    assert active(desk) == [True, False]
    exposure = desk.core.sample("BTC", desk.now_ns)
    assert exposure.delta_low_coin == exposure.delta_high_coin


def test_a_difference_within_the_tolerance_means_nothing():
    """Two figures of not quite the same moment."""
    desk = held()
    look(desk, 0.15, 20)
    assert active(desk) == []


def test_a_difference_that_comes_and_goes_means_nothing():
    """Each agreement begins the count anew."""
    desk = held()
    for _ in range(6):
        look(desk, 0.6, 4)
        look(desk, 0.0, 1)
    assert active(desk) == []


@pytest.mark.parametrize(
    "held,venue,bought",
    [
        *((-8, -1.5, 1.5), (-8, -5.0, 2.8178), (-8, -0.8, None)),
        *((8, 1.5, -1.5), (8, 5.0, -2.8178), (8, 0.8, None)),
    ],
)
def test_the_smaller_common_hedge_is_made(held, venue, bought):
    """We are 2.8 off: what both would trade is traded; nothing where the venue sees none to do."""
    desk = ScriptedDesk(rules=desk_rules(delta=WIDE), positions={CALL.name: str(held)})
    desk.begins()
    desk.core.floor.book.coins["BTC"].gap = venue - held * 0.352226
    desk.market()
    desk.wait(0.5).market()
    found = [float(order.quantity) / 60_000.0 for order in placed(desk.commands)]
    assert found == ([] if bought is None else [pytest.approx(bought, abs=0.002)])


def test_opposite_opinions_make_no_hedge():
    """We are short, the venue says long: no order is right for both."""
    desk = ScriptedDesk(rules=desk_rules(delta=WIDE), positions={CALL.name: "-8"})
    desk.begins()
    desk.core.floor.book.coins["BTC"].gap = 8.0
    desk.market()
    desk.wait(0.5).market()
    assert placed(desk.commands) == []


def test_nothing_is_compared_while_orders_may_fill():
    """Ours holds what the venue may not have counted yet."""
    desk = ScriptedDesk(positions={CALL.name: "-1"}).started()
    assert placed(desk.commands)
    look(desk, 5.0, 20)
    assert active(desk) == []


def test_nothing_is_compared_with_an_answer_older_than_the_holdings():
    """After a fill the venue's lines are of another book."""
    desk = held()
    tell(desk, 0.0)
    desk.core.floor.book.holdings.version += 1
    for _ in range(20):
        desk.wait(1.0).market()
        balance = replace(BALANCE, delta_total=50.0)
        desk.handle(BalancesReport(desk.now_ns, (balance,)))
    assert active(desk) == []


def test_streamed_totals_count_as_looks():
    """Between complete answers the venue streams its total."""
    desk = held()
    tell(desk, 0.0)
    for _ in range(14):
        desk.wait(1.0).market()
        desk.handle(BalancesReport(desk.now_ns, (replace(BALANCE, delta_total=3.0),)))
    assert active(desk) == [True]
