"""Units of systemd and services of containers: what they promise to an operator."""

import configparser
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml  # type: ignore[import-untyped]

from bot.cli.app import build
from config.schema import Settings
from config.secrets import MQTT_PASSWORD

TOP = Path(__file__).parents[2]
UNITS = sorted((TOP / "config" / "deploy" / "systemd").iterdir())
PROGRAM = "/opt/deltaband/bin/deltaband"
VERBS = set(typer.main.get_command(build(rich=False)).commands)  # type: ignore[attr-defined]
CONTAINED = {"bot", "monitor", "dashboard"}

every_unit = pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)


def unit(path: Path) -> dict[str, dict[str, list[str]]]:
    """Return a unit's sections; a key may stand more than once."""
    found: dict[str, dict[str, list[str]]] = {}
    section: dict[str, list[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = found.setdefault(line.strip("[]"), {})
        elif line and not line.startswith("#"):
            name, _, value = line.partition("=")
            section.setdefault(name, []).append(value)
    return found


def compose() -> dict[str, Any]:
    """Return the compose file."""
    found: dict[str, Any] = yaml.safe_load((TOP / "compose.yaml").read_text(encoding="utf-8"))
    return found


def settings_of(name: str) -> bool:
    """Tell whether a variable DELTABAND__A__B names a setting."""
    fields: Any = Settings.model_fields
    for part in name.removeprefix("DELTABAND__").lower().split("__"):
        if part not in fields:
            return False
        fields = getattr(fields[part].annotation, "model_fields", {})
    return True


def test_there_is_a_unit_for_each_process():
    """Bot, monitor and watchdog for each instance; one dashboard."""
    assert [path.name for path in UNITS] == [
        *("deltaband-dashboard.service", "deltaband-monitor@.service"),
        *("deltaband-watchdog@.service", "deltaband@.service"),
    ]


@every_unit
def test_a_unit_starts_a_verb_as_nobody_in_particular_with_one_folder_to_write_to(path):
    """The hardening of all of them is the same."""
    service = unit(path)["Service"]
    (start,) = service["ExecStart"]
    program, verb, *_ = start.split()
    assert (program, verb in VERBS) == (PROGRAM, True)
    for name, value in (
        *(("User", "deltaband"), ("ProtectSystem", "strict"), ("NoNewPrivileges", "yes")),
        *(("PrivateTmp", "yes"), ("ProtectHome", "yes"), ("CapabilityBoundingSet", "")),
        *(("StateDirectory", "deltaband"), ("UMask", "0077"), ("LimitCORE", "0")),
    ):
        assert service[name] == [value], name
    said = [word for line in service["Environment"] for word in line.split()]
    for name, _, value in (word.partition("=") for word in said):
        if name.startswith("DELTABAND__"):
            assert settings_of(name), name
        elif name.startswith("DELTABAND_"):
            assert re.fullmatch(r"DELTABAND_DERIBIT_(WATCHDOG_)?(KEY|SECRET)_FILE", name)
            assert value in {"%d/key", "%d/secret"}


def test_the_bot_is_killed_and_started_again_when_its_decisions_stop():
    """Ready by its own word, fed by its own loop; not started again where that mends nothing."""
    found = unit(TOP / "config/deploy/systemd/deltaband@.service")
    service = found["Service"]
    assert service["Type"] == ["notify"]
    assert 3 <= int(service["WatchdogSec"][0]) <= 30
    assert service["Restart"] == ["on-failure"]
    assert int(found["Unit"]["StartLimitBurst"][0]) <= 5
    assert service["RestartPreventExitStatus"] == ["2 4"]
    assert service["LoadCredential"][0].startswith("key:")
    assert int(service["TimeoutStopSec"][0]) >= 20


def test_a_monitor_that_hangs_is_killed_and_the_bot_waits_for_none():
    """It is started before the bot, which begins whatever becomes of it."""
    service = unit(TOP / "config/deploy/systemd/deltaband-monitor@.service")["Service"]
    assert (service["Type"], service["NotifyAccess"]) == (["exec"], ["main"])
    assert 30 <= int(service["WatchdogSec"][0]) <= 120
    assert service["WatchdogSignal"] == ["SIGKILL"]
    assert service["Restart"] == ["always"]


def test_only_those_who_cancel_or_trade_are_shown_a_key():
    """The monitor and the dashboard have none."""
    with_keys = {path.name for path in UNITS if "LoadCredential" in unit(path)["Service"]}
    assert with_keys == {"deltaband@.service", "deltaband-watchdog@.service"}


def test_wrong_settings_start_no_process_again_and_again():
    """Code 2 stays down, and `systemctl status` shows why."""
    for path in UNITS:
        service = unit(path)["Service"]
        if service["Restart"] == ["always"] and "watchdog" not in path.name:
            assert service["RestartPreventExitStatus"] == ["2"], path.name


def drop_in() -> str:
    """Return what docs/deploy.md puts beside the monitor's unit."""
    text = (TOP / "docs" / "deploy.md").read_text(encoding="utf-8")
    return text.partition("```ini\n")[2].partition("```")[0]


def test_the_secrets_of_the_monitor_are_named_as_it_reads_them():
    """Each credential has its variable, which is a setting or the file of the password."""
    lines = drop_in().splitlines()[1:]
    loaded = [line.split(":")[0] for line in lines if line.startswith("LoadCredential=")]
    said = [line.removeprefix("Environment=") for line in lines if "Environment=" in line]
    assert len(loaded) == len(said) == 3
    for credential, (name, _, value) in zip(loaded, (x.partition("=") for x in said), strict=True):
        assert value == f"%d/{credential.removeprefix('LoadCredential=')}"
        assert name == f"{MQTT_PASSWORD}_FILE" or settings_of(name), name


def test_systemd_understands_the_units(tmp_path):
    """As they stand, but for the program, which is not installed here."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("needs systemd-analyze (package systemd)")
    names = []
    for path in UNITS:
        name = path.name.replace("@.", "@main.")
        text = path.read_text(encoding="utf-8").replace(PROGRAM, "/bin/true")
        (tmp_path / name).write_text(text, encoding="utf-8")
        names.append(tmp_path / name)
    beside = tmp_path / "deltaband-monitor@main.service.d"
    beside.mkdir()
    (beside / "override.conf").write_text(drop_in(), encoding="utf-8")
    done = subprocess.run(
        [analyze, "verify", "--man=no", *names], text=True, capture_output=True, check=False
    )
    ours = [line for line in done.stderr.splitlines() if "deltaband" in line]
    assert (done.returncode, ours) == (0, []), done.stderr


def test_a_unit_that_is_wrong_is_noticed_by_our_reader(tmp_path):
    """Keys that stand twice are both read; Python's own reader would refuse them."""
    path = tmp_path / "x.service"
    path.write_text("[Service]\nEnvironment=A=1\nEnvironment=B=2\n# C=3\n", encoding="utf-8")
    assert unit(path) == {"Service": {"Environment": ["A=1", "B=2"]}}
    with pytest.raises(configparser.DuplicateOptionError):
        configparser.ConfigParser().read(path)


def test_the_containers_are_who_they_should_be():
    """The bot alone by default; everything else by its profile."""
    found = compose()["services"]
    assert set(found) == {"bot", "monitor", "dashboard", "mosquitto", "prometheus", "grafana"}
    assert {name for name, one in found.items() if "profiles" not in one} == {"bot"}
    assert found["monitor"]["profiles"] == ["monitoring", "mqtt"]


@pytest.mark.parametrize("name", sorted(compose()["services"]))
def test_a_container_can_do_nothing_that_it_does_not_need(name):
    """A read-only root, no capability, no new privileges; ports of this machine alone."""
    one = compose()["services"][name]
    assert one["read_only"] is True
    assert one["init"] is True
    assert one["cap_drop"] == ["ALL"]
    assert one["security_opt"] == ["no-new-privileges:true"]
    assert one["restart"] in {"on-failure", "unless-stopped"}
    assert "mem_limit" in one
    for port in one.get("ports", ()):
        assert port.startswith("127.0.0.1:"), port
    if name in CONTAINED:
        assert (one["build"], one["image"], one["volumes"]) == (".", "deltaband", ["state:/state"])
    else:
        image, _, tag = one["image"].partition(":")
        assert image
        assert re.fullmatch(r"v?\d+\.\d+\.\d+", tag), "an image by its whole version"


@pytest.mark.parametrize("name", sorted(CONTAINED))
def test_a_container_of_ours_starts_a_verb_with_settings_that_exist(name):
    """And no secret stands in its environment."""
    one = compose()["services"][name]
    command = one.get("command", ["deltaband", "paper"])
    assert command[0] == "deltaband"
    assert command[1] in VERBS
    for variable, value in one.get("environment", {}).items():
        if variable.startswith("DELTABAND__"):
            assert settings_of(variable), variable
        else:
            assert (variable.endswith("_FILE"), value) == (True, None)


def test_what_compose_mounts_is_there_and_its_volumes_are_named():
    """Files of this repository, secrets of the operator's folder, and three volumes."""
    found = compose()
    for one in found["services"].values():
        for mount in one.get("volumes", ()):
            source = mount.partition(":")[0]
            if source.startswith("./secrets/"):
                continue
            if source.startswith("./"):
                assert (TOP / source).exists(), source
                assert mount.endswith(":ro")
            else:
                assert source in found["volumes"]


def test_prometheus_asks_the_monitor_where_it_listens():
    """In the containers' own network, where the setting says that this is meant."""
    said = compose()["services"]["monitor"]["environment"]
    config = yaml.safe_load((TOP / "config/deploy/prometheus/prometheus.yml").read_text())
    (target,) = config["scrape_configs"][0]["static_configs"][0]["targets"]
    host, _, port = target.partition(":")
    assert host == "monitor"
    assert said["DELTABAND__METRICS__LISTEN"] == f"0.0.0.0:{port}"
    assert said["DELTABAND__METRICS__BEYOND_LOOPBACK"] == "true"
