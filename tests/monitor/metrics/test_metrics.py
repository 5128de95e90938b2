"""What /metrics says of a bot, over a real socket, and what it does not say."""

import asyncio
import json
import math
import re
import shutil
import signal
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from bot.domain.reasons import Because, Reason
from bot.domain.records import Doubt
from bot.domain.states import State
from bot.monitor.metrics import standing
from bot.monitor.metrics.catalogue import CATALOGUE, renewed
from bot.monitor.metrics.page import Page
from bot.pace import LOOP_VIEW
from tests.journal.records import T0, breach, changed_state, explained, run_start, sample
from tests.monitor.metrics.bots import (
    INSTANCE,
    begin,
    feed,
    feeds,
    loop_view,
    margin,
    parsed,
    serving,
    stand,
    trade,
)

TOP = Path(__file__).parents[3]
BTC = (("coin", "BTC"),)


def of(**labels):
    """Return labels as samples have them."""
    return tuple(sorted(labels.items()))


async def test_a_bot_that_says_everything_is_told_with_every_metric(tmp_path):
    """Nothing of the catalogue is only a name, and nothing is exposed that it does not have."""
    with closing(begin(tmp_path)) as journal:
        trade(journal)
        stand(journal)
        async with serving(tmp_path, unreached={"mqtt": time.time_ns()}) as served:
            served.look()
            found = await served.samples()
    series = {name for metric in CATALOGUE for name in metric.series}
    # What can be negative has no sum, and Prometheus' format no count without one.
    assert series - set(found) == {f"deltaband_hedge_slippage_bps_{x}" for x in ("sum", "count")}
    assert set(found) - series == set()
    for metric in CATALOGUE:
        for labels in found[metric.series[0]]:
            names = {name for name, _ in labels} - {"le"}
            assert names == set(metric.labels), metric.full
    values = [value for samples in found.values() for value in samples.values()]
    assert not any(math.isnan(value) for value in values)


async def test_figures_are_those_of_the_journal(tmp_path):
    """In their units, each where it belongs."""
    with closing(begin(tmp_path)) as journal:
        trade(journal)
        stand(journal)
        async with serving(tmp_path) as served:
            served.look()
            found = await served.samples()
    one = {name: samples.get(BTC) for name, samples in found.items()}
    assert found["deltaband_up"] == {(): 1.0}
    assert found["deltaband_info"] == {
        of(market="synthetic", mode="paper", version="0.1.0"): 1.0,
    }
    assert 0.0 <= found["deltaband_decision_heartbeat_age_seconds"][()] < 10.0
    assert (one["deltaband_delta_coin"], one["deltaband_delta_upper_coin"]) == (0.021, 0.1)
    assert (one["deltaband_gamma_lower_coin_per_pct"], one["deltaband_vega_usd"]) == (-0.25, -410)
    assert one["deltaband_equity_usd"] == 450_000.0
    assert found["deltaband_shock_pnl_usd"][of(coin="BTC", shock="up_10pct")] == -9_400.0
    states = found["deltaband_state"]
    assert states[of(coin="BTC", state="RUNNING")] == 1.0
    assert sum(states.values()) == 1.0
    assert len(states) == len(State)
    assert found["deltaband_doubts"] == {
        of(coin="BTC", reason="stale_chain"): 1.0,
        of(coin="BTC", reason="pnl_unexplained"): 1.0,
    }
    assert found["deltaband_margin_share"][of(coin="BTC", kind="initial")] == 0.2
    assert found["deltaband_liquidation_distance_ratio"] == {
        of(coin="BTC", side="down"): 0.5,
        of(coin="BTC", side="up"): 2.5,
    }
    assert 4.0 < found["deltaband_disconnected_seconds"][of(connection="account")] < 30.0
    assert found["deltaband_band_outside_seconds"][of(coin="BTC", kind="gamma")] == 61.5
    cycle = found["deltaband_cycle_duration_seconds_bucket"]
    assert cycle[of(le="0.00025")] == 0.0
    assert cycle[of(le="0.0005")] == 90.0
    assert (cycle[of(le="5.0")], cycle[of(le="+Inf")]) == (99.0, 100.0)
    assert found["deltaband_cycle_duration_seconds_sum"] == {(): 6.25}
    assert found["deltaband_feed_age_limit_seconds"][of(coin="BTC", feed="quote")] == 2.0


async def test_what_was_done_is_counted_once_and_costs_by_their_sign(tmp_path):
    """Orders, rejects, fills, costs and times."""
    with closing(begin(tmp_path)) as journal:
        async with serving(tmp_path) as served:
            trade(journal)
            served.look()
            served.look()
            found = await served.samples()
    assert found["deltaband_hedge_orders_total"] == {
        of(coin="BTC", side="sell", reason="delta_above_owner"): 1.0
    }
    assert found["deltaband_rejects_total"] == {
        of(coin="BTC", reason="collar"): 1.0,
        of(coin="BTC", reason="margin"): 1.0,
        of(coin="BTC", reason="exchange"): 1.0,
    }
    assert found["deltaband_orders_ended_total"] == {
        of(coin="BTC", outcome="filled"): 1.0,
        of(coin="BTC", outcome="rejected"): 1.0,
    }
    assert found["deltaband_fills_total"] == {of(coin="BTC", liquidity="taker"): 1.0}
    assert found["deltaband_fees_usd_total"][BTC] == 82.5
    assert found["deltaband_rebates_usd_total"][BTC] == 3.0
    assert found["deltaband_slippage_usd_total"][BTC] == 0.92
    assert found["deltaband_price_improvement_usd_total"][BTC] == 1.5
    wait = found["deltaband_trigger_to_fill_seconds_bucket"]
    assert (wait[of(coin="BTC", le="0.25")], wait[of(coin="BTC", le="0.5")]) == (0.0, 1.0)
    slip = found["deltaband_hedge_slippage_bps_bucket"]
    assert (slip[of(coin="BTC", le="-0.5")], slip[of(coin="BTC", le="0.0")]) == (0.0, 1.0)
    assert slip[of(coin="BTC", le="0.5")] == 2.0
    assert found["deltaband_hedge_duration_seconds_sum"][BTC] == 0.4
    left = breach(1).seconds
    assert found["deltaband_band_left_seconds_total"][of(coin="BTC", kind="delta")] == left


async def test_what_is_not_known_is_absent(tmp_path):
    """A bot that has measured nothing, has no margin, no feed and no lag."""
    unfed = feeds(quote=feed(None, 2.0))
    with closing(begin(tmp_path)) as journal:
        nan = math.nan
        journal.record(sample(1, delta_coin=nan, index=nan, gamma_coin_per_pct=nan, equity_usd=nan))
        journal.record(margin(up=math.inf, initial_margin=nan, funds=0.0))
        journal.record(explained(1))
        journal.record(explained(2, vega=nan))
        view = loop_view(lag=None, feeds={"BTC": unfed}, process={"cpu_seconds": 1.0})
        for name in ("logs", "inbox", "clock", "connections", "flaws"):
            del view[name]
        journal.view(LOOP_VIEW, T0, view)
        journal.tick(T0, State.RUNNING)
        journal.commit()
        async with serving(tmp_path) as served:
            served.look()
            found = await served.samples()
    absent = {
        *("delta_coin", "index_usd", "gamma_coin_per_pct", "equity_usd", "margin_share"),
        *("quote_age_seconds", "loop_lag_seconds_bucket", "process_resident_memory_bytes"),
        *("inbox_events", "flaws_total", "log_lines_lost_total", "hedges_total", "fills_total"),
    }
    assert {f"deltaband_{name}" for name in absent} & set(found) == set()
    assert list(found["deltaband_liquidation_distance_ratio"]) == [of(coin="BTC", side="down")]
    lines = {dict(labels)["line"] for labels in found["deltaband_day_pnl_usd"]}
    assert "vega" not in lines
    assert "gamma" in lines
    assert found["deltaband_chain_age_seconds"][BTC] == 4.0
    assert found["deltaband_unknown_orders"][BTC] == 0.0


async def test_before_there_is_a_journal_only_that_is_said(tmp_path):
    """And nothing at all before the first look."""
    async with serving(tmp_path) as served:
        assert await served.samples() == {}
        served.look()
        assert await served.samples() == {"deltaband_up": {(): 0.0}}


async def test_figures_of_a_dead_bot_are_gone_and_its_counters_stay(tmp_path):
    """At once where it let go of the journal; after a while where it only fell silent."""
    clock = [time.time_ns()]
    with closing(begin(tmp_path)) as journal:
        trade(journal)
        stand(journal)
        async with serving(tmp_path, wall_ns=lambda: clock[0]) as served:
            served.look()
            alive = await served.samples()
            clock[0] += round((standing.GONE_S - 1.0) * 1e9)
            assert "deltaband_delta_coin" in await served.samples()
            clock[0] += 3_000_000_000
            assert "deltaband_up" not in await served.samples()  # nobody has looked for so long
            served.outlet.see(served.outlet._sight.__class__(clock[0], alive=True, status=None))
            assert (await served.samples())["deltaband_up"] == {(): 1.0}
            clock[0] = time.time_ns()
            journal.end_run({})
            journal.close()
            served.look()
            dead = await served.samples()
    assert dead["deltaband_up"] == {(): 0.0}
    assert dead["deltaband_run_ended"] == {(): 1.0}
    gone = {name.removeprefix("deltaband_") for name in set(alive) - set(dead)}
    assert {"delta_coin", "state", "halted", "doubts", "day_pnl_usd", "events_total"} <= gone
    assert {"gamma_lower_coin_per_pct", "quote_age_seconds"} <= gone
    for name in ("fills_total", "fees_usd_total", "hedge_duration_seconds_count", "info"):
        assert dead[f"deltaband_{name}"] == alive[f"deltaband_{name}"]


async def test_a_silent_bot_shows_no_figures_but_how_long_it_has_been_silent(tmp_path):
    """It holds its journal, and its loop hangs."""
    with closing(begin(tmp_path)) as journal:
        stand(journal)
        later = time.time_ns() + 40_000_000_000
        async with serving(tmp_path, wall_ns=lambda: later) as served:
            served.look()
            sight = served.outlet._sight
            fresh = {name: getattr(sight, name) for name in sight.__slots__} | {"wall_ns": later}
            served.outlet.see(type(sight)(**fresh))
            found = await served.samples()
    assert found["deltaband_up"] == {(): 1.0}
    assert 39.0 < found["deltaband_decision_heartbeat_age_seconds"][()] < 60.0
    assert "deltaband_delta_coin" not in found
    assert "deltaband_cycle_longest_seconds" not in found


async def test_halted_is_of_the_instance_or_of_a_coin(tmp_path):
    """Whatever it is that does not hedge, somebody looks at one figure."""
    with closing(begin(tmp_path)) as journal:
        stand(journal)
        async with serving(tmp_path) as served:
            served.look()
            before = await served.samples()
            journal.record(changed_state(State.RUNNING, State.HALTED, "BTC"))
            journal.commit()
            served.look()
            after = await served.samples()
    assert (before["deltaband_halted"], after["deltaband_halted"]) == ({(): 0.0}, {(): 1.0})
    assert after["deltaband_state"][of(coin="BTC", state="HALTED")] == 1.0
    assert after["deltaband_instance_state"][of(state="RUNNING")] == 1.0


async def test_the_day_begins_anew_and_another_ledger_is_another_account(tmp_path):
    """Only steps since 08:00 UTC, only of the runs that share an account."""
    day_ns = 86_400_000_000_000
    with closing(begin(tmp_path)) as journal:
        journal.record(explained(1, gamma=-5.0))
        journal.begin_run(run_start())
        journal.record(explained(2, gamma=-1.0))
        journal.record(explained(3, gamma=-2.0))
        stand(journal)
        async with serving(tmp_path) as served:
            served.look()
            today = await served.samples()
            journal.record(sample(1, ts_ns=T0 + day_ns))
            journal.commit()
            served.look()
            night = await served.samples()
            journal.record(
                explained(4, gamma=-7.0, start_ns=T0 + day_ns - 1, ts_ns=T0 + day_ns + 1)
            )
            journal.commit()
            served.look()
            tomorrow = await served.samples()
    gamma = of(coin="BTC", line="gamma")
    usual = explained(1).gamma
    assert today["deltaband_day_pnl_usd"][gamma] == pytest.approx(usual - 3.0)
    assert "deltaband_day_pnl_usd" not in night  # another day, of which nothing is known yet
    assert tomorrow["deltaband_day_pnl_usd"][gamma] == -7.0


async def test_a_doubt_that_is_over_is_gone(tmp_path):
    """The alarm of unexplained profit stands in news alone, and a later monitor knows it, too."""
    with closing(begin(tmp_path)) as journal:
        stand(journal)
        async with serving(tmp_path, whole_run=False) as served:
            served.look()
            assert (
                of(coin="BTC", reason="pnl_unexplained")
                in (await served.samples())["deltaband_doubts"]
            )
            over = Because(Reason.PNL_UNEXPLAINED, "BTC")
            journal.record(Doubt(T0, "BTC", over, active=False))
            journal.record(sample(2))
            journal.commit()
            served.look()
            assert "deltaband_doubts" not in await served.samples()


async def test_openmetrics_is_spoken_where_it_is_asked_for(tmp_path):
    """And the plain text where nothing is."""
    with closing(begin(tmp_path)) as journal:
        trade(journal)
        stand(journal)
        async with serving(tmp_path, unreached={"mqtt": time.time_ns()}) as served:
            served.look()
            asked = "application/openmetrics-text; version=1.0.0"
            status, kind, body = await served.get("/metrics", Accept=asked)
            _, plain, _ = await served.get("/metrics")
    assert (status, kind.split(";")[0]) == (200, "application/openmetrics-text")
    assert plain.startswith("text/plain")
    assert body.endswith("# EOF\n")
    assert len(list(text_string_to_metric_families(body))) == len(CATALOGUE)


async def test_a_name_of_somebody_else_is_refused(tmp_path):
    """DNS rebinding; where any may connect a scraper calls us as its owner named us."""
    paths = ("/metrics", "/healthz", "/readyz")
    async with serving(tmp_path) as served:
        for path in paths:
            status, _, body = await served.get(path, Host="evil.example")
            assert (status, body) == (421, "expected a name of this machine\n")
        assert (await served.get("/metrics", Host="localhost:9"))[0] == 200
    async with serving(tmp_path, names=None) as served:
        assert (await served.get("/metrics", Host="bot:9464"))[0] == 200


async def test_a_prober_may_ask_for_the_head_alone(tmp_path):
    """Many look with HEAD whether somebody is well."""
    async with serving(tmp_path) as served:
        assert (await served.get("/healthz", "HEAD"))[::2] == (503, "")
        assert (await served.get("/metrics", "HEAD"))[::2] == (200, "")


async def test_nothing_but_get_is_answered_and_nobody_is_told_what_serves(tmp_path):
    """There is nothing to change here, and nothing else to find."""
    async with serving(tmp_path) as served:
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            assert (await served.get("/metrics", method))[0] == 405
        assert (await served.get("/"))[0] == 404
        assert (await served.get("/metrics/../healthz"))[0] == 503
        host, port = served.outlet.address
        async with served.session.get(f"http://{host}:{port}/metrics") as answer:
            assert answer.headers["Server"] == "deltaband"
            assert answer.headers["Cache-Control"] == "no-store"


async def test_it_listens_on_ipv6_and_an_address_that_is_taken_is_told(tmp_path):
    """The newsroom reports what is raised, and begins again."""
    async with serving(tmp_path, host="::1") as served:
        assert (await served.get("/healthz"))[0] == 503
        taken = served.outlet.address
        served.outlet._listen = taken
        with pytest.raises(OSError, match=r"metrics\.listen.*Address already in use"):
            await served.outlet.run()


async def test_what_is_exposed_passes_promtool(tmp_path):
    """Prometheus' own lint: names, units, types, help."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("needs promtool (package prometheus)")
    with closing(begin(tmp_path)) as journal:
        trade(journal)
        stand(journal)
        async with serving(tmp_path) as served:
            served.look()
            _, _, body = await served.get("/metrics")
    done = await asyncio.to_thread(
        subprocess.run, [promtool, "check", "metrics"], input=body, text=True, capture_output=True
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_page_has_every_metric_as_the_catalogue_has_it():
    """`python -m bot.monitor.metrics docs/metrics.md` writes it anew."""
    page = (TOP / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert renewed(page) == page
    with pytest.raises(ValueError, match="found neither"):
        renewed("no marks")


def test_a_sample_has_exactly_its_labels():
    """A label that is forgotten or invented is a fault of this program."""
    with pytest.raises(ValueError, match="beside state"):
        Page("demo").tell("state", 1.0, "BTC")
    with pytest.raises(KeyError):
        Page("demo").tell("made_up", 1.0)


def test_names_follow_prometheus_conventions():
    """Counters end in _total and nothing else does; no two metrics share a name."""
    for metric in CATALOGUE:
        assert (metric.kind == "counter") is metric.name.endswith("_total"), metric.name
        assert not set(metric.labels) & {"bot", "instance", "job", "le", "quantile"}
        assert metric.help.endswith(".")
    names = [metric.full for metric in CATALOGUE]
    assert len(set(names)) == len(names)


def test_a_real_bot_tells_its_figures_and_none_while_it_hangs(paper_run):
    """A paper run starts the monitor beside itself, which answers with figures of now alone."""

    def under_way(text):
        counted = re.search(r"deltaband_cycle_duration_seconds_count\{[^}]*\} \d{2}", text)
        return counted and all(word in text for word in ("hedges_total{", "quote_age_seconds{"))

    body = paper_run.get("/metrics", under_way)
    found = parsed(body)
    assert found["deltaband_up"] == {(): 1.0}
    assert of(coin="BTC", state="RUNNING") in found["deltaband_state"]
    assert found["deltaband_cycle_duration_seconds_count"][()] >= 10.0
    assert BTC in found["deltaband_quote_age_seconds"]
    assert sum(found["deltaband_hedges_total"].values()) >= 1.0
    assert f'bot="{INSTANCE}"' in body
    paper_run.process.send_signal(signal.SIGSTOP)
    sick = json.loads(paper_run.get("/healthz", lambda text: "decision_heartbeat" in text))
    assert sick["healthy"] is False
    after = parsed(paper_run.get("/metrics", lambda text: "deltaband_delta_coin{" not in text))
    assert after["deltaband_up"] == {(): 1.0}
    assert set(after["deltaband_hedges_total"]) >= set(found["deltaband_hedges_total"])
    paper_run.process.send_signal(signal.SIGCONT)
    paper_run.get("/metrics", lambda text: "deltaband_delta_coin{" in text)
