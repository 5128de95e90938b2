"""What is counted from rows as the journal has them, one by one."""

from typing import Any

import pytest
from prometheus_client.core import Metric

from bot.domain.units import NS_PER_S
from bot.journal.tail import News
from bot.monitor.metrics import counted
from bot.monitor.metrics.counted import Counted
from bot.monitor.metrics.page import Page
from bot.monitor.metrics.standing import tell_sight
from bot.monitor.outlet import Sight
from tests.monitor.metrics.bots import loop_view

NOW_NS = 1_800_000_000 * NS_PER_S


def news(kind: str, second: float, run: int = 1, /, **fields: Any) -> News:
    """Return a row of a market second."""
    return News(kind, 1, run, round(second * NS_PER_S), fields)


def decided(name: str, second: float, reason: str = "delta_above_owner", run: int = 1) -> News:
    """Return a decision."""
    why = [{"reason": reason, "subject": "", "numbers": {}}]
    return news("decision", second, run, id=name, coin="BTC", reasons=why, refused=[])


def sent(label: str, decision: str, run: int = 1) -> News:
    """Return an order of a decision."""
    fields = {"label": label, "decision": decision, "instrument": "BTC-PERPETUAL"}
    return news("intent", 0.0, run, quantity="10", **fields)


def filled(label: str, second: float, run: int = 1) -> News:
    """Return an execution of an order."""
    return news("fill", second, run, label=label, instrument="BTC-PERPETUAL", maker=1)


def samples(families: list[Metric]) -> dict[str, list[tuple[dict[str, str], float]]]:
    """Return samples by their names."""
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in families:
        for one in family.samples:
            found.setdefault(one.name, []).append((dict(one.labels), one.value))
    return found


def counts(*rows: News) -> dict[str, list[tuple[dict[str, str], float]]]:
    """Return what rows come to."""
    one, page = Counted(), Page("demo")
    one.hear(rows)
    one.tell(page)
    return samples(list(page.families()))


def test_an_order_waits_once_for_its_first_fill():
    """Those that come after are parts of the same order."""
    found = counts(decided("d", 10.0), sent("x", "d"), filled("x", 10.5), filled("x", 19.0))
    assert found["deltaband_trigger_to_fill_seconds_count"][0][1] == 1.0
    assert found["deltaband_trigger_to_fill_seconds_sum"][0][1] == 0.5
    assert found["deltaband_fills_total"][0][1] == 2.0


def test_orders_of_another_run_are_others_although_their_names_are_the_same():
    """Names begin anew with each run."""
    found = counts(decided("d", 10.0), sent("x", "d", run=2), filled("x", 11.0, run=2))
    assert "deltaband_trigger_to_fill_seconds_count" not in found
    (labels, _), *_ = found["deltaband_hedge_orders_total"]
    assert labels["reason"] == "other"


def test_a_reason_of_another_release_is_no_new_label():
    """Labels have the values of a fixed list."""
    (labels, value), *_ = counts(decided("d", 1.0, "moon_phase"), sent("x", "d"))[
        "deltaband_hedge_orders_total"
    ]
    assert (labels["reason"], labels["side"], value) == ("other", "buy", 1.0)


def test_what_never_fills_is_forgotten(monkeypatch):
    """A monitor that runs for months holds the newest alone."""
    monkeypatch.setattr(counted, "REMEMBERED", 3)
    one = Counted()
    for number in range(10):
        one.hear([decided(f"d{number}", 1.0), sent(f"x{number}", f"d{number}")])
    assert list(one._decided) == [(1, f"d{n}") for n in (7, 8, 9)]
    assert list(one._sent) == [(1, f"x{n}") for n in (7, 8, 9)]


def test_what_cannot_be_measured_is_not_counted_as_nothing():
    """An order without a fill has no slippage and no fee."""
    row = {"coin": "BTC", "fee_usd": None, "slippage_usd": None, "slippage_bps": None}
    assert counts(news("paid", 1.0, **row), news("parked", 1.0)) == {}


@pytest.mark.parametrize("market,label", [("replay:/home/x/tape", "replay"), ("venue", "venue")])
def test_where_a_recording_lies_is_no_label(market, label):
    """Kinds of markets are few, folders are not."""
    status = {"mode": "paper", "market": market, "state": "RUNNING", "underlyings": {}}
    status |= {"disconnected": {}}
    page = Page("demo")
    tell_sight(page, Sight(NOW_NS, alive=True, status=status, beat_ns=NOW_NS), NOW_NS)
    (labels, _), *_ = samples(list(page.families()))["deltaband_info"]
    assert labels["market"] == label


@pytest.mark.parametrize("old_s,there", [(5.0, True), (16.0, False)])
def test_a_pace_that_is_not_of_now_is_not_told(old_s, there):
    """Views are left out while the journal fails, and the heartbeat goes on."""
    status = {"mode": "paper", "market": "venue", "state": "RUNNING", "underlyings": {}}
    status |= {"disconnected": {}}
    view = loop_view(wall_ns=NOW_NS - round(old_s * NS_PER_S))
    page = Page("demo")
    sight = Sight(NOW_NS, alive=True, status=status, loop=view, beat_ns=NOW_NS)
    tell_sight(page, sight, NOW_NS)
    assert page.has("halted")
    assert page.has("cycle_longest_seconds") is there
    assert page.has("loop_lag_seconds") is there
