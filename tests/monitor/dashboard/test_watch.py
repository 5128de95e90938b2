"""A journal looked at from outside: what is new, whose it is, and that nothing is held."""

import sqlite3
from contextlib import closing

import pytest

from bot.domain.orders import OrderState
from bot.domain.records import OrderTransition
from bot.domain.states import State
from bot.domain.units import NS_PER_S
from bot.journal import Journal
from bot.journal.equity import Pnl, TwinPnl
from bot.journal.lock import MONITOR, Lock
from bot.monitor.dashboard.history import ATTRIBUTION, HEDGES, POINTS
from bot.monitor.dashboard.watch import Watch
from bot.monitor.reach import NAME as REACH
from bot.monitor.wording import NOBODY_TOLD
from tests.journal.records import PERP, T0, breach, gamma_decision, intent, paid, run_start, sample
from tests.monitor.dashboard.bots import Bot, explain, hedge, measured, write


@pytest.fixture
def watch(tmp_path):
    """Return a reader of an instance that has no journal yet."""
    made = Watch(tmp_path, "demo")
    yield made
    made.close()


def columns(names, row):
    """Return a row by the names of its columns."""
    return dict(zip(names, row, strict=True))


def test_an_instance_without_a_journal_is_a_word_on_the_page(watch):
    """Not a fault: a bot may come."""
    look = watch.look()
    assert look.book is None
    assert "no bot has run" in look.parts["now"]["problem"]


@pytest.mark.parametrize("told", [{}, {"mqtt": {"url": "mqtt://127.0.0.1"}}])
def test_the_page_says_that_nobody_is_told(watch, tmp_path, told):
    """Of a bot that lives and whose settings name somebody, until a monitor follows it."""
    with closing(Journal.open(tmp_path, "demo")) as journal:
        journal.begin_run(run_start(settings=told))
        journal.record(sample(1))
        journal.tick(T0, State.RUNNING)
        assert watch.look().parts["now"]["untold"] == (NOBODY_TOLD if told else "")
        monitor = Lock(tmp_path / "demo" / MONITOR, "the only one", "")
        watch.close()
        assert watch.look().parts["now"]["untold"] == ""
        (tmp_path / "demo" / REACH).write_text(f'{{"mqtt": {T0}}}')
        watch.close()
        silent = "NOT TOLD since 2026-01-05T06:30:00.000Z: mqtt" if told else ""
        assert watch.look().parts["now"]["untold"] == silent
        monitor.release()
    watch.close()
    assert watch.look().parts["now"]["untold"] == ""  # a dead bot is told by the word STALE


def test_a_look_finds_what_happened_and_the_next_one_only_what_is_new(watch, tmp_path):
    """Rows are read once."""
    write(tmp_path, measured(1), hedge(5), measured(9))
    first = watch.look()
    assert [columns(HEDGES, r)["reason"] for r in first.fresh["hedges"]["BTC"]] == [
        "delta_above_owner"
    ]
    assert first.parts["coins"]["BTC"]["measured"]
    assert first.parts["now"]["stale"]
    assert "stopped" in first.parts["now"]["why"]
    assert watch.look().parts == {}
    bot = Bot(tmp_path)
    try:
        anew = watch.look()
        assert anew.book != first.book  # a fresh account is another book
        bot.tell(hedge(20))
        fresh = watch.look().fresh
        assert len(fresh["hedges"]["BTC"]) == 1
        assert watch.look().fresh.get("hedges", {}) == {}
    finally:
        bot.end()


def test_a_resumed_run_goes_on_with_the_same_book(watch, tmp_path):
    """Its charts go on where the last run ended."""
    write(tmp_path, hedge(5))
    first = watch.look()
    write(tmp_path, hedge(50), fresh=False)
    second = watch.look()
    assert first.book == second.book
    assert len(second.fresh["hedges"]["BTC"]) == 1


def test_points_come_from_samples_decisions_and_hedges_in_their_order(watch, tmp_path):
    """What a hedge left is seen between two samples; the policy's band is carried on."""
    write(tmp_path, measured(1, delta_coin=1.8), hedge(5), measured(9, delta_coin=0.03))
    rows = [columns(POINTS, row) for row in watch.look().fresh["points"]["BTC"]]
    assert [row["d"] for row in rows] == [1.8, 1.8342, 0.021, 0.03]
    assert [row["t"] for row in rows] == sorted(row["t"] for row in rows)
    assert [row["ph"] for row in rows] == [None, 0.07, 0.07, 0.07]


def test_what_is_shown_between_samples_is_a_point_of_its_own_unless_more_is_known(watch, tmp_path):
    """A view is as old as the last second; a sample may be newer."""
    inputs = {"policy_lower": -0.05, "policy_upper": 0.05}

    def shown(n, delta):
        one = sample(ts_ns=T0 + n * NS_PER_S, delta_coin=delta)
        yield lambda j: j.view("exposure", one.ts_ns, {"BTC": one})
        yield lambda j: j.view("plan", one.ts_ns, {"BTC": {"band_inputs": inputs}})

    write(tmp_path, measured(1, delta_coin=0.01), *shown(5, 0.02), measured(9, delta_coin=0.03))
    first = [columns(POINTS, row) for row in watch.look().fresh["points"]["BTC"]]
    assert [row["d"] for row in first] == [0.01, 0.03]
    write(tmp_path, *shown(20, 0.04), fresh=False)
    (row,) = watch.look().fresh["points"]["BTC"]
    assert (columns(POINTS, row)["d"], columns(POINTS, row)["ph"]) == (0.04, 0.05)


def test_a_hedge_carries_its_reason_with_its_numbers(watch, tmp_path):
    """The decision behind it says why."""
    write(tmp_path, hedge(5))
    (row,) = watch.look().fresh["hedges"]["BTC"]
    found = columns(HEDGES, row)
    assert found["why"] == "delta_above_owner(BTC: delta_coin=1.8342, upper=0.1)"
    assert found["what"] == "BTC-PERPETUAL -165,000 usd"
    assert (found["before"], found["after"], found["ol"], found["oh"]) == (1.8342, 0.021, -0.1, 0.1)


def test_orders_that_are_open_are_told_from_those_that_are_done(watch, tmp_path):
    """An intent without an end is open; what is done has its price."""
    bot = Bot(tmp_path)
    try:
        watch.look()
        bot.tell(lambda j: j.intent(intent(1)), lambda j: j.intent(intent(2)))
        assert [o["label"] for o in watch.look().parts["orders"]["open"]] == [
            "demo-1-1",
            "demo-1-2",
        ]
        end = OrderTransition(
            T0 + NS_PER_S, "demo-1-1", PERP, OrderState.SENT, OrderState.FILLED, "trade 1"
        )
        bot.tell(lambda j: j.record(end), lambda j: j.record(paid(1)))
        look = watch.look()
        assert [o["label"] for o in look.parts["orders"]["open"]] == ["demo-1-2"]
        (total,) = look.parts["orders"]["totals"]
        assert (total["orders"], total["usd"], total["fee"]) == (1, 165_000.0, 82.5)
    finally:
        bot.end()


def test_twins_without_a_time_are_left_out(watch, tmp_path):
    """Before the first event nothing has one."""

    def twins(ts_ns):
        return lambda j: j.equity(TwinPnl(ts_ns, "BTC", Pnl(1.0), Pnl(2.0), Pnl(3.0)))

    write(tmp_path, twins(0), twins(T0))
    assert watch.look().fresh["equity"] == {"BTC": [(T0 // 1_000_000, 1.0, 2.0, 3.0)]}


def twins(n, hedged, unhedged=0.0, naive=0.0, coin="BTC"):
    """Return the deed of a run's three profits so far, in second `n`."""
    told = TwinPnl(T0 + n * NS_PER_S, coin, Pnl(hedged), Pnl(unhedged), Pnl(naive))
    return lambda journal: journal.equity(told)


def profits(watch):
    """Return what a look finds new of the twins, by coin."""
    found = watch.look().fresh["equity"]
    return {coin: [row[1:] for row in rows] for coin, rows in found.items()}


def test_each_later_run_goes_on_where_the_one_before_ended(watch, tmp_path):
    """A run begins its twins at nothing: that is no loss. Each twin and coin has its own past."""
    write(tmp_path, twins(1, 40.0), twins(2, 90.0, -500.0, 7.0), twins(2, 5.0, coin="ETH"))
    assert profits(watch)["BTC"][-1] == (90.0, -500.0, 7.0)
    write(tmp_path, twins(10, 0.0), twins(11, -20.0, 30.0, 1.0), fresh=False)
    later = [(90.0, -500.0, 7.0), (70.0, -470.0, 8.0)]
    assert profits(watch) == {"BTC": later}
    write(tmp_path, twins(20, 1.0), twins(20, 2.0, coin="ETH"), fresh=False)
    last = {"BTC": [(71.0, -470.0, 8.0)], "ETH": [(7.0, 0.0, 0.0)]}
    assert profits(watch) == last
    watch.close()  # who comes later sees the same line
    whole = profits(watch)
    assert whole["BTC"] == [(40.0, 0.0, 0.0), (90.0, -500.0, 7.0), *later, *last["BTC"]]
    write(tmp_path, twins(30, 3.0))
    assert profits(watch) == {"BTC": [(3.0, 0.0, 0.0)]}  # another account has no such past


def test_a_run_without_a_known_profit_at_its_end_is_joined_by_its_last_known(watch, tmp_path):
    """What cannot be told is no zero."""
    write(tmp_path, twins(1, 60.0), twins(2, float("nan")))
    write(tmp_path, twins(10, 1.0), fresh=False)
    assert [row[0] for row in profits(watch)["BTC"]] == [60.0, None, 61.0]


def test_causes_of_profit_are_read_where_the_table_is_there(tmp_path):
    """A minute a row, by name."""
    write(tmp_path, measured(1))
    explain(tmp_path, 3, gamma=-2.0, theta=0.5, fees=-0.25)
    watch = Watch(tmp_path, "demo")
    look = watch.look()
    watch.close()
    assert look.parts["now"]["attribution"] is True
    rows = [columns(ATTRIBUTION, row) for row in look.fresh["attribution"]["BTC"]]
    assert [row["t"] for row in rows] == [(T0 + n * 60 * NS_PER_S) // 1_000_000 for n in (1, 2, 3)]
    assert (rows[0]["gamma"], rows[0]["fees"], rows[0]["total"]) == (-2.0, -0.25, -1.75)
    assert {row["span"] for row in rows} == {60_000}


def test_who_let_go_of_the_journal_is_told_that_everything_is_new(watch, tmp_path):
    """Or a page would show each hedge once more."""
    write(tmp_path, hedge(5))
    first = watch.look()
    watch.close()
    second = watch.look()
    assert None not in (first.book, second.book)
    assert first.book != second.book
    assert first.fresh["hedges"] == second.fresh["hedges"]


def test_a_journal_without_that_table_says_so(watch, tmp_path):
    """Older ones lack it."""
    write(tmp_path, measured(1))
    with closing(sqlite3.connect(tmp_path / "demo" / "journal.sqlite")) as db, db:
        db.execute("DROP TABLE IF EXISTS attribution")
    look = watch.look()
    assert look.parts["now"]["attribution"] is False
    assert look.fresh["attribution"] == {}


def test_no_look_holds_the_journal(watch, tmp_path):
    """The log can be copied back and emptied between looks: no snapshot stands in the way."""
    bot = Bot(tmp_path, hedge(5))
    try:
        watch.look()
        bot.tell(hedge(6))
        watch.look()
        db = sqlite3.connect(tmp_path / "demo" / "journal.sqlite")
        busy, left, _ = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        db.close()
        assert (busy, left) == (0, 0)
    finally:
        bot.end()


def test_a_journal_of_another_version_is_a_word_on_the_page(watch, tmp_path):
    """And what can be done about it."""
    write(tmp_path, measured(1))
    with sqlite3.connect(tmp_path / "demo" / "journal.sqlite") as db:
        db.execute("UPDATE meta SET value = '2' WHERE key = 'schema_version'")
    db.close()
    assert "schema_version" in watch.look().parts["now"]["problem"]


def test_a_journal_that_is_replaced_is_read_anew(watch, tmp_path):
    """Another file is another book, and its rows are all new."""
    write(tmp_path, hedge(5), hedge(6))
    first = watch.look()
    for item in (tmp_path / "demo").iterdir():
        item.unlink()
    write(tmp_path, hedge(7))
    second = watch.look()
    assert first.book != second.book
    assert len(second.fresh["hedges"]["BTC"]) == 1


def outside(minute, until, *, over, since=None, worst=0.2):
    """Return the deed of a part of a breach, from a minute to another."""
    start_ns, end_ns = (T0 + n * 60 * NS_PER_S for n in (minute, until))
    since_ns = start_ns if since is None else T0 + since * 60 * NS_PER_S
    part = breach(start_ns=start_ns, ts_ns=end_ns, seconds=(until - minute) * 60.0, worst=worst,
                  since_ns=since_ns, over=over)  # fmt: skip
    return lambda journal: journal.record(part)


def test_a_breach_that_is_told_in_parts_is_one(watch, tmp_path):
    """As long as it was, as bad as it was, and whether it is over; of which run it is."""
    first = (
        outside(0, 10, over=False, worst=0.1),
        outside(10, 20, over=False, since=0, worst=-0.4),
        outside(20, 25, over=True, since=0),
        outside(26, 36, over=False),
    )
    write(tmp_path, *first)
    write(tmp_path, outside(40, 50, over=False), outside(50, 60, over=False, since=40), fresh=False)
    told = watch.look().parts["told"]["breaches"]
    names = ("since", "seconds", "worst", "over", "last_run")
    minute = 60_000
    assert [tuple(one[name] for name in names) for one in told] == [
        (T0 // 1_000_000 + 40 * minute, 1_200.0, 0.2, False, True),
        (T0 // 1_000_000 + 26 * minute, 600.0, 0.2, False, False),
        (T0 // 1_000_000, 1_500.0, -0.4, True, False),
    ]


def test_hedges_leave_gamma_alone_in_the_line(watch, tmp_path):
    """It is drawn from what was measured: a hedge's own covers another bucket."""
    write(tmp_path, lambda j: j.record(gamma_decision(3)), hedge(4, kind="gamma"), measured(9))
    rows = [columns(POINTS, row) for row in watch.look().fresh["points"]["BTC"]]
    assert [row["g"] is None for row in rows] == [False, False, True, False]
    assert rows[-1]["g"] == sample().gamma_coin_per_pct
