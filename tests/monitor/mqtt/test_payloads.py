"""What is published has the form that the shipped schemas say, whatever could not be measured."""

import json
import math
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from bot.domain.orders import OrderState as S
from bot.domain.records import CommandOutcome, Doubt, Standing, Word
from bot.domain.states import State
from bot.journal import Journal, Reader
from bot.journal.tail import KINDS, News, Tail
from bot.monitor.mqtt.events import LONGEST_BYTES, TOLD, encoded, event
from bot.monitor.mqtt.state import Profits, online, state
from bot.monitor.outlet import Sight
from tests.journal.records import (
    ABOVE,
    T0,
    breach,
    changed_state,
    decision,
    fill,
    gamma_decision,
    hedge_done,
    intent,
    moved,
    paid,
    run_start,
    sample,
    twins,
)
from tests.monitor.mqtt.schemas import FOLDER, faults, schema
from tests.monitor.mqtt.signing import fields, sealed


@pytest.fixture
def written(tmp_path):
    """Write a journal with a row of every kind and return its news and its status."""
    with closing(Journal.open(tmp_path, "demo")) as journal:
        journal.begin_run(run_start())
        journal.record(decision(1))
        journal.record(gamma_decision(2, cost_usd=math.nan, gamma_coin_per_pct=math.inf))
        journal.intent(intent(1))
        journal.record(moved(1, S.INTENDED, S.SENT, "sent"))
        journal.fill(fill(1))
        journal.record(paid(1))
        journal.record(hedge_done(1, slippage_usd=math.nan))
        journal.record(sample(1, vega_usd=math.nan, delta_coin=1.8342))
        journal.equity(twins(1))
        journal.record(Doubt(T0, "BTC", ABOVE, active=True))
        journal.record(breach(1))
        journal.record(changed_state(State.RUNNING, State.PAUSED, "BTC", 1))
        journal.record(Standing(T0, "BTC", Word.OFF, None, active=True, because=ABOVE))
        journal.tick(T0, State.RUNNING)
        with closing(Reader.open(tmp_path, "demo")) as reader:
            proof = {"proof": "c4n4ry"}
            name = reader.submit("review", "BTC", who="ann", why="words", arguments=proof)
            journal.take_commands()
            journal.record(CommandOutcome(T0, name, accepted=True, outcome="done"))
            journal.commit()
            news = Tail(whole_run=True).news(reader)
            sight = Sight(T0, alive=True, status=reader.status())
        journal.end_run({"fills": 1})
    return news, sight


def test_every_event_has_its_form(written):
    """A figure that is not known is null; nothing is told beside what is in the form."""
    news, _ = written
    told: dict[str, Any] = {one.kind: event(one) for one in news}
    assert {kind for kind, one in told.items() if one is not None} == TOLD.keys() - {"parked"}
    for one in filter(None, told.values()):
        assert list(faults(json.loads(encoded(one)), schema("event"))) == []
    assert json.loads(encoded(told["decision"]))["cost_usd"] is None


def test_samples_are_no_events_and_every_other_kind_is():
    """They are in the state."""
    assert set(KINDS) - TOLD.keys() == {"attribution", "exposure", "margin", "equity", "paid"}


def test_settings_and_proofs_stay_where_they_are(written):
    """Whatever a row holds beside what is told."""
    news, _ = written
    text = b" ".join(encoded(one) for one in map(event, news) if one is not None)
    for secret in (b"c4n4ry", b"settings", b"scale", b"snapshot", b"candidates", b"summary"):
        assert secret not in text


def test_an_event_that_is_too_large_is_told_without_its_lists(written):
    """And says so; its form is the same."""
    news, _ = written
    (one,) = (one for one in news if one.kind == "decision" and one.fields["id"] == "d1")
    told = event(one)
    assert told is not None
    trades = told["trades"] * 500
    found = encoded(told | {"trades": trades})
    assert len(found) < LONGEST_BYTES
    large = json.loads(found)
    assert (large["cut"], large["trades"]) == (True, [])
    assert list(faults(large, schema("event"))) == []


def made(run, coin, hedged, naive=1.0):
    """Return the news of what an underlying has made."""
    figures = {"coin": coin, "hedged_usd": hedged, "unhedged_usd": -3.0, "naive_usd": naive}
    return News("equity", 1, run, T0, figures)


def test_the_books_profit_is_the_sum_of_its_underlyings():
    """Each is told by itself, the newest counts; a sum that lacks one is not known."""
    profits = Profits()
    assert profits.book() is None
    for one in (made(1, "BTC", 5.0), made(1, "ETH", 2.0), made(1, "BTC", 7.5, naive=None)):
        profits.hear(one)
    assert profits.book() == {"hedged_usd": 9.5, "unhedged_usd": -6.0, "naive_usd": None}
    profits.hear(News("run", 1, 1, T0, {"ended_ns": T0}))
    assert profits.book() is not None
    profits.hear(News("run", 2, 2, T0, {"ended_ns": None}))
    assert profits.book() is None


def test_every_state_has_its_form(written):
    """Of a bot that lives, of one that is gone, of one that nobody has seen."""
    news, sight = written
    profits = Profits()
    for one in news:
        profits.hear(one)
    pnl_now = profits.book()
    gone = Sight(T0, why="expected a journal, found none yet")
    for seen, money in ((sight, pnl_now), (sight, None), (gone, None)):
        told = json.loads(json.dumps(state(seen, money, commands="on", dropped=3), allow_nan=False))
        assert list(faults(told, schema("state"))) == []
    found = state(sight, pnl_now, commands="on", dropped=3)
    coin = found["coins"]["BTC"]
    assert (found["state"], coin["delta_coin"], coin["vega_usd"]) == ("RUNNING", 1.8342, None)
    assert coin["in_band"] is False
    dead = state(replace(sight, alive=False), pnl_now, commands="on", dropped=3)["coins"]["BTC"]
    assert (dead["in_band"], dead["delta_coin"]) == (None, 1.8342)
    assert found["dropped_events"] == 3


@pytest.mark.parametrize(
    "changed,expected",
    [
        ({}, True),
        ({"alive": False}, False),
        ({"ended": True}, False),
        ({"status": None}, False),
        ({"status": {"stale": True}}, False),
        ({"status": {}}, False),
    ],
)
def test_online_is_a_bot_that_lives_and_decides(changed, expected):
    """Not the monitor."""
    known = {"alive": True, "ended": False, "status": {"stale": False}}
    assert online(Sight(T0, **(known | changed))) is expected


def test_online_is_nobody_before_the_first_look():
    """There is nothing to say yet."""
    assert online(None) is False


def test_the_schemas_find_what_is_wrong():
    """A checker that finds nothing would let everything pass."""
    good = sealed(fields())
    assert {one.stem for one in FOLDER.glob("*.json")} == {"command", "event", "reply", "state"}
    assert list(faults(good, schema("command"))) == []
    for wrong in ({"v": 2}, {"id": "x"}, {"seq": 1.5}, {"args": {"x": "1"}}, {"more": 1}):
        assert list(faults(good | wrong, schema("command"))) != [], wrong
    assert list(faults({"kind": "state", "v": 1}, schema("event"))) != []
