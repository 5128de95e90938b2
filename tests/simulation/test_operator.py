"""An operator's word: pause and halt send nothing but cancels, and only resume ends them."""

import pytest

import config
from bot.domain.orders import OrderState, TimeInForce
from bot.domain.records import CommandOutcome
from bot.domain.states import State
from bot.journal import Reader
from bot.sim.faults import LostRequest
from tests.simulation.drive import START_NS, agree, book, seconds, start
from tests.simulation.live import Script, live
from tests.simulation.watch import OneAtATime

STRADDLE = (("BTC-12JAN26-92000-C", -10.0), ("BTC-12JAN26-92000-P", -10.0))
STICKY = {"pause": State.PAUSED, "halt": State.HALTED}


def running(*eyes, minutes=4.0, band=0.1, **options):
    """Return a gamma-rich book that has been hedged for some minutes."""
    drive = start(book(*STRADDLE, band=band), *eyes, seed=3, **options)
    return drive.until(START_NS + seconds(60 * minutes))


def drifted(drive):
    """Let time pass until the owner's band is left, an hour at most."""
    for _ in range(720):
        if not drive.core.rules["BTC"].delta.owner.holds(drive.delta()):
            return
        drive.until(drive.now_ns + seconds(5))
    raise AssertionError("delta stayed inside the band for an hour")


def resting():
    """Return a run that has just had a passive order booked."""
    drive = running(minutes=1, band=1.0)  # where delta can wait
    for _ in range(1200):
        if any(o.intent.time_in_force is TimeInForce.GTC for o in drive.exchange.working):
            return drive
        drive.until(drive.now_ns + seconds(0.5))
    raise AssertionError("no order rested within ten minutes")


@pytest.mark.parametrize("verb", STICKY)
def test_a_stopped_bot_sends_nothing_however_far_delta_drifts(verb):
    """The band is broken and stays so for a minute; no order leaves."""
    drive = running()
    sent = len(drive.sent)
    drive.operator(verb)
    drifted(drive)
    drive.until(drive.now_ns + seconds(60))
    assert drive.state() is STICKY[verb]
    assert len(drive.sent) == sent


@pytest.mark.parametrize("verb", STICKY)
def test_stopping_cancels_what_rests(verb):
    """The resting order is cancelled at the exchange and its end is recorded."""
    drive = resting()
    label = drive.exchange.working[0].intent.label
    drive.operator(verb)
    drive.until(drive.now_ns + seconds(2))
    assert [c.label for _, c in drive.cancels if c.label == label] == [label]
    assert drive.exchange.working == ()
    assert (OrderState.WORKING, OrderState.CANCELLED) in drive.steps(label)
    assert not drive.core.waiting


@pytest.mark.parametrize("verb", STICKY)
def test_resume_reconciles_first_and_then_hedges_again(verb):
    """RECONCILING, READY, RUNNING, and the band is held again within five seconds."""
    drive = running()
    drive.operator(verb)
    drifted(drive)
    begun, sent = drive.now_ns, len(drive.sent)
    drive.operator("resume")
    assert drive.state() is State.RECONCILING
    assert len(drive.sent) == sent
    drive.until(begun + seconds(5))
    climb = [r.after for r in drive.changes("") if r.ts_ns >= begun]
    assert climb == [State.RECONCILING, State.READY, State.RUNNING]
    assert len(drive.sent) > sent
    assert drive.core.rules["BTC"].delta.owner.holds(drive.delta())


def test_every_word_is_answered_with_its_outcome():
    """Accepted with the state, refused with what was expected and found."""
    drive = running()
    drive.operator("pause")
    drive.operator("pause", "DOGE")
    answers = drive.of(CommandOutcome)
    assert [a.accepted for a in answers] == [True, False]
    assert answers[0].outcome == "PAUSED"
    assert "DOGE" in answers[1].outcome
    assert "BTC" in answers[1].outcome


def test_resume_is_refused_while_an_order_is_unknown():
    """A person cannot wave an unknown order away."""
    drive = running(faults=(LostRequest(START_NS + seconds(60), "BTC"),), minutes=1)
    while not drive.core.floor.orders.unknown("BTC"):
        drive.until(drive.now_ns + seconds(0.5))
    drive.operator("pause")
    drive.operator("resume")
    assert not drive.of(CommandOutcome)[-1].accepted
    assert "UNKNOWN" in drive.of(CommandOutcome)[-1].outcome
    drive.until(drive.now_ns + seconds(60))
    assert drive.state() is State.PAUSED
    drive.operator("resume")
    assert drive.of(CommandOutcome)[-1].accepted


def test_an_unknown_order_of_one_coin_does_not_bar_the_resume_of_another():
    """Each underlying waits for its own orders; the whole instance for all of them."""
    faults = (LostRequest(START_NS + seconds(60), "BTC"),)
    drive = start(
        config.load(sets=("paper.scale=10",)).settings, OneAtATime(), seed=7, faults=faults
    )
    while not drive.core.floor.orders.unknown("BTC"):
        drive.until(drive.now_ns + seconds(0.5))
    drive.operator("pause", "ETH")
    drive.operator("resume", "ETH")
    assert drive.of(CommandOutcome)[-1].accepted
    drive.operator("resume", "BTC")
    assert not drive.of(CommandOutcome)[-1].accepted
    drive.operator("resume")
    assert not drive.of(CommandOutcome)[-1].accepted


def test_a_coin_can_be_paused_alone():
    """The other coin goes on hedging."""
    single = OneAtATime()
    drive = start(config.load(sets=("paper.scale=10",)).settings, single, seed=7)
    drive.until(START_NS + seconds(60))
    drive.operator("pause", "BTC")
    begun = drive.now_ns
    drive.until(START_NS + seconds(27 * 60))
    coins = {p.intent.instrument.partition("-")[0] for ts, p in drive.sent if ts > begun}
    assert coins == {"ETH"}
    assert drive.state("BTC") is State.PAUSED
    assert drive.state("ETH") is State.RUNNING


@pytest.mark.parametrize("verb", STICKY)
def test_a_stop_during_an_unanswered_order_lets_its_fill_count(verb):
    """An order that was on its way still ends, and the positions agree."""
    drive = running()
    while not drive.core.waiting:
        drive.until(drive.now_ns + seconds(0.02))
    drive.operator(verb)
    drive.until(drive.now_ns + seconds(5))
    assert not drive.core.waiting
    assert agree(drive) == {}


@pytest.mark.parametrize("verb", STICKY)
def test_a_stopped_state_survives_a_restart(verb, tmp_path):
    """The next run on the same journal sends nothing until it is resumed."""
    settings = book(*STRADDLE, band=0.1)
    first = live(settings, tmp_path)
    core = first.paper.core
    stop = Script(START_NS + seconds(60), lambda: _queue(tmp_path, settings.instance, verb))
    first.run(240.0, stop, speed=600.0)
    assert core.state is STICKY[verb]
    second = live(settings, tmp_path)
    second.run(60.0)
    assert second.paper.core.state is STICKY[verb]
    assert second.paper.venue.exchange.holdings.get("BTC-PERPETUAL") is None
    third = live(settings, tmp_path)
    resume = Script(START_NS + seconds(5), lambda: _queue(tmp_path, settings.instance, "resume"))
    third.run(240.0, resume, speed=600.0)
    assert third.paper.core.state is State.RUNNING
    assert third.paper.venue.exchange.holdings["BTC-PERPETUAL"].quantity != 0


def test_a_halt_file_halts(tmp_path):
    """The file HALT beside the journal is an operator's word."""
    run = live(book(*STRADDLE, band=0.1), tmp_path)
    file = tmp_path / run.paper.settings.instance / "HALT"
    run.run(240.0, Script(START_NS + seconds(60), file.touch), speed=1_200.0)
    assert run.paper.core.state is State.HALTED


def test_a_halt_signal_halts(tmp_path):
    """What SIGUSR1 asks for is obeyed within a poll."""
    run = live(book(*STRADDLE, band=0.1), tmp_path)
    run.run(240.0, Script(START_NS + seconds(60), run.control.request_halt), speed=1_200.0)
    assert run.paper.core.state is State.HALTED


def test_a_stop_request_ends_cleanly_and_twice_is_once(tmp_path):
    """Nothing rests at the exchange afterwards, and the core waits for nothing."""
    run = live(book(*STRADDLE, band=0.1), tmp_path)

    def stop():
        run.control.request_stop()
        run.control.request_stop()

    run.run(3_600.0, Script(START_NS + seconds(120), stop))
    assert run.paper.venue.exchange.working == ()
    assert not run.paper.core.waiting


def _queue(folder, instance, verb):
    """Queue a command as the verbs do, from outside the bot."""
    reader = Reader.open(folder, instance)
    try:
        reader.submit(verb, who="owner", why="a test asked")
    finally:
        reader.close()
