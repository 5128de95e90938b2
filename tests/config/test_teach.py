"""The file that teaches and the listing that explains."""

import re
import tomllib

import pytest

from config import ConfigError, Settings, load
from config.keys import known
from config.teach import rows, taught

MINIMAL = {
    "underlying": {
        "BTC": {
            "numeraire": "usd",
            "collateral_delta": "exclude",
            "delta": {"upper": 0.1, "lower": -0.1},
        }
    },
    "paper": {
        "position": [
            {"instrument": "BTC-30JAN26-90000-C", "quantity": -1.0, "tag": "straddle"},
            {"instrument": "BTC-30JAN26-90000-P", "quantity": -1.0, "tag": "straddle"},
        ],
        "collateral": {"BTC": 5.0},
    },
}
EXAMPLES = [line for line in taught().splitlines() if re.match(r"# \w+ = ", line)]
ONLY_TOGETHER = {
    "width_bps": "width_bps: expected none because kind is whalley_wilmott and this is bps's",
    "width_coin": "width_coin: expected none because kind is whalley_wilmott and this is fixed's",
    "perpetual": "sim.perpetual: expected market = replay:FOLDER",
    "positions_csv": "either paper.position or paper.positions_csv",
}


def test_the_taught_file_is_the_defaults_and_a_minimal_book(tmp_path):
    """What `config init` writes loads to exactly what it says."""
    path = tmp_path / "taught.toml"
    path.write_text(taught(), encoding="utf-8")
    assert load([path], (), {}).settings == Settings.model_validate(MINIMAL)


def test_the_taught_file_names_every_key():
    """A key of the schema that the file does not teach would be a secret."""
    untaught = [
        key.path for key in known() if f"{key.path[-1].replace('*', 'BTC')}" not in taught()
    ]
    assert untaught == []
    assert [key.path for key in known() if not key.field.description] == []


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_holds_when_it_is_uncommented(tmp_path, example):
    """An example loads, or is refused for exactly the reason that its comment gives."""
    path = tmp_path / "taught.toml"
    path.write_text(taught().replace(f"\n{example}\n", f"\n{example[2:]}\n", 1), encoding="utf-8")
    name, _, value = example[2:].partition(" = ")
    if name in ONLY_TOGETHER:
        with pytest.raises(ConfigError) as caught:
            load([path], (), {})
        assert ONLY_TOGETHER[name] in str(caught.value)
    else:
        loaded = load([path], (), {})
        set_here = [key for key, origin in loaded.origin.items() if origin.name == str(path)]
        assert name in {key.rpartition(".")[2] for key in set_here}, value


def test_the_listing_says_value_origin_unit_and_bounds():
    """One row for each leaf, and one for each position."""
    listed = {row.key: row for row in rows(load((), ["underlying.BTC.delta.upper=0.2"], {}))}
    upper = listed["underlying.BTC.delta.upper"]
    assert (upper.value, upper.origin) == ("0.2", "--set underlying.BTC.delta.upper")
    assert (upper.unit, upper.bounds) == ("coin", ">= -1e+12 and <= 1e+12")
    assert listed["underlying.ETH.gamma.action"].bounds == "propose, auto, off"
    assert listed["limits.order_usd"].value == ""
    assert listed["paper.position[0]"].origin == "profile demo"


def test_a_listed_value_is_valid_toml():
    """What is shown can be pasted into a file."""
    loaded = load((), (), {})
    shown = [row for row in rows(loaded) if row.value]
    assert [
        tomllib.loads(f"value = {row.value}")["value"] for row in shown if row.key == "mode"
    ] == ["paper"]
    again = [tomllib.loads(f"value = {row.value}").keys() for row in shown]
    assert again == [{"value"}] * len(shown)
