"""What hedging at recorded snapshots leaves, on made-up lives and on the recorded months."""

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest

from bot.domain.errors import BadInputError
from bot.domain.units import utc_ns
from bot.lab.lives import Life
from bot.lab.recorded_study import study
from bot.lab.recording import read
from bot.lab.stormy_days import straddle
from bot.lab.study_page import main
from bot.sim.recorded import Recording

CHAINS = "market/deribit_chain_6h"
DVOL = "market/deribit_dvol_perp_1h/btc_dvol_1h_20210324_20260331.csv.gz"


def life(forward, mark, delta) -> Life:
    """Return an option's life with one delta for both conventions."""
    steps = np.array(delta, dtype=np.float64)
    return Life(
        name="BTC-27MAR26-50000-C",
        ts_ns=np.arange(len(mark)),
        forward=np.array(forward, dtype=np.float64),
        mark=np.array(mark, dtype=np.float64),
        vol=np.full(len(mark), 0.6),
        net_delta=steps,
        plain_delta=steps,
    )


def test_a_short_option_loses_what_its_mark_gains():
    """Sold at 0.10 and marked at 0.15 it has lost 0.05 coin."""
    held = life([100, 110, 120], [0.10, 0.12, 0.15], [0, 0, 0])
    np.testing.assert_allclose(held.unhedged(), [0.0, -0.02, -0.05], atol=1e-15)


def test_an_inverse_future_earns_coins_by_the_change_of_one_over_price():
    """Half a coin bought at 100 earns 0.5 (1 - 100/125) = 0.1 coin at 125."""
    held = life([100, 125], [0.1, 0.1], [0.5, 0.5])
    np.testing.assert_allclose(held.hedged(held.net_delta), [0.0, 0.1], atol=1e-15)


def test_turnover_counts_changes_of_the_hedge_and_its_close():
    """From 0.5 to 0.7 and out is 0.2 + 0.7 coins; the set-up is not counted."""
    held = life([100, 100, 100], [0.1, 0.1, 0.1], [0.5, 0.7, 0.9])
    assert held.turnover() == pytest.approx(0.9)


def test_a_recording_without_a_whole_life_is_refused(folder):
    """Three snapshots of one day hold no option from sale to expiry."""
    with pytest.raises(BadInputError, match=r"expire inside the recording, found fewer \(BTC: 3"):
        study(read(folder))


@pytest.mark.data
def test_hedging_recorded_options_leaves_a_tenth_and_the_wrong_delta_twice_that(data_dir):
    """Of 272 options 8 % of the deviation is left, and 2.1 times that when N(d1) is the hedge."""
    (bitcoin,) = study(read(data_dir / CHAINS, coins=["BTC"])).coins
    assert bitcoin.options == 272
    assert bitcoin.left <= 0.10
    assert bitcoin.plain_factor >= 1.7
    assert round(bitcoin.unhedged_coin, 4) == 0.1325
    assert round(bitcoin.hedged_coin, 4) == 0.0109
    assert round(bitcoin.plain_coin, 4) == 0.0229


@pytest.mark.data
def test_options_across_a_torn_recording_are_left_out(data_dir):
    """Without the snapshots of one February week no option that lived through it is counted."""
    record = read(data_dir / CHAINS, coins=["BTC"]).coins["BTC"]
    begin, end = utc_ns(2026, 2, 8), utc_ns(2026, 2, 15)
    rest = tuple(shot for shot in record.snapshots if not begin <= shot.ts_ns < end)
    (torn,) = study(Recording({"BTC": dataclasses.replace(record, snapshots=rest)})).coins
    assert 100 < torn.options < 200


@pytest.mark.data
def test_the_hedged_straddle_loses_a_third_of_the_unhedged_one_at_the_bottom(data_dir):
    """On the evening of 5 February the seller had lost 0.159 coin, and 0.056 with the hedge."""
    record = read(data_dir / CHAINS, coins=["BTC"]).coins["BTC"]
    sold = straddle(record, utc_ns(2026, 2, 3))
    assert [sold.expiry, sold.strike] == ["27FEB26", 78_000.0]
    assert sold.unhedged_coin[0] == sold.hedged_coin[0] == 0.0
    days = sold.between(utc_ns(2026, 2, 4), utc_ns(2026, 2, 7))
    assert len(days.ts_ns) == 12
    bottom = int(np.argmin(days.index))
    assert round(float(days.unhedged_coin[bottom]), 4) == -0.1593
    assert round(float(days.hedged_coin[bottom]), 4) == -0.0555


@pytest.mark.data
def test_the_command_prints_both_tables_and_draws_the_days(data_dir, tmp_path, capsys):
    """The page has the study's row and the stormy evening with its volatility index."""
    picture = tmp_path / "days.svg"
    arguments = [str(data_dir / CHAINS), "--coin", "BTC", "--svg", str(picture)]
    assert main([*arguments, "--dvol", str(data_dir / DVOL)]) == 0
    page = capsys.readouterr().out
    assert "| BTC | 272 | 0.0493 | 0.1325 | 0.0109 | 8.3% | 0.0229 | 2.09 |" in page
    assert "| 2026-02-05 21:29 | 63,719 | 89.8% | 75.7% | -0.1593 | -0.0555 | -0.0836 |" in page
    assert picture.read_text().count("<polyline") == 3


@pytest.mark.data
def test_the_module_runs_as_a_program_and_prints_json(data_dir):
    """One object: the study of each coin and the straddle's columns."""
    command = [sys.executable, "-m", "bot.lab.study_page", str(data_dir / CHAINS), "--json"]
    page = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert [coin["coin"] for coin in page["coins"]] == ["BTC", "ETH"]
    assert len(page["straddle"]["hedged_coin"]) == 12


def test_the_command_says_what_it_cannot_read(tmp_path, capsys):
    """A missing folder ends with code 1 and one line on stderr."""
    assert main([str(tmp_path / "none")]) == 1
    assert "expected a folder of recorded chains" in capsys.readouterr().err
