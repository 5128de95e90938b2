"""The preview: what it lists is what the desk then sends, and asking changes nothing."""

import pytest

from bot.desk.rules import DeskRules
from bot.domain.orders import Intent
from bot.domain.reasons import Reason
from bot.domain.states import State
from bot.execution.tactics import TacticRules
from bot.risk.limits import LimitRules
from bot.strategy.bands import Band, Landing, TradeTo
from bot.strategy.delta import DeltaPolicy
from bot.strategy.policies import Fixed, Knob, WhalleyWilmott
from tests.builders.books import PERPETUAL
from tests.builders.scripted_desk import CALL, ScriptedDesk, desk_rules, placed

SHORT = {CALL.name: "-1"}  # delta -0.352: far outside


def _before(rules: DeskRules | None = None, **more):
    """Return a desk on the verge of its first hedge, and what it would do."""
    desk = ScriptedDesk(rules=rules or desk_rules(), positions=dict(SHORT), **more)
    desk.begins()
    return desk


def _preview(desk):
    return desk.core.preview("BTC", desk.now_ns)


def _said(preview, part="refused"):
    return [words.partition("(")[0] for words in preview[part]]


def _moved(rules: DeskRules | None = None):
    """Return a hedged desk whose market has just moved, an instant before it decides."""
    desk = _before(rules).started()
    while orders := placed(desk.commands):
        desk.commands.clear()
        desk.completes(orders[0])
    desk.wait(1.0).market()
    desk.commands.clear()
    desk.wait(0.1).market(63_000.0)
    assert desk.commands == []
    return desk.wait(0.2)


@pytest.mark.parametrize(
    "limits", [LimitRules(), LimitRules(order_usd=1_000.0), LimitRules(position_coin=0.36)]
)
def test_what_is_previewed_is_what_is_sent_next(limits):
    """The same sum and the same number of orders under the same caps, and the delta it leaves."""
    desk = _moved(desk_rules(limits=limits))
    shown = _preview(desk)
    sent: list[Intent] = []
    asked = placed(desk.tick())
    while asked and asked[0].purpose == "delta" and len(sent) < 40:
        sent += asked
        desk.commands.clear()
        desk.completes(asked[0])
        asked = placed(desk.commands)
    (trade,) = shown["trades"]
    assert (trade["instrument"], trade["orders"]) == (PERPETUAL, len(sent))
    assert trade["quantity"] == sum(float(order.quantity) for order in sent)
    changed = shown["after"]["delta_coin"] - shown["before"]["delta_coin"]
    assert changed == pytest.approx(trade["quantity"] / 63_000.0)
    assert shown["cost_usd"] > 0.0


def test_looking_spends_nothing_and_decides_nothing():
    """A hundred previews, and the desk answers as if there had been none."""
    looked, other = _moved(), _moved()
    for _ in range(100):
        _preview(looked)
    assert looked.tick() == other.tick() != []
    assert looked.core.floor.budget("BTC", looked.now_ns) == other.core.floor.budget(
        "BTC", other.now_ns
    )


@pytest.mark.parametrize("verb,state", [("pause", State.PAUSED), ("halt", State.HALTED)])
def test_nothing_is_listed_that_a_pause_or_halt_forbids(verb, state):
    """No trade, the figures as they are, and the reason."""
    desk = _moved()
    desk.says(verb)
    shown = _preview(desk)
    assert (shown["state"], shown["trades"], shown["cost_usd"]) == (state, [], 0)
    assert shown["after"] == shown["before"]
    assert "state_forbids" in _said(shown)


def test_a_hedge_that_waits_for_its_typed_words_is_not_listed():
    """The gate's reason is there instead, with before and after in both numeraires."""
    desk = _before(desk_rules(limits=LimitRules(confirm_usd=1_000.0)))
    desk.core.floor.unconfirmed.add("BTC")
    desk.started()
    shown = _preview(desk)
    assert shown["trades"] == []
    (reason,) = [words for words in shown["refused"] if words.startswith("needs_confirmation")]
    assert "before_in_usd_book" in reason


def test_an_order_under_way_is_waited_for_as_the_desk_does():
    """The interval holds it, and nothing else would be sent."""
    desk = _before().started()
    shown = _preview(desk)
    assert shown["trades"] == []
    assert shown["before"]["delta_low_coin"] < -0.3 < -0.01 < shown["before"]["delta_high_coin"]
    assert _said(shown, "reasons")[0] == Reason.DELTA_UNCERTAIN


def test_an_edge_is_traded_to_from_the_inside_and_the_hedge_is_over():
    """Whole lots towards zero would end just outside the edge, and the hedge would never end."""
    policy = DeltaPolicy(Band(-0.10, 0.0, 0.10), Fixed(0.05), Landing(TradeTo.EDGE))
    tactics = TacticRules(passive=False)
    desk = _before(desk_rules(delta=policy, tactics=tactics)).started()
    desk.completes(placed(desk.commands)[0])
    found = desk.core.sample("BTC", desk.now_ns).delta_coin
    assert -0.05 <= found <= -0.05 + 2.5e-4
    desk.commands.clear()
    desk.wait(1.0).market()
    assert (placed(desk.commands), desk.core.delta["BTC"].episode) == ([], None)


def test_a_plan_shows_cost_risk_frontier_other_policies_and_gamma_against_theta():
    """Each with its figures, and the day's account once two samples were taken."""
    desk = _moved()
    for index in (63_050.0, 63_000.0, 62_950.0):
        desk.wait(61.0).market(index)
        desk.wait(0.3).tick()
    shown = _preview(desk)
    assert shown["residual"]["cost_usd_day"] > 0.0
    assert len(shown["frontier"]) > 3
    assert {row["policy"].split()[0] for row in shown["policies"]} == {
        "whalley_wilmott", "fixed", "bps",
    }  # fmt: skip
    assert shown["band_inputs"]["near_gamma_coin_per_pct"] > 0.0
    account = shown["gamma_account"]
    assert account["seconds"] > 60.0
    assert account["theta_usd"] > 0.0 > account["earned_usd"]


@pytest.mark.parametrize("knob,subject", [(Knob.COST, "cost_usd_day"), (Knob.DEVIATION, "dev")])
def test_a_budget_below_the_floor_is_shown_with_what_options_would_cost(knob, subject):
    """The floor, the gamma that would have to go, and its price at the cheapest option."""
    policy = DeltaPolicy(Band(-0.10, 0.0, 0.10), WhalleyWilmott(knob, 0.001))
    desk = _before(desk_rules(delta=policy)).started()
    while orders := placed(desk.commands):
        desk.commands.clear()
        desk.completes(orders[0])
    desk.wait(1.0).market()
    note, *others = _preview(desk)["notes"]
    assert others == (["gamma_part_unknown(deviation_usd_day)"] if subject == "dev" else [])
    assert note.startswith(f"below_floor({subject}")
    said = {
        name: float(figure)
        for name, figure in (part.split("=") for part in note[:-1].split(": ")[1].split(", "))
    }
    assert said["asked_usd_day"] == 0.001 < said["floor_usd_day"]
    gamma = abs(desk.core.sample("BTC", desk.now_ns).gamma_coin_per_pct)
    assert 0.9 * gamma < said["gamma_away_coin_per_pct"] < gamma
    assert said["options_usd"] > 0.0


def test_without_an_instrument_there_is_no_cost_to_show():
    """Nothing is not free."""
    desk = ScriptedDesk(rules=desk_rules(), positions=dict(SHORT), futures=()).started()
    assert _preview(desk)["band_inputs"]["cost_usd_per_coin"] is None
    assert _preview(desk)["outside"]
