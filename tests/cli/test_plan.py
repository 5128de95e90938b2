"""The plan: read from a bot's journal, or made for the book of the settings."""

from tests.cli.conftest import fill_journal

KEYS = {
    *("before", "after", "band_inputs", "candidates", "trades", "proposed", "cost_usd"),
    *("reasons", "refused"),
}
FIGURES = {
    "delta_coin": 0.4,
    "gamma_coin_per_pct": -0.29,
    "vega_usd": -67.5,
    "theta_usd_day": 864.0,
}
PLAN = {
    "BTC": {
        "before": FIGURES,
        "after": FIGURES | {"delta_coin": 0.01},
        "band_inputs": {"target": 0.0, "lower": -0.1, "upper": 0.1, "gamma_upper": None},
        "candidates": [{"instrument": "BTC-10JAN26-93000-C", "cost_usd_per_gamma": 657.3}],
        "trades": [
            {"instrument": "BTC-PERPETUAL", "quantity": -36_000.0, "unit": "usd", "cost_usd": 18.2}
        ],
        "cost_usd": 18.2,
        "reasons": ["delta_above_owner(delta_coin=0.4, limit_coin=0.1)"],
        "proposed": [{"instrument": "BTC-16JAN26-94000-C", "quantity": 0.3, "unit": "coin"}],
        "refused": ["order_too_large(wanted_coin=0.4, cap_coin=0.3)"],
        "state": "RUNNING",
    }
}


def test_the_bots_own_plan_is_shown_per_coin(deltaband):
    """Every promised part is there as the bot wrote it, and marked stale once it has ended."""
    fill_journal(deltaband.state, views={"plan": PLAN})
    found = deltaband.json("plan")["BTC"]
    assert {name: found[name] for name in PLAN["BTC"]} == PLAN["BTC"]
    assert (found["source"], found["stale"]) == ("journal", True)


def test_a_plan_for_people_says_what_why_and_at_which_cost(deltaband):
    """Before and after of each figure, the trades, the cost and the reasons."""
    fill_journal(deltaband.state, views={"plan": PLAN})
    text = deltaband("plan").stdout
    assert text.startswith("BTC: the plan of the bot · RUNNING · STALE (no bot is running)\n")
    for said in ("delta coin", "0.4000", "0.0100", "-0.3900", "BTC-PERPETUAL", "-36,000.00"):
        assert said in text
    for said in (
        "657.30",
        "cost: 18.2000 usd",
        "because: delta_above_owner(",
        "BTC-16JAN26-94000-C",
    ):
        assert said in text
    for said in ("proposed (gamma.action propose: not sent)", "not sent: order_too_large("):
        assert said in text


def test_a_bot_that_has_no_plan_yet_is_waited_for(deltaband, live_bot):
    """A plan for something else would be mistaken for its own."""
    live_bot()
    done = deltaband("plan")
    assert (done.returncode, done.stdout) == (1, "")
    assert (
        done.stderr == "error: expected a plan of the running bot, found none yet: it is starting\n"
    )


def test_without_a_journal_the_book_of_the_settings_is_planned_for(deltaband):
    """The demo book on a market in memory: every promised part, nothing written."""
    found = deltaband.json("plan", "--seed", "7")
    assert set(found) == {"BTC", "ETH"}
    for one in found.values():
        assert KEYS - set(one) == set()
        assert one["source"] == "settings"
    assert found["BTC"]["reasons"]
    assert not deltaband.state.exists()


def test_equal_seeds_make_equal_plans_and_fresh_ignores_the_journal(deltaband):
    """What a stopped bot left behind does not shine through."""
    first = deltaband.json("plan", "--seed", "7")
    fill_journal(deltaband.state, views={"plan": PLAN})
    assert deltaband.json("plan", "--fresh", "--seed", "7") == first


def test_what_a_plan_leaves_outside_is_said_and_in_the_exit_code(deltaband):
    """As when an order may be no larger than what a lot costs."""
    given = ("plan", "--set", "limits.order_usd=20", "--set", "underlying.BTC.gamma.action=off")
    done = deltaband(*given)
    assert done.returncode == 5
    assert "delta stays outside the owner's band" in done.stdout
    assert "not sent: gamma_off(BTC)" in done.stdout
    assert deltaband("plan").returncode == 0


def test_the_demos_book_is_named_as_such(deltaband):
    """Nobody shall take it for their own."""
    assert "of the demo's book, as no settings name one" in deltaband("plan").stdout
    assert deltaband.json("plan")["BTC"]["demo"] is True


def test_settings_that_a_bots_plan_was_not_made_on_are_told(deltaband):
    """Its own are no news."""
    assert deltaband("paper", "--for", "1m", "--speed", "max").returncode == 0
    same = "underlying.BTC.delta.upper=0.1"
    for said, told in (
        (same, ""),
        ("underlying.BTC.delta.upper=0.2", "warning: this is the bot's own"),
    ):
        done = deltaband("plan", "--set", said)
        assert done.stdout.startswith("BTC: the plan of the bot")
        assert done.stderr.startswith(told)
        assert bool(done.stderr) == bool(told)


def test_a_second_delta_is_told_in_one_line(deltaband):
    """What it is and holds, what it traded, how calm it would have been."""
    shown = {
        "kind": "smile", "skew_stickiness": 1.8, "since": "2026-01-05T06:30:01.000Z",
        "delta_coin": 0.25, "hedge_coin": -1.5, "by_model": 0, "trades": 7, "turnover_coin": 0.9,
        "cost_usd": 45.3, "variance_ratio": None, "samples": 83,
    }  # fmt: skip
    plan = {"BTC": PLAN["BTC"] | {"shadow": shown}}
    fill_journal(deltaband.state, views={"plan": plan})
    said = (
        "in the shadow: smile (R 1.8000) delta 0.2500 coin with a hedge of -1.5000 coin; "
        "since 2026-01-05T06:30:01.000Z: 7 trades, cost 45.3000 usd; "
        "variance ratio lately not known yet (83 samples)"
    )
    assert said in deltaband("plan").stdout
    assert f"BTC: {said}" in deltaband("status").stdout
    assert deltaband.json("plan")["BTC"]["shadow"] == shown
    assert deltaband.json("status")["underlyings"]["BTC"]["shadow"] == shown
    plan["BTC"]["shadow"] = shown | {"kind": "venue", "variance_ratio": 1.125, "by_model": 3}
    fill_journal(deltaband.state, views={"plan": plan})
    found = deltaband("plan").stdout
    assert "in the shadow: venue delta 0.2500 coin (3 legs of it by the model) with" in found
    assert "variance ratio lately 1.1250 (83 samples)" in found


def test_a_plan_of_the_settings_knows_its_shadow(deltaband):
    """Nothing has been done by it yet."""
    found = deltaband.json("plan", "--seed", "7", "--set", "underlying.BTC.delta.shadow=smile")
    assert found["ETH"]["shadow"] is None
    shown = found["BTC"]["shadow"]
    assert (shown["kind"], shown["skew_stickiness"], shown["since"]) == ("smile", 1.8, None)
    assert (shown["trades"], shown["samples"], shown["variance_ratio"]) == (0, 0, None)
    assert shown["by_model"] == 0
    assert shown["delta_coin"] != found["BTC"]["before"]["delta_coin"]
