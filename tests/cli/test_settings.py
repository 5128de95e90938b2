"""The verbs of `config`: a file that loads as it is written, a listing, a judgement."""

import json
import tomllib

import pytest

TAGGED = """
[underlying.BTC]
numeraire = "usd"
collateral_delta = "exclude"
delta = { upper = 0.1, lower = -0.1 }
gamma = { action = "auto" }
scope = { tags = ["nobody"] }

[underlying.SOL]
numeraire = "usd"
collateral_delta = "exclude"
delta = { upper = 0.1, lower = -0.1 }
gamma = { action = "off" }

[paper]
collateral = { BTC = 1.0, DOGE = 5.0 }
position = [{ instrument = "BTC-30JAN26-90000-C", quantity = -1.0 }]
"""


def test_the_written_file_loads_and_is_not_overwritten(deltaband, tmp_path):
    """A second init must not destroy what its owner has changed."""
    done = deltaband("config", "init")
    file = tmp_path / "deltaband.toml"
    assert (done.returncode, done.stdout) == (
        0,
        "wrote deltaband.toml; try it: deltaband paper -c deltaband.toml\n",
    )
    checked = deltaband("config", "check", "-c", file)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "ok\n", "")
    file.write_text("mine = true\n")
    again = deltaband("config", "init")
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr == (
        "error: expected no file at deltaband.toml, found one (--force replaces it)\n"
    )
    assert file.read_text() == "mine = true\n"
    assert deltaband("config", "init", "--force").returncode == 0
    assert "mine" not in tomllib.loads(file.read_text())
    assert [path.name for path in tmp_path.iterdir()] == ["deltaband.toml"]


def test_the_file_goes_where_it_is_asked_to(deltaband, tmp_path):
    """A name, or standard output."""
    found = deltaband.json("config", "init", "own.toml")
    assert found == {"file": str(tmp_path / "own.toml")}
    assert deltaband("config", "init", "-").stdout == (tmp_path / "own.toml").read_text()


@pytest.mark.parametrize("name", ["absent/own.toml", "."])
@pytest.mark.parametrize("force", [[], ["--force"]])
def test_a_place_that_cannot_be_written_is_one_line(deltaband, name, force):
    """No folder there, or a folder in the way."""
    done = deltaband("config", "init", name, *force)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("error: expected")


def test_show_lists_every_key_with_the_layer_that_won(deltaband):
    """The demo, an environment variable and an argument, each named."""
    done = deltaband("config", "show", "--origin", "--set", "limits.collar_bps=40")
    lines = {line.split()[0]: line for line in done.stdout.splitlines()}
    assert done.returncode == 0
    assert "40.0" in lines["limits.collar_bps"]
    assert "--set limits.collar_bps" in lines["limits.collar_bps"]
    assert "profile demo" in lines["underlying.BTC.delta.upper"]
    assert "environment DELTABAND__STATE_DIR" in lines["state_dir"]
    assert "default" in lines["sim.latency_ms"]


def test_show_as_json_is_the_settings_or_their_rows(deltaband):
    """Programs get the tree; with --origin, one row for each key."""
    tree = deltaband.json("config", "show")
    assert tree["underlying"]["BTC"]["delta"]["upper"] == 0.1
    rows = {row["key"]: row for row in deltaband.json("config", "show", "--origin")["rows"]}
    assert rows["underlying.BTC.delta.upper"]["origin"] == "profile demo"
    assert rows["underlying.BTC.delta.upper"]["unit"] == "coin"


def test_check_says_every_problem_at_once(deltaband):
    """One line each, exit code 2, and nothing else."""
    bad = ["--set", "underlying.BTC.delta.uper=1", "--set", "limits.order_usd=-2"]
    done = deltaband("config", "check", *bad)
    assert (done.returncode, done.stdout) == (2, "")
    lines = done.stderr.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("error: ") and ": expected " in line for line in lines)
    assert "(the nearest is underlying.BTC.delta.upper)" in done.stderr
    found = json.loads(deltaband("config", "check", *bad, "--json").stdout)
    assert (found["ok"], len(found["problems"]), found["warnings"]) == (False, 2, [])


def test_check_warns_of_what_is_valid_and_odd(deltaband, tmp_path):
    """A scope that leaves nothing, coins without a book: still ok."""
    (tmp_path / "odd.toml").write_text(TAGGED)
    done = deltaband("config", "check", "-c", "odd.toml", "--set", "market=replay:gone")
    assert (done.returncode, done.stdout) == (0, "ok\n")
    assert [line.partition(": expected ")[::2] for line in done.stderr.splitlines()] == [
        ("warning: market", "a folder, found none at gone"),
        ("warning: underlying.BTC.gamma", "a limit for action auto to keep, found none"),
        ("warning: underlying.BTC.scope", "it to leave a position, found all 1 outside it"),
        ("warning: underlying.SOL", "positions in SOL, found none"),
        ("warning: paper.collateral.DOGE", "a table [underlying.DOGE], found none"),
        ("warning: underlying.BTC.scope.tags", 'a tag of a position, found "nobody"'),
    ]


@pytest.mark.parametrize(
    "sets,warnings",
    [
        ([], 0),
        (["underlying.BTC.gamma.action=propose"], 1),
        (["underlying.BTC.gamma.action=off"], 0),
        (["underlying.BTC.gamma.action=auto", "underlying.BTC.gamma.expiring.lower=-0.5"], 0),
        (["underlying.BTC.gamma.action=auto", "underlying.BTC.shock.delta_2pct_coin=1"], 0),
        (["underlying.BTC.gamma.action=auto", "limits.shock_loss_usd=50000"], 0),
    ],
)
def test_a_gamma_action_lacks_a_limit_only_where_it_was_asked_for(deltaband, sets, warnings):
    """The default action stands for no wish; limits on shocks are kept by gamma plans too."""
    deltaband("config", "init", "own.toml")
    said = [part for text in sets for part in ("--set", text)]
    found = deltaband.json("config", "check", "-c", "own.toml", *said)
    assert (found["ok"], len(found["warnings"])) == (True, warnings)


@pytest.mark.parametrize("verb", [["config", "check"], ["plan", "--fresh"], ["paper"]])
def test_a_position_that_the_market_cannot_list_is_refused(deltaband, verb):
    """A typo would be hedged as if it were the book: each is named, with the nearest."""
    (deltaband.home / "book.csv").write_text(
        "instrument,quantity\nBTC-30JAN26-90000-C,-1\nBTC-30JAN26-95001-C,-1\nBTC-31JAN26,100\n"
    )
    deltaband("config", "init", "own.toml")
    text = (deltaband.home / "own.toml").read_text().partition("[[paper.position]]")[0]
    (deltaband.home / "own.toml").write_text(f'{text}\npositions_csv = "book.csv"\n')
    done = deltaband(*verb, "-c", "own.toml")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: paper.position[1].instrument: expected a strike in steps of 500 USD from 11,500 to"
        " 736,000 (the nearest is BTC-30JAN26-95000-C), found BTC-30JAN26-95001-C [this run]\n"
        "error: paper.position[2].instrument: expected an expiry of the venue's calendar"
        " (the nearest is 30JAN26), found BTC-31JAN26 [this run]\n"
    )


def test_check_warns_of_a_book_without_positions(deltaband, tmp_path):
    """There is nothing to hedge."""
    (tmp_path / "odd.toml").write_text(TAGGED)
    found = deltaband.json("config", "check", "-c", "odd.toml", "--set", "paper.position=[]")
    assert found["ok"] is True
    assert "paper.position: expected a book to hedge, found no position" in found["warnings"]


def test_the_demo_has_nothing_to_warn_of(deltaband):
    """What ships is what we mean."""
    assert deltaband.json("config", "check") == {"ok": True, "problems": [], "warnings": []}


LOT = "(one lot of BTC-PERPETUAL, 10 USD at 92,000: whole lots cannot keep less)"
STRANGE = (
    "warning: underlying.BTC.scope.exclude: expected an instrument that is listed or held (the"
    ' nearest is BTC-PERPETUAL), found "BTC-PERPETUALL"'
)


@pytest.mark.parametrize("verb", [["config", "check"], ["plan", "--fresh"]])
def test_a_name_that_nothing_bears_is_told_with_the_nearest(deltaband, verb):
    """The sign of a hedge may turn on it; a plan says what a check says."""
    done = deltaband(*verb, "--set", "underlying.BTC.scope.exclude=BTC-PERPETUALL")
    assert (done.returncode, done.stderr.splitlines()) == (0, [STRANGE])


def test_a_run_tells_of_such_a_name_once(deltaband):
    """Its log has the same words."""
    scope = "underlying.BTC.scope.exclude=BTC-PERPETUALL"
    done = deltaband("paper", "--for", "90s", "--speed", "max", "--json", "--set", scope)
    assert done.returncode == 0
    odd = [json.loads(line) for line in done.stderr.splitlines() if "settings.odd" in line]
    assert [one["what"] for one in odd] == [STRANGE.removeprefix("warning: ")]


@pytest.mark.parametrize("verb", [["config", "check"], ["plan", "--fresh"], ["paper"]])
@pytest.mark.parametrize(
    "setting,problem",
    [
        (
            "delta.upper=5e-5",
            f"upper: expected a level at least 0.00011 coin from the target 0.0 {LOT}, found 5e-05",
        ),
        (
            "delta.policy={kind='fixed', width_coin=1e-9}",
            f"policy.width_coin: expected at least 0.00011 coin {LOT}, found 1e-09",
        ),
    ],
)
def test_a_band_that_no_whole_lot_keeps_is_refused(deltaband, verb, setting, problem):
    """It would be hedged back and forth: what would do is named."""
    done = deltaband(*verb, "--set", f"underlying.BTC.{setting}")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"error: underlying.BTC.delta.{problem} [this run]\n"


def test_a_part_of_a_lot_is_refused(deltaband):
    """No account can hold it; a scale is a question of its own, so whole lots times it may."""
    deltaband("config", "init", "own.toml")
    text = (deltaband.home / "own.toml").read_text().partition("[[paper.position]]")[0]
    (deltaband.home / "own.toml").write_text(f'{text}\npositions_csv = "book.csv"\n')
    book = deltaband.home / "book.csv"
    book.write_text("instrument,quantity\nBTC-PERPETUAL,15\nBTC-30JAN26-90000-C,-0.05\n")
    done = deltaband("config", "check", "-c", "own.toml")
    assert (done.returncode, done.stderr.splitlines()) == (
        2,
        [
            (
                "error: paper.position[0].quantity: expected whole lots of 10 usd (BTC-PERPETUAL),"
                " found 15 [this run]"
            ),
            (
                "error: paper.position[1].quantity: expected whole lots of 0.1 coin"
                " (BTC-30JAN26-90000-C), found -0.05 [this run]"
            ),
        ],
    )
    book.write_text("instrument,quantity\nBTC-30JAN26-90000-C,-0.1\n")
    assert (
        deltaband("config", "check", "-c", "own.toml", "--set", "paper.scale=0.5").stdout == "ok\n"
    )
