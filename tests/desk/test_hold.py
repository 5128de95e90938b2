"""What a person trades by hand is parked for a while, and hedged like everything else after it."""

from decimal import Decimal

import pytest

from bot.domain.events import InstrumentsListed, Settled
from bot.domain.records import CommandOutcome, Parked, Standing, Word
from bot.domain.states import State
from bot.domain.units import NS_PER_S, iso
from tests.builders.books import PERPETUAL
from tests.builders.scripted_desk import CALL, PUT, ScriptedDesk, desk_rules, noted, placed

HOLD_S = 60.0
FLAT = {PERPETUAL: "0"}


def running(hold_s=HOLD_S, positions=None):
    """Return a desk that runs and has nothing to do."""
    desk = ScriptedDesk(
        rules=desk_rules(hold_s=hold_s), positions=dict(FLAT if positions is None else positions)
    ).started()
    assert (desk.stands(), placed(desk.commands)) == (State.RUNNING, [])
    return desk


def by_hand(desk, **changes):
    """Trade by hand: positions are told twice, as far apart as two looks are."""
    desk.positions |= {name.replace("_", "-"): size for name, size in changes.items()}
    begun = len(desk.commands)
    for _ in range(2):
        desk.wait(1.0).market()
        desk.told()
    return desk.commands[begun:]


def passes(desk, seconds):
    """Let time pass second by second, in a market that stands."""
    begun = len(desk.commands)
    for _ in range(seconds):
        desk.wait(1.0).market()
        desk.told()
    return desk.commands[begun:]


def parked(desk):
    """Return what is parked, by instrument."""
    parts = desk.core.floor.book.parked
    return {part.position.instrument: part.position.quantity.value for part in parts}


def test_a_trade_by_hand_is_left_alone_for_its_time_and_then_hedged():
    """Parked when it is adopted, released to the second, hedged by the same event."""
    desk = running()
    told = by_hand(desk, BTC_PERPETUAL="18000")
    (part,) = noted(told, Parked)
    assert (part.coin, str(part.position.quantity)) == ("BTC", "18000 usd")
    assert part.until_ns == desk.now_ns + HOLD_S * NS_PER_S
    assert placed(passes(desk, 59)) == []
    assert desk.stands() is State.RUNNING
    assert desk.core.floor.book.holdings.total(PERPETUAL) == 18_000
    over = passes(desk, 1)
    (released,) = noted(over, Parked)
    assert released.position.quantity.value == 0
    (order,) = placed(over)
    assert order.quantity.value == -18_000


def test_without_the_setting_it_is_hedged_at_once():
    """As ever."""
    desk = running(hold_s=0.0)
    told = by_hand(desk, BTC_PERPETUAL="18000")
    assert noted(told, Parked) == []
    assert len(placed(told)) == 1


def test_what_was_there_before_is_hedged_meanwhile():
    """A hold is no pause: the market moves, and the old book is kept in its band."""
    desk = running(positions={CALL.name: "-1", PERPETUAL: "18900"})
    by_hand(desk, **{PUT.name: "-2"})
    assert parked(desk) == {PUT.name: -2}
    desk.wait(1.0)
    (order,) = placed(desk.market(62_500.0))
    assert order.quantity.value > 0  # the short call alone asks for more of the perpetual


def test_the_first_adoption_is_the_book_itself():
    """Nothing of what a run begins with is parked."""
    desk = ScriptedDesk(rules=desk_rules(hold_s=HOLD_S), positions={PERPETUAL: "18000"}).started()
    assert parked(desk) == {}
    assert len(placed(desk.commands)) == 1


def test_a_leg_that_is_closed_again_leaves_nothing_behind():
    """And nothing is hedged for it, then or later."""
    desk = running()
    by_hand(desk, BTC_PERPETUAL="18000")
    told = by_hand(desk, BTC_PERPETUAL="0")
    assert noted(told, Parked)[-1].position.quantity.value == 0
    assert parked(desk) == {}
    assert placed(passes(desk, 70)) == []


def test_a_second_leg_of_one_instrument_merges_and_waits_as_long_as_the_newer():
    """One part, the whole of it, with the later end."""
    desk = running()
    by_hand(desk, BTC_PERPETUAL="6000")
    passes(desk, 30)
    by_hand(desk, BTC_PERPETUAL="18000")
    assert parked(desk) == {PERPETUAL: 18_000}
    assert placed(passes(desk, 59)) == []
    assert len(placed(passes(desk, 1))) == 1


def test_an_owner_who_never_stops_trading_is_hedged_within_the_hour():
    """However often he trades, nothing is left alone for longer than that."""
    desk = running(hold_s=1_800.0)
    size = 6_000
    begun_ns = desk.now_ns
    by_hand(desk, BTC_PERPETUAL=str(size))
    while desk.now_ns < begun_ns + 3_500 * NS_PER_S:
        desk.wait(120.0)
        size += 10
        by_hand(desk, BTC_PERPETUAL=str(size))
    assert placed(desk.commands) == []
    desk.wait(110.0).market()
    desk.told()
    desk.wait(1.0).market()
    assert len(placed(desk.commands)) == 1


def test_closing_a_part_of_the_book_is_parked_too():
    """A roll begins with closing: its second leg may be about to follow."""
    desk = running(positions={CALL.name: "-1", PERPETUAL: "18900"})
    by_hand(desk, **{CALL.name: "0"})
    assert parked(desk) == {CALL.name: 1}
    assert placed(passes(desk, 50)) == []
    assert len(placed(passes(desk, 12))) == 1


def test_our_own_fills_are_never_parked():
    """They are ours, whatever the setting."""
    desk = running(positions={PERPETUAL: "0"})
    by_hand(desk, BTC_PERPETUAL="18000")
    (order,) = placed(passes(desk, 60))
    desk.completes(order)
    assert noted(passes(desk, 5), Parked) == []
    assert parked(desk) == {}


def test_an_order_that_was_denied_and_turns_up_after_all_is_no_trade_by_hand():
    """Else our own hedge would be left out, and made a second time."""
    desk = ScriptedDesk(rules=desk_rules(hold_s=HOLD_S), positions={PERPETUAL: "18000"}).started()
    (lost,) = placed(desk.commands)
    desk.tick(2.1)
    for _ in range(12):
        desk.denies(lost.label)
        desk.tick(1.0)
        desk.told()
    desk.positions[PERPETUAL] = str(18_000 + lost.quantity.value)
    desk.commands.clear()
    for _ in range(3):
        desk.told()
        desk.wait(1.0).market()
    assert parked(desk) == {}
    assert desk.core.floor.book.holdings.total(PERPETUAL) == 0


def answer(commands):
    """Return the outcome of the only command."""
    (outcome,) = noted(commands, CommandOutcome)
    return outcome


def test_the_verb_opens_a_window_in_which_everything_is_parked():
    """Until the window's end, also what is traded late in it."""
    desk = running(hold_s=0.0)
    end_ns = desk.now_ns + 90 * NS_PER_S
    said = desk.says("hold", "BTC", for_s=90.0)
    assert answer(said).outcome == (
        f"what is traded by hand in BTC is not hedged before {iso(end_ns)}"
    )
    (word,) = noted(said, Standing)
    assert (word.word, word.until_ns, word.active) == (Word.HOLD, end_ns, True)
    by_hand(desk, BTC_PERPETUAL="12000")
    passes(desk, 80)
    by_hand(desk, BTC_PERPETUAL="18000")
    assert parked(desk) == {PERPETUAL: 18_000}
    assert placed(desk.commands) == []
    desk.wait(7.0)
    over = desk.market()
    assert [w.active for w in noted(over, Standing)] == [False]
    (order,) = placed(over)
    assert order.quantity.value == -18_000
    assert parked(desk) == {}


def test_after_the_window_a_trade_is_hedged_at_once():
    """The word is over."""
    desk = running(hold_s=0.0)
    desk.says("hold", "BTC", for_s=5.0)
    passes(desk, 6)
    assert len(placed(by_hand(desk, BTC_PERPETUAL="18000"))) == 1


def test_the_word_moves_the_end_of_what_is_parked_already():
    """More time for legs that take longer than the setting gives."""
    desk = running()
    by_hand(desk, BTC_PERPETUAL="18000")
    desk.says("hold", "BTC", for_s=300.0)
    assert placed(passes(desk, 299)) == []
    assert len(placed(passes(desk, 1))) == 1


def test_a_hold_of_no_time_releases_everything_at_once():
    """The legs are complete: hedge what is left of them."""
    desk = running()
    desk.says("hold", "BTC", for_s=300.0)
    by_hand(desk, BTC_PERPETUAL="18000")
    said = desk.says("hold", "BTC", for_s=0.0)
    assert answer(said).outcome == "nothing is held: what was parked is hedged from now on"
    assert (parked(desk), desk.core.reconciler.hold.until) == ({}, {})
    assert len(placed(said)) == 1


@pytest.mark.parametrize("for_s", [None, -1.0, 3_601.0, float("nan")])
def test_a_hold_without_a_sensible_end_is_refused(for_s):
    """At most an hour: who means longer says off."""
    said = answer(running().says("hold", "BTC", for_s=for_s))
    assert not said.accepted
    assert said.outcome.startswith("expected a time from 0 to 3600 s with hold, found ")


def test_a_settlement_clears_what_is_parked():
    """There is nothing left to release."""
    desk = running()
    by_hand(desk, **{CALL.name: "-1"})
    told = desk.handle(Settled(desk.now_ns, CALL.name, 60_000.0))
    (gone,) = noted(told, Parked)
    assert gone.position.instrument == CALL.name
    assert not gone.position.quantity
    assert parked(desk) == {}


def test_an_instrument_that_leaves_the_list_is_not_parked_any_more():
    """It cannot be a leg that is still being put on."""
    desk = running()
    by_hand(desk, **{CALL.name: "-1"})
    rest = tuple(i for i in desk.core.floor.book.instruments.values() if i.name != CALL.name)
    desk.handle(InstrumentsListed(desk.now_ns, "BTC", rest))
    assert parked(desk) == {}


def restarted(desk, parts, after_s=0.0, **changes):
    """Return the next run of a desk's bot, told what its journal holds."""
    positions = desk.positions | changes
    again = ScriptedDesk(rules=desk.rules, positions=positions, now_ns=desk.now_ns, epoch=2)
    again.wait(after_s)
    again.index = desk.index
    again.commands += again.core.remember((), parts, again.now_ns)
    return again


def test_what_was_parked_is_parked_again_after_a_restart():
    """Until the time that it had, and no longer."""
    desk = running()
    parts = noted(by_hand(desk, BTC_PERPETUAL="18000"), Parked)
    again = restarted(desk, parts, after_s=10.0).started()
    assert parked(again) == {PERPETUAL: 18_000}
    assert placed(passes(again, 48)) == []
    assert len(placed(passes(again, 3))) == 1


def test_what_ran_out_while_nobody_looked_is_hedged():
    """Its time went on."""
    desk = running()
    parts = noted(by_hand(desk, BTC_PERPETUAL="18000"), Parked)
    again = restarted(desk, parts, after_s=60.0).started()
    assert parked(again) == {}
    assert len(placed(again.commands)) == 1


@pytest.mark.parametrize(
    "now,left", [("18000", 18_000), ("10000", 10_000), ("0", 0), ("-500", 0), ("20000", 18_000)]
)
def test_what_its_owner_undid_while_nobody_looked_is_not_parked(now, left):
    """And what he added then is the book that the run begins with."""
    desk = running()
    parts = noted(by_hand(desk, BTC_PERPETUAL="18000"), Parked)
    again = restarted(desk, parts, after_s=5.0)
    again.positions[PERPETUAL] = now
    again.begins()
    assert parked(again) == ({PERPETUAL: Decimal(left)} if left else {})
    assert parked(again) == {
        p.position.instrument: p.position.quantity.value
        for p in (noted(again.commands, Parked) or parts)[-1:]
        if p.position.quantity
    }


def test_positions_and_plan_show_what_is_parked():
    """Beside what is held, and as a row of its own where it is all closed."""
    desk = running(positions={CALL.name: "-1", PERPETUAL: "18900"})
    by_hand(desk, **{CALL.name: "0", PUT.name: "-2"})
    until = iso(desk.now_ns + round(HOLD_S * NS_PER_S))
    rows = {row["instrument"]: row for row in desk.core.position_rows()}
    assert (rows[PUT.name]["quantity"], rows[PUT.name]["parked"]) == (-2.0, -2.0)
    assert (rows[CALL.name]["quantity"], rows[CALL.name]["parked"]) == (0.0, 1.0)
    assert rows[CALL.name]["parked_until"] == until
    assert (rows[PERPETUAL]["parked"], rows[PERPETUAL]["parked_until"]) == (0.0, None)
    plan = desk.core.preview("BTC", desk.now_ns)
    assert plan["parked"] == [
        {"instrument": PUT.name, "quantity": -2.0, "unit": "coin", "until": until},
        {"instrument": CALL.name, "quantity": 1.0, "unit": "coin", "until": until},
    ]
