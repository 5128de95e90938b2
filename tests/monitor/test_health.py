"""Who is well: decided from a sight, by the age of decisions and of feeds."""

from dataclasses import asdict
from typing import Any

import pytest

from bot.domain.states import State
from bot.domain.units import NS_PER_S, iso
from bot.monitor.health import BEAT_S, GRACE_S, VIEW_S, Problem, health
from bot.monitor.outlet import Sight
from tests.journal.records import T0
from tests.monitor.metrics.bots import feed, feeds

NOW_NS = 1_800_000_000 * NS_PER_S


def sight(
    *,
    beat_s: float | None = 0.5,
    view_s: float | None = 0.5,
    alive=True,
    state=State.RUNNING,
    coins: dict[str, State] | None = None,
    told: dict[str, Any] | None = None,
    **more: Any,
) -> Sight:
    """Return how a bot stands whose heartbeat and view are so many seconds old."""
    coins = {"BTC": State.RUNNING} if coins is None else coins
    rows = {
        coin: {"state": one, "off": None}
        | {"why": [{"state": one, "since": "then", "reasons": []}]}
        for coin, one in coins.items()
    }
    loop = None
    if view_s is not None:
        shown = {coin: feeds() for coin in coins} if told is None else told
        loop = {"wall_ns": NOW_NS - round(view_s * NS_PER_S), "feeds": shown}
    beat_ns = None if beat_s is None else NOW_NS - round(beat_s * NS_PER_S)
    status = {"state": state, "ts_ns": T0, "underlyings": rows}
    return Sight(NOW_NS, alive, status=status, loop=loop, beat_ns=beat_ns, **more)


def problems(seen: Sight) -> list[tuple[str, str]]:
    """Return what is not well, and of which coin."""
    found = health(seen, NOW_NS)
    assert found.healthy is not bool(found.problems)
    return [(problem.what, problem.coin) for problem in found.problems]


def test_a_bot_that_decides_on_fresh_feeds_is_well():
    """And may trade."""
    found = health(sight(), NOW_NS)
    assert (found.healthy, found.ready, found.problems, found.said) == (True, True, (), ())
    assert (found.state, found.coins) == ("RUNNING", {"BTC": "RUNNING"})


@pytest.mark.parametrize(
    "seen,what",
    [
        (sight(beat_s=BEAT_S + 0.1), "decision_heartbeat"),
        (sight(beat_s=-BEAT_S - 0.1), "decision_heartbeat"),  # a clock that was set back
        (sight(beat_s=None), "decision_heartbeat"),
        (sight(alive=False), "bot"),
        (sight(view_s=None), "feeds"),
        (sight(view_s=VIEW_S + 0.1), "feeds"),
        (sight(told={}), "feeds"),
        (Sight(NOW_NS, alive=True, why="damaged"), "journal"),
    ],
)
def test_one_that_does_not_decide_or_does_not_say_what_on_is_not(seen, what):
    """Nothing else is said of it: its figures are old."""
    assert [name for name, _ in problems(seen)] == [what]
    found = health(seen, NOW_NS)
    assert found.ready is (what == "feeds")
    assert (found.state is None, found.coins == {}) == (what != "feeds", what != "feeds")


@pytest.mark.parametrize("until,said", [(None, "taken back"), ("noon", "noon")])
def test_a_coin_that_is_off_is_said_and_no_illness(until, said):
    """Nothing hedges it, and somebody wanted that."""
    seen = sight(coins={"BTC": State.RUNNING, "ETH": State.RUNNING})
    assert seen.status is not None
    seen.status["underlyings"]["ETH"]["off"] = {"until": until, "why": "rolling"}
    found = health(seen, NOW_NS)
    assert (found.healthy, found.ready) == (True, True)
    assert found.said == (f"ETH: off until {said}: nothing is hedged",)


@pytest.mark.parametrize("name,limit_s", [("quote", 2.0), ("chain", 30.0), ("positions", 65.0)])
def test_each_feed_of_a_coin_that_is_hedged_must_be_fresh(name, limit_s):
    """A little past its limit it is a hiccup, in which no order leaves; longer it is an illness."""
    late = sight(told={"BTC": feeds(**{name: feed(limit_s + GRACE_S + 1.0, limit_s)})})
    assert problems(sight(told={"BTC": feeds(**{name: feed(limit_s + 1.0, limit_s)})})) == []
    assert problems(late) == [(name, "BTC")]
    age_s = limit_s + GRACE_S + 1.0
    since = iso(T0 - round(age_s * NS_PER_S))
    assert health(late, NOW_NS).problems == (Problem(name, "BTC", since, age_s, limit_s),)
    assert problems(sight(told={"BTC": feeds(**{name: feed(None, limit_s)})})) == [(name, "BTC")]


def test_options_prices_matter_where_options_are_held():
    """A chain that nobody needs may be as old as it likes."""
    unneeded = feed(9_999.0, 30.0, needed=False)
    assert problems(sight(told={"BTC": feeds(chain=unneeded)})) == []


@pytest.mark.parametrize("state", [State.PAUSED, State.HALTED])
def test_a_coin_that_a_person_stopped_is_said_and_its_feeds_are_nobodys_worry(state):
    """The others' are."""
    dead = {name: feed(9_999.0, 2.0) for name in ("quote", "chain", "positions")}
    seen = sight(coins={"BTC": state, "ETH": State.RUNNING}, told={"BTC": dead, "ETH": feeds()})
    found = health(seen, NOW_NS)
    assert (found.healthy, found.ready) == (True, True)
    assert found.said == (f"BTC: {state} since then",)
    sick = sight(coins={"BTC": state, "ETH": State.RUNNING}, told={"BTC": feeds(), "ETH": dead})
    assert {coin for _, coin in problems(sick)} == {"ETH"}


@pytest.mark.parametrize(
    "state,coin,ready",
    [
        (State.RUNNING, State.REDUCE_DELTA_ONLY, True),
        (State.REDUCE_DELTA_ONLY, State.REDUCE_DELTA_ONLY, True),
        (State.RUNNING, State.HALTED, False),
        (State.HALTED, State.HALTED, False),
        (State.PAUSED, State.PAUSED, False),
        (State.RECONCILING, State.RECONCILING, False),
    ],
)
def test_ready_is_who_may_send_an_order(state, coin, ready):
    """Healthy is another question: a halted bot is well, and one that reconciles, too."""
    found = health(sight(state=state, coins={"BTC": coin}), NOW_NS)
    assert (found.healthy, found.ready) == (True, ready)


def test_why_a_bot_is_gone_is_said():
    """Stopped in order is another thing than gone."""
    stopped, gone = (health(sight(alive=False, ended=x), NOW_NS).problems[0] for x in (True, False))
    assert stopped.found == "its run was stopped in order"
    assert gone.found == "no bot holds the journal"
    assert asdict(gone)["since"] == iso(NOW_NS - NS_PER_S // 2)
