"""Layers, their order, their provenance, and what every refusal says."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import ConfigError, Origin, load
from tests.struck import struck

MOMENT = "expected an ISO date and time with its zone, such as 2026-12-10T13:30:00Z"

BOOK = """
[underlying.BTC]
numeraire = "usd"
collateral_delta = "exclude"
delta = { upper = 0.1, lower = -0.1 }

[paper]
position = [{ instrument = "BTC-30JAN26-90000-C", quantity = -1.0 }]
collateral = { BTC = 5.0 }
"""


@pytest.fixture
def book(tmp_path):
    """Write a file with a book of its own."""
    return written(tmp_path / "book.toml", BOOK)


def written(path: Path, text: str) -> Path:
    """Write a file and give its path."""
    path.write_text(text, encoding="utf-8")
    return path


def refusals(*files: Path, sets=(), environ=None) -> list[str]:
    """Load what must be refused and give one line for each problem."""
    with pytest.raises(ConfigError) as caught:
        load(files, sets, environ or {})
    assert len(caught.value.problems) == len(str(caught.value).splitlines())
    return str(caught.value).splitlines()


def test_later_layers_win_and_are_remembered(tmp_path, book):
    """Default, profile, files in order, environment, --set: each beats the one before it."""
    over = written(tmp_path / "over.toml", "[underlying.BTC.delta]\nupper = 0.3\nratio = 0.9\n")
    environ = {"DELTABAND__UNDERLYING__BTC__DELTA__UPPER": "0.4"}
    sets = ["underlying.BTC.delta.upper=0.5"]
    key = "underlying.BTC.delta.upper"
    layers = [
        ((), {}, (), 0.1, Origin("profile", "demo")),
        ((book,), {}, (), 0.1, Origin("file", str(book))),
        ((book, over), {}, (), 0.3, Origin("file", str(over))),
        ((over, book), {}, (), 0.1, Origin("file", str(book))),
        ((book, over), environ, (), 0.4, Origin("environment", next(iter(environ)))),
        ((book, over), environ, sets, 0.5, Origin("--set", key)),
    ]
    for files, variables, arguments, value, origin in layers:
        loaded = load(files, arguments, variables)
        assert (loaded.settings.underlying["BTC"].delta.upper, loaded.origin[key]) == (
            value,
            origin,
        )
    assert load((book, over), (), {}).origin["underlying.BTC.delta.target"] == Origin("default")


def test_every_leaf_has_an_origin(book):
    """Nothing in effect is of unknown descent."""
    loaded = load([book], (), {})
    assert loaded.origin["paper.collateral.BTC"] == Origin("file", str(book))
    assert loaded.origin["paper.position"] == Origin("file", str(book))
    assert loaded.origin["sim.seed"] == Origin("default")


def test_the_demo_stands_below_whatever_names_no_book(tmp_path, book):
    """A file without positions changes the demo; one with positions replaces it."""
    plain = written(tmp_path / "plain.toml", "[sim]\nregime = 'calm'\n")
    assert set(load([plain], (), {}).settings.underlying) == {"BTC", "ETH"}
    assert load([plain], (), {}).settings.sim.regime == "calm"
    assert set(load([book], (), {}).settings.underlying) == {"BTC"}
    assert load([book], (), {}).settings.sim.regime == "normal"


def test_the_demo_is_never_below_a_real_mode():
    """Live without an underlying is refused, not filled with the demo's."""
    assert refusals(sets=["mode=live", "market=venue"]) == [
        "underlying: expected at least one table such as [underlying.BTC], found nothing [default]"
    ]


def test_coins_are_written_in_any_case(tmp_path, book):
    """In a file, an argument or the environment, btc is BTC."""
    low = written(tmp_path / "low.toml", "[underlying.btc.delta]\ntarget = 0.01\n")
    environ = {"deltaband__underlying__btc__delta__upper": "0.2"}
    delta = load([book, low], ["underlying.Btc.delta.lower=-0.2"], environ).settings
    assert list(delta.underlying) == ["BTC"]
    band = delta.underlying["BTC"].delta
    assert (band.lower, band.target, band.upper) == (-0.2, 0.01, 0.2)


def test_text_takes_the_type_of_its_key():
    """Numbers, words, lists and tables; a name that looks like a number stays a name."""
    loaded = load(
        (),
        [
            "instance=2026",
            "sim.seed=12",
            "underlying.BTC.collateral_delta=2.5",
            "underlying.ETH.collateral_delta=include",
            "underlying.BTC.hedge_with=future,perpetual",
            'underlying.ETH.hedge_with=["future"]',
            'sim.regime="crash"',
            "paper.scale=10",
        ],
        {"DELTABAND__STATE_DIR": "/srv/state=1"},
    ).settings
    assert (loaded.instance, loaded.sim.seed, loaded.sim.regime) == ("2026", 12, "crash")
    assert loaded.underlying["BTC"].collateral_delta == 2.5
    assert loaded.underlying["ETH"].collateral_delta == "include"
    assert loaded.underlying["BTC"].hedge_with == ("future", "perpetual")
    assert loaded.underlying["ETH"].hedge_with == ("future",)
    assert (loaded.paper.scale, loaded.state_dir) == (10.0, Path("/srv/state=1"))


def test_paths_in_a_file_are_relative_to_it(tmp_path, book):
    """A file and its recording can be moved together."""
    over = written(
        tmp_path / "over.toml",
        "market = 'replay:recorded'\nstate_dir = 'state'\n[sim]\nperpetual = 'perp.csv'\n",
    )
    loaded = load([book, over], (), {}).settings
    assert loaded.replay == tmp_path / "recorded"
    assert loaded.state_dir == tmp_path / "state"
    assert loaded.sim.perpetual == tmp_path / "perp.csv"


@pytest.mark.parametrize(
    "home, folder",
    [("/srv/state", "/srv/state/deltaband"), ("relative", None), ("", None)],
)
def test_the_state_folder_follows_the_desktop_standard(home, folder):
    """XDG_STATE_HOME counts where it is absolute, as its specification says."""
    expected = Path(folder) if folder else Path.home() / ".local/state/deltaband"
    assert load((), (), {"XDG_STATE_HOME": home}).settings.state_dir == expected


@pytest.mark.parametrize(
    "key, near",
    [
        ("underlying.BTC.delta.uper", "underlying.BTC.delta.upper"),
        ("underlying.BTC.delta.policy.widht_coin", "underlying.BTC.delta.policy.width_coin"),
        ("underlying.BTC.gama", "underlying.BTC.gamma"),
        ("underlying.BTC.upper", "underlying.BTC.delta.upper"),
        ("undrlying", "underlying"),
        ("moed", "mode"),
        ("regime", "sim.regime"),
        ("limit", "limits"),
        ("paper.positions", "paper.position"),
    ],
)
def test_an_unknown_key_is_told_its_nearest(key, near):
    """A misspelling is answered with the key that was meant."""
    assert refusals(sets=[f"{key}=1"]) == [
        (
            f"{key}: expected a known setting (the nearest is {near}), "
            f'found "{key.rpartition(".")[2]}" [--set {key}]'
        )
    ]


@pytest.mark.parametrize(
    "setting, problem",
    [
        ("paper.scale=nan", "paper.scale: expected a finite number, > 0 and <= 1e+06, found nan"),
        (
            "limits.order_usd=inf",
            "limits.order_usd: expected a finite number in usd, > 0 and <= 1e+12, found inf",
        ),
        (
            "underlying.BTC.delta.ratio=1.6",
            "underlying.BTC.delta.ratio: expected a finite number, > 0 and <= 1.5, found 1.6",
        ),
        ("sim.seed=1.5", "sim.seed: expected a whole number, >= 0 and <= 9.22337e+18, found 1.5"),
        (
            "sim.seed=true",
            "sim.seed: expected a whole number, >= 0 and <= 9.22337e+18, found true",
        ),
        (
            "sim.regime=norml",
            'sim.regime: expected one of calm, normal, crash, demo, found "norml"',
        ),
        ("market=replay:", 'market: expected synthetic, replay:FOLDER or venue, found "replay:"'),
        (
            "underlying.BTC.delta.upper=-0.05",
            "underlying.BTC.delta.upper: expected a level above the target 0.0, found -0.05",
        ),
        (
            "underlying.BTC.delta.lower=0.05",
            "underlying.BTC.delta.lower: expected a level below the target 0.0, found 0.05",
        ),
        (
            'underlying.BTC.delta.policy={kind="fixed", width_coin=0.2}',
            (
                "underlying.BTC.delta.policy.width_coin: expected at most 0.1 coin (the policy "
                "band lies inside the owner's band -0.1 to 0.1 around the target 0.0), found 0.2"
            ),
        ),
        (
            "underlying.BTC.delta.policy.kind=bps",
            (
                "underlying.BTC.delta.policy.width_bps: expected a width because kind is bps, "
                "found nothing"
            ),
        ),
        (
            "underlying.BTC.delta.policy.width_bps=5",
            (
                "underlying.BTC.delta.policy.width_bps: expected none because kind is "
                "whalley_wilmott and this is bps's, found 5.0"
            ),
        ),
        (
            "underlying.BTC.gamma.upper=-0.3",
            "underlying.BTC.gamma.upper: expected a gamma above lower, which is -0.25, found -0.3",
        ),
        (
            "underlying.BTC.gamma.max_days=1",
            "underlying.BTC.gamma.max_days: expected more than min_days, which is 5.0, found 1.0",
        ),
        (
            "underlying.BTC.hedge_with=[]",
            (
                "underlying.BTC.hedge_with: expected at least one of perpetual, future, spot, each "
                "once (a book without a hedge instrument cannot be kept in its band), found an "
                "empty list"
            ),
        ),
        (
            "underlying.BTC.hedge_with=spot,swap",
            'underlying.BTC.hedge_with[1]: expected one of perpetual, future, spot, found "swap"',
        ),
        (
            "underlying.BTC.collateral_delta=maybe",
            (
                "underlying.BTC.collateral_delta: expected include, exclude or a number of coins, "
                'found "maybe"'
            ),
        ),
        (
            "underlying.BTC.collateral_delta=nan",
            (
                "underlying.BTC.collateral_delta: expected include, exclude or a number of coins, "
                "found nan"
            ),
        ),
        ("underlying.BTC.gamma=3", "underlying.BTC.gamma: expected a table, found 3"),
        (
            "underlying.BTC.delta.shadow=model",
            (
                "underlying.BTC.delta.shadow: expected another delta than greeks, which is the "
                'same, found "model"'
            ),
        ),
        (
            "underlying.BTC.scope.exclude=ETH-PERPETUAL",
            'underlying.BTC.scope.exclude: expected instruments of BTC, found "ETH-PERPETUAL"',
        ),
        (
            "sim.perpetual=/perp.csv",
            'sim.perpetual: expected market = replay:FOLDER beside it, found "synthetic"',
        ),
        ('state_dir=""', 'state_dir: expected a path, found ""'),
        (
            "sim.seed=" + "9" * 120,
            "sim.seed: expected a whole number, >= 0 and <= 9.22337e+18, found " + "9" * 97 + "...",
        ),
        ("paper.position=[3]", "paper.position[0]: expected a table, found 3"),
        ("schema_version=2", "schema_version: expected 1, the version of this program, found 2"),
        (
            "underlying.BTC.delta.policy.follow_funding=maybe",
            'underlying.BTC.delta.policy.follow_funding: expected true or false, found "maybe"',
        ),
        (
            "underlying.BTC.delta.policy.rest_at_edges=2",
            "underlying.BTC.delta.policy.rest_at_edges: expected true or false, found 2",
        ),
        (
            'underlying.BTC.delta.event=[{name="x", width_factor=0.5, at="tomorrow"}]',
            f'underlying.BTC.delta.event[0].at: {MOMENT}, found "tomorrow"',
        ),
        (
            'underlying.BTC.delta.event=[{name="x", width_factor=0.5, at=2026-12-10T13:30:00}]',
            f"underlying.BTC.delta.event[0].at: {MOMENT}, found 2026-12-10 13:30:00",
        ),
        (
            'underlying.BTC.delta.event=[{name="x", width_factor=0.5, at=5}]',
            f"underlying.BTC.delta.event[0].at: {MOMENT}, found 5",
        ),
        (
            "underlying.BTC.delta.upper=1e-300",
            (
                "underlying.BTC.delta.upper: expected a level at least 1e-06 coin from the target "
                "0.0 (no order is that small), found 1e-300"
            ),
        ),
    ],
)
def test_a_refusal_says_expected_and_found(setting, problem):
    """Key, expectation, finding and origin stand on one line."""
    assert refusals(sets=[setting]) == [f"{problem} [--set {setting.partition('=')[0]}]"]


def test_numeraire_and_collateral_have_no_default(tmp_path):
    """A book that does not say what it is neutral in is refused."""
    bare = written(tmp_path / "bare.toml", "[underlying.SOL.delta]\nupper = 1\nlower = -1\n")
    assert refusals(bare) == [
        f"underlying.SOL.numeraire: expected one of usd, coin, found nothing [file {bare}]",
        (
            "underlying.SOL.collateral_delta: expected one of include, exclude or a number, "
            f"found nothing [file {bare}]"
        ),
    ]


def test_all_problems_are_told_at_once():
    """A user mends a file in one go."""
    assert len(refusals(sets=["moed=1", "sim.seed=-1", "underlying.ETH.delta.upper=-2"])) == 3


@pytest.mark.parametrize("version", [-1, 0, *range(2, 10), 10**6])
def test_another_version_is_told_alone(tmp_path, version):
    """Keys of another version are not judged by this one's rules."""
    text = f"schema_version = {version}\n[future]\nthing = 1\n"
    newer = written(tmp_path / "newer.toml", text)
    assert refusals(newer) == [
        f"schema_version: expected 1, the version of this program, found {version} [file {newer}]"
    ]
    struck("F76")


def test_broken_toml_names_file_and_line(tmp_path):
    """A syntax error is found where it is."""
    broken = written(tmp_path / "broken.toml", 'mode = "paper"\nmarket = synthetic\n')
    (line,) = refusals(broken)
    assert line.startswith("expected valid TOML, found Invalid value (at line 2")
    assert line.endswith(f"[file {broken}]")


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    """Absent, a folder, or not text."""
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe")
    for path, why in [
        (tmp_path / "absent.toml", "No such file or directory"),
        (tmp_path, "Is a directory"),
        (binary, "not UTF-8"),
    ]:
        assert refusals(path) == [f"expected a readable TOML file, found {why} [file {path}]"]


def test_an_argument_without_a_value_is_refused():
    """--set needs a key and a value."""
    assert refusals(sets=["sim.seed"]) == ['expected a.b=value, found "sim.seed" [--set]']


@pytest.mark.parametrize("name", ["key", "secret", "password", "token", "api_key", "Client_Secret"])
def test_secrets_are_refused_and_never_repeated(tmp_path, name):
    """A secret in a file, an argument or a nested list is named by its key alone."""
    canary = "c4n4ry-5ecret"
    toml = written(tmp_path / "leak.toml", f'[venue.deribit]\n{name} = "{canary}"\n')
    nested = f'paper.position=[{{instrument="BTC-PERPETUAL", quantity=1, {name}="{canary}"}}]'
    for files, sets in [((toml,), []), ((), [f"{name}={canary}"]), ((), [nested])]:
        lines = refusals(*files, sets=sets)
        assert canary not in "\n".join(lines)
        assert "expected no secret in settings (use DELTABAND_<VENUE>_KEY" in lines[0]


def test_a_key_twice_in_one_file_is_refused(tmp_path, book):
    """BTC and btc are one coin, so one of the two would be lost in silence."""
    text = "[underlying.BTC.delta]\nratio = 1\n[underlying.btc.delta]\nratio = 0.5\n"
    twice = written(tmp_path / "twice.toml", text)
    assert refusals(book, twice) == [
        f"underlying.BTC.delta.ratio: expected this key once, found it twice [file {twice}]"
    ]


@pytest.mark.parametrize(
    "rows, problem",
    [
        (
            '{instrument="BTC-PERPETUAL", quantity=0}',
            "paper.position[0].quantity: expected a quantity other than zero, found 0",
        ),
        (
            '{instrument="SOL-PERPETUAL", quantity=1}',
            (
                "paper.position[0].instrument: expected an instrument of BTC, ETH (or a table "
                '[underlying.SOL]), found "SOL-PERPETUAL"'
            ),
        ),
        (
            '{instrument="BTC-PERPETUAL", quantity=1}, {instrument="BTC-PERPETUAL", quantity=2}',
            (
                "paper.position[1].instrument: expected each instrument once (the first is "
                'paper.position[0]), found "BTC-PERPETUAL"'
            ),
        ),
        (
            '{instrument="BTC-PERPETUAL", quantity=1, tag="hedge"}',
            (
                "paper.position[0].tag: expected a word other than the one that marks the bot's "
                'own trades, found "hedge"'
            ),
        ),
        (
            '{instrument="BTC-PERPETUAL", quantity="1"}',
            'paper.position[0].quantity: expected a number, found "1"',
        ),
    ],
)
def test_positions_are_judged_one_by_one(rows, problem):
    """The faulty row is named by its place."""
    with pytest.raises(ConfigError) as caught:
        load((), [f"paper.position=[{rows}]"], {}, profile="demo")
    assert str(caught.value) == f"{problem} [--set paper.position]"


@pytest.mark.parametrize(
    "setting", ["sim.seed=" + "9" * 5000, "sim.seed=" + "[" * 5000, "paper.positions_csv=a\0b"]
)
def test_what_no_parser_reads_is_refused(setting):
    """Numbers, nesting and names beyond every limit are a refusal, not a crash."""
    assert refusals(sets=[setting])[0].startswith(setting.partition("=")[0])


def test_a_tilde_is_the_home():
    """In an argument as in a file; a home that nobody has stays as it was written."""
    sets = ["state_dir=~/journals", "market=replay:~/recorded"]
    loaded = load((), sets, {}).settings
    assert (loaded.state_dir, loaded.replay) == (
        Path.home() / "journals",
        Path.home() / "recorded",
    )
    strange = load((), ["state_dir=~no-such-user/x"], {}).settings
    assert strange.state_dir == Path("~no-such-user/x")


def test_a_table_as_argument_changes_what_it_names():
    """An inline table is merged like a table of a file, its coin in any case."""
    sets = ["underlying={btc={delta={upper=0.3}}}"]
    band = load((), sets, {}).settings.underlying["BTC"].delta
    assert (band.lower, band.upper) == (-0.1, 0.3)


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_text_breaks_the_loader(name, value):
    """Whatever is typed is loaded or refused, and never a crash."""
    try:
        outcome = str(load((), [f"{name}={value}"], {f"DELTABAND__{name}": value}))
    except ConfigError as refused:
        outcome = str(refused)
    assert outcome != ""


def test_a_file_that_describes_an_underlying_is_not_given_the_demos_positions(tmp_path):
    """Whoever writes his own band forgot his positions; he did not ask for somebody else's."""
    bare = written(
        tmp_path / "bare.toml",
        '[underlying.BTC]\nnumeraire = "usd"\ncollateral_delta = "exclude"\n'
        "delta = { target = 0.0, upper = 1.0, lower = -1.0 }\n",
    )
    settings = load([bare], environ={}).settings
    assert settings.paper.position == ()
    assert list(settings.underlying) == ["BTC"]


def test_one_setting_of_the_demo_may_be_changed():
    """--set and the environment lie over the demo, which stays the book."""
    settings = load(sets=["underlying.BTC.delta.upper=0.2"], environ={}).settings
    assert settings.underlying["BTC"].delta.upper == 0.2
    assert len(settings.paper.position) == 18


@pytest.mark.parametrize("key, option", [("market", "--market"), ("sim.seed", "--seed")])
def test_an_option_of_its_own_wins_and_is_named_as_it_was_given(key, option):
    """`--market foo` is not blamed on a --set that nobody wrote."""
    with pytest.raises(ConfigError) as caught:
        load(sets=["market=synthetic", "sim.seed=2"], environ={}, options={key: "foo"})
    assert str(caught.value).endswith(f'found "foo" [{option}]')
    loaded = load(sets=["sim.seed=2"], environ={}, options={"sim.seed": "7"})
    assert (loaded.settings.sim.seed, str(loaded.origin["sim.seed"])) == (7, "--seed")
