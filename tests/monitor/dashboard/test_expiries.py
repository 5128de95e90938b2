"""What rolls off next and what is left after it."""

from dataclasses import replace

import numpy as np
import pytest

from bot.domain.units import DAY_NS
from bot.monitor.dashboard.expiries import PIN, desk
from bot.monitor.dashboard.landscape import figures
from bot.monitor.dashboard.legs import book, columns
from tests.monitor.dashboard.test_landscape import IN_WINDOW_S, books


def test_what_rolls_off_and_the_whole_are_sums_of_the_legs():
    """The demo book's option of the first morning."""
    mine, sample = books(120.0)["BTC"]
    found = desk(mine)
    assert [leg["instrument"] for leg in found["legs"]] == ["BTC-5JAN26-91000-P"]
    (leg,) = (leg for leg in mine.legs if leg.instrument.name == "BTC-5JAN26-91000-P")
    assert found["roll"]["delta"] == pytest.approx(leg.delta)
    assert found["before"]["gamma"] == pytest.approx(
        sample["gamma_coin_per_pct"] + sample["gamma_expiring_coin_per_pct"], abs=2e-4
    )
    assert found["expiry"] - found["window"] == 30 * 60 * 1000


def test_gamma_along_the_index_is_the_slope_of_delta():
    """At the index and away from it, before and after."""
    mine, _ = books(120.0)["BTC"]
    found = desk(mine)
    index, now = np.array(found["profile"]["index"]), np.array(found["profile"]["now"])
    step = 1e-4
    for place in (0, 24, 40):
        move = index[place] / mine.index - 1.0
        around = np.array([move - step, move + step])
        _, delta = figures(mine, around, np.zeros(1))
        # Inverse futures have no gamma in dollars: their part of the shocked delta is taken out.
        futures = sum(leg.delta for leg in mine.futures())
        delta = delta[:, 0] - futures / (1.0 + around)
        slope = (delta[1] - delta[0]) / (2.0 * step) * (1.0 + move) / 100.0
        assert now[place] == pytest.approx(slope, rel=2e-3, abs=2e-6)


def test_afterwards_the_book_is_without_what_rolled_off():
    """The rest of the legs at the time of the expiry."""
    mine, _ = books(120.0)["BTC"]
    found = desk(mine)
    expiry_ns = found["expiry"] * 1_000_000
    stay = tuple(leg for leg in mine.legs if leg.instrument.expiry_ns != expiry_ns)
    later = replace(mine, legs=stay, now_ns=expiry_ns)
    _, delta = figures(later, np.zeros(1), np.zeros(1))
    assert found["after"]["delta"] == pytest.approx(delta[0, 0])
    assert found["after"]["gamma"] == pytest.approx(found["profile"]["after"][24], abs=1e-6)


def test_a_strike_near_the_index_could_be_a_pin():
    """Nearer than half a deviation; the others are told how far they are."""
    mine, _ = books(120.0)["BTC"]
    near = replace(mine, index=91_050.0)
    for one, pin in ((near, True), (replace(mine, index=99_000.0), False)):
        found = desk(one)
        (strike,) = found["strikes"]
        assert strike["pin"] is pin
        assert (abs(strike["deviations"]) <= PIN) is pin
        assert (strike["strike"], strike["put"], strike["call"]) == (91_000.0, -0.2, 0.0)


def test_weeks_before_an_expiry_nothing_is_pinned():
    """Half a deviation is most of the chain then."""
    mine, _ = books(120.0)["BTC"]
    early = replace(mine, index=91_000.0, now_ns=mine.now_ns - 21 * DAY_NS)
    found = desk(early)
    assert abs(found["strikes"][0]["deviations"]) <= PIN
    assert [one["pin"] for one in found["strikes"]] == [False] * len(found["strikes"])


def test_inside_the_window_an_option_stands_for_what_is_still_to_come():
    """Its weight fades with the average, which the bot told."""
    mine, _ = books(IN_WINDOW_S)["BTC"]
    found = desk(mine)
    assert found["average"] == pytest.approx(mine.index, rel=0.05)
    packed = columns(mine)
    fading = packed.weight[packed.expiry_s == found["expiry"] / 1_000.0]
    left_s = (found["expiry"] * 1_000_000 - mine.now_ns) / 1e9
    assert fading == pytest.approx([left_s / 1_800.0])


def test_only_a_book_that_was_measured_tells_that_no_option_is_held():
    """Nothing to roll off; while the holdings are unread, or unpriced, that is another word."""
    mine, sample = books(120.0)["BTC"]
    bare = desk(replace(mine, legs=mine.futures()))
    assert (bare["held"], bare["why"], bare["t"]) == (False, "", mine.now_ns // 1_000_000)
    assert desk(book("BTC", sample, [], {}))["held"] is False
    for unread in ({"state": "BOOT"}, {"state": "RECONCILING"}, {"delta_coin": None}):
        found = desk(book("BTC", sample | unread, [], {}))
        assert (found["held"], found["why"]) == (None, "the book has not been measured yet")
    unpriced = tuple(replace(leg, vol=float("nan")) for leg in mine.legs)
    for one in (replace(mine, legs=unpriced), replace(mine, index=float("nan"))):
        found = desk(one)
        assert (found["held"], found["why"]) == (True, "no option that is held has a price yet")
        assert "expiry" not in found
