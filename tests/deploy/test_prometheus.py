"""Alert rules and dashboard speak of what is exposed, and of nothing else."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from tests.deploy.exposed import exposed

TOP = Path(__file__).parents[2]
DEPLOY = TOP / "config" / "deploy"
RULES = DEPLOY / "prometheus" / "deltaband.rules.yml"
BOARD = DEPLOY / "grafana" / "dashboards" / "deltaband.json"
TEMPLATE = re.compile(r"\$labels\.(\w+)")
LEGEND = re.compile(r"\{\{(\w+)\}\}")


def rules() -> list[dict[str, Any]]:
    """Return every alert rule."""
    loaded = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    return [rule for group in loaded["groups"] for rule in group["rules"]]


def board() -> dict[str, Any]:
    """Return the dashboard."""
    found: dict[str, Any] = json.loads(BOARD.read_text(encoding="utf-8"))
    return found


def expressions(of: Any) -> Iterator[str]:
    """Yield every expression below a part of the dashboard."""
    if isinstance(of, dict):
        yield from (of[name] for name in ("expr", "query") if isinstance(of.get(name), str))
        for one in of.values():
            yield from expressions(one)
    elif isinstance(of, list):
        for one in of:
            yield from expressions(one)


async def test_rules_and_dashboard_name_what_a_running_outlet_exposes(tmp_path):
    """Every series, every label, and every value of a label that is spelled out."""
    there = await exposed(tmp_path)
    asked = [rule["expr"] for rule in rules()] + list(expressions(board()))
    assert len(asked) > 60
    assert [wrong for one in asked for wrong in there.wrong(one)] == []


async def test_a_name_that_is_not_exposed_is_noticed(tmp_path):
    """A series, a label of it, a label to group by, a value, a pattern that fits none."""
    there = await exposed(tmp_path)
    for expression, wrong in (
        ("deltaband_dleta_coin > 1", ["no series deltaband_dleta_coin"]),
        ('deltaband_delta_coin{kind="delta"}', ["deltaband_delta_coin has no label kind"]),
        ("sum by (bot, koin) (deltaband_delta_coin)", ["no label koin"]),
        ('deltaband_state{state="HALTD"}', ["deltaband_state has no state like HALTD"]),
        ('deltaband_margin_share{kind=~"init"}', ["deltaband_margin_share has no kind like init"]),
        ('deltaband_doubts{reason="margin", bot=~"$bot"}', []),
        ("histogram_quantile(0.9, rate(deltaband_loop_lag_seconds_bucket[1m])) > on (le) up", []),
    ):
        assert there.wrong(expression) == wrong


def test_every_rule_says_how_bad_it_is_what_it_is_and_where_to_read_on():
    """A severity of two, a sentence with the bot's name, a page with that heading."""
    found = rules()
    assert len({rule["alert"] for rule in found}) == len(found)
    for rule in found:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in {"critical", "warning"}
        summary = rule["annotations"]["summary"]
        assert "$labels.bot" in summary or rule["expr"].startswith("up{"), rule["alert"]
        page, _, anchor = rule["annotations"]["runbook"].partition("#")
        text = (TOP / page).read_text(encoding="utf-8")
        assert page.startswith("docs/")
        if anchor:
            titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
            assert anchor in {title.lower().replace(" ", "-") for title in titles}, rule["alert"]


async def test_a_summary_names_labels_that_its_alert_has(tmp_path):
    """An empty name in a message helps nobody."""
    there = await exposed(tmp_path)
    for rule in rules():
        kept = re.search(r"\bby \(([^)]*)\)|> on \(([^)]*)\)", rule["expr"])
        first = re.search(r"deltaband_\w+", rule["expr"])
        if kept:
            labels = {one.strip() for one in (kept[1] or kept[2]).split(",")}
        else:
            labels = {"bot", "instance", *(there.series[first[0]] if first else ())}
        assert set(TEMPLATE.findall(rule["annotations"]["summary"])) <= labels, rule["alert"]


def test_what_must_never_go_unnoticed_has_a_rule():
    """A bot that is gone, old, outside, halted, close to its end, or costs too much."""
    names = {rule["alert"].removeprefix("Deltaband") for rule in rules()}
    assert names >= {
        *("MonitorDown", "BotDown", "NoDecisions", "QuotesOld", "DeltaOutside", "UnknownOrders"),
        *("Halted", "MarginHigh", "LiquidationNear", "PnlUnexplained", "FeesBurn"),
        *("SlippageBurn", "JournalDrops", "DiskLow"),
    }


def test_the_dashboard_is_laid_out_and_reads_one_data_source():
    """Rows in their order, no panel over another, one id each, provisioned where it is mounted."""
    found = board()
    panels = found["panels"]
    rows = [one["title"] for one in panels if one["type"] == "row"]
    assert rows == [
        *("Overview", "Exposure against bands", "Profit and loss since 08:00 UTC"),
        *("Execution", "Feeds and loop", "Margin"),
    ]
    assert len({one["id"] for one in panels}) == len(panels)
    cells: set[tuple[int, int]] = set()
    for one in panels:
        at = one["gridPos"]
        mine = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not mine & cells, one["title"]
        cells |= mine
        assert one["type"] == "row" or one["datasource"]["uid"] == "prometheus"
    source = yaml.safe_load(
        (DEPLOY / "grafana/provisioning/datasources/prometheus.yml").read_text()
    )
    assert source["datasources"][0]["uid"] == "prometheus"
    provider = yaml.safe_load(
        (DEPLOY / "grafana/provisioning/dashboards/deltaband.yml").read_text()
    )
    compose = yaml.safe_load((TOP / "compose.yaml").read_text(encoding="utf-8"))
    where = provider["providers"][0]["options"]["path"]
    assert any(f":{where}:ro" in one for one in compose["services"]["grafana"]["volumes"])


async def test_every_legend_of_the_dashboard_has_its_label(tmp_path):
    """Of the series that it stands for."""
    there = await exposed(tmp_path)
    for panel in board()["panels"]:
        for target in panel.get("targets", ()):
            by = re.findall(r"\bby \(([^)]*)\)", target["expr"])
            first = re.search(r"deltaband_\w+", target["expr"])
            assert first is not None
            kept = {x.strip() for x in by[0].split(",")} if by else set(there.series[first[0]])
            assert set(LEGEND.findall(target["legendFormat"])) <= kept, target


TESTS = """
rule_files: [{rules}]
evaluation_interval: 15s
tests:
  - interval: 15s
    input_series:
      - {{series: 'deltaband_up{{bot="a"}}', values: '1x8 0x20'}}
      - {{series: 'deltaband_run_ended{{bot="a"}}', values: '0x28'}}
      - {{series: 'deltaband_up{{bot="b"}}', values: '0x28'}}
      - {{series: 'deltaband_run_ended{{bot="b"}}', values: '1x28'}}
      - {{series: 'up{{job="deltaband", instance="x:1"}}', values: '0x28'}}
      - {{series: 'deltaband_quote_age_seconds{{bot="a", coin="BTC"}}', values: '9x28'}}
      - {{series: 'deltaband_feed_age_limit_seconds{{bot="a", coin="BTC", feed="quote"}}',
         values: '2x28'}}
      - {{series: 'deltaband_band_outside_seconds{{bot="a", coin="BTC", kind="delta"}}',
         values: '0 15 30 45 60 75 90x20'}}
    alert_rule_test:
      - {{eval_time: 2m, alertname: DeltabandBotDown, exp_alerts: []}}
      - eval_time: 4m
        alertname: DeltabandBotDown
        exp_alerts:
          - exp_labels: {{bot: a, severity: critical}}
            exp_annotations:
              summary: "a: the bot is gone and did not end in order. Nobody hedges."
              runbook: docs/metrics.md#a-bot-that-is-gone
      - {{eval_time: 5m, alertname: DeltabandBotStopped, exp_alerts: []}}
      - eval_time: 5m
        alertname: DeltabandMonitorDown
        exp_alerts:
          - exp_labels: {{job: deltaband, instance: "x:1", severity: critical}}
            exp_annotations:
              summary: "Nobody tells how the bot at x:1 stands: its monitor does not answer."
              runbook: docs/metrics.md#a-monitor-that-does-not-answer
      - eval_time: 1m
        alertname: DeltabandQuotesOld
        exp_alerts:
          - exp_labels: {{bot: a, coin: BTC, severity: critical}}
            exp_annotations:
              summary: "a BTC: no fresh price to hedge at; the newest is 9s old."
              runbook: docs/metrics.md#feeds-that-are-old
      - {{eval_time: 1m, alertname: DeltabandDeltaOutside, exp_alerts: []}}
      - eval_time: 90s
        alertname: DeltabandDeltaOutside
        exp_alerts:
          - exp_labels: {{bot: a, coin: BTC, kind: delta, severity: critical}}
            exp_annotations:
              summary: "a BTC: delta has been outside its band for 1m 30s."
              runbook: docs/metrics.md#delta-outside-its-band
"""


@pytest.fixture
def promtool():
    """Return Prometheus' own judge, where there is one."""
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("needs promtool (package prometheus)")

    def run(*args: object) -> subprocess.CompletedProcess[str]:
        command = [found, *map(str, args)]
        return subprocess.run(command, text=True, capture_output=True, check=False)

    return run


def test_promtool_accepts_rules_and_settings(promtool):
    """As Prometheus would at its start."""
    for what, file in (("rules", RULES), ("config", RULES.with_name("prometheus.yml"))):
        done = promtool("check", what, file)
        assert done.returncode == 0, done.stdout + done.stderr


def test_alerts_fire_when_they_should_and_not_before(promtool, tmp_path):
    """Prometheus' own evaluation: a bot that dies, one that was stopped, an old feed, a breach."""
    file = tmp_path / "tests.yml"
    file.write_text(TESTS.format(rules=RULES), encoding="utf-8")
    done = promtool("test", "rules", file)
    assert done.returncode == 0, done.stdout + done.stderr
