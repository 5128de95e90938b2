"""What is listed: promised expiries, strikes around spot, and the roll at 08:00 UTC."""

import numpy as np
import pytest

from bot.domain import deribit
from bot.domain.instruments import Kind
from bot.domain.units import NS_PER_S, utc_ns
from bot.lab.recording import read
from bot.sim.market import EPOCH_NS, SyntheticMarket
from bot.sim.market.listing import expiries, ladder, never_listed, refreshed

PROMISED = [
    *("5JAN26", "6JAN26", "7JAN26", "9JAN26", "12JAN26", "16JAN26", "23JAN26", "30JAN26"),
    *("27FEB26", "27MAR26", "26JUN26"),
]


def codes(now_ns):
    """Return the date codes of the listed expiries."""
    return [deribit.date_code(ns) for ns in expiries(now_ns)]


def test_the_epoch_has_the_promised_expiries():
    """A settlement today, dailies of a week, weeklies, months and quarters."""
    assert set(PROMISED) <= set(codes(EPOCH_NS))


@pytest.mark.parametrize("day", range(1, 60))
def test_every_day_has_a_week_a_month_and_a_quarter_ahead(day):
    """Expiries rise, lie ahead, include seven days from now, and reach beyond two months."""
    now = EPOCH_NS + day * 86_400 * NS_PER_S
    listed = np.array(expiries(now))
    days = (listed - now) / (86_400 * NS_PER_S)
    assert (np.diff(listed) > 0).all()
    assert days[0] > 0.0
    assert np.abs(days - 7.0).min() < 0.5
    assert days[-1] > 60.0


def test_an_expiry_is_gone_at_its_own_second():
    """At 08:00:00 UTC the day's options are no longer listed, and another day's are."""
    eight = utc_ns(2026, 1, 6, 8)
    assert codes(eight - 1)[0] == "6JAN26"
    assert codes(eight)[0] == "7JAN26"
    assert "14JAN26" in codes(eight)


def test_quarters_end_on_last_fridays():
    """The venue's calendar of 2026: the last Fridays of March, June, September and December."""
    year = {code for month in range(1, 13) for code in codes(utc_ns(2026, month, 1))}
    assert {"27MAR26", "26JUN26", "25SEP26", "25DEC26"} <= year


def test_the_market_rolls_at_eight():
    """Instruments and chain drop what has expired and gain what is new, in the same second."""
    market = SyntheticMarket(3)
    eight = utc_ns(2026, 1, 5, 8)
    market.advance(eight - NS_PER_S)
    before = market.instruments("BTC", eight - NS_PER_S)
    old = market.chain("BTC", eight - NS_PER_S).listing
    market.advance(eight)
    after = market.instruments("BTC", eight)
    new = market.chain("BTC", eight).listing
    gone = {one.name for one in before} - {one.name for one in after}
    assert {name.split("-")[1] for name in gone} == {"5JAN26"}
    assert "13JAN26" in {name.split("-")[1] for name in {one.name for one in after}}
    assert old.expiry_ns.min() == eight
    assert new.expiry_ns.min() > eight


def test_nothing_is_replaced_while_nothing_changes():
    """Instruments and listing are the same objects from second to second."""
    market = SyntheticMarket(3)
    market.advance(EPOCH_NS)
    first = market.instruments("ETH", EPOCH_NS), market.chain("ETH", EPOCH_NS).listing
    market.advance(EPOCH_NS + 500 * NS_PER_S)
    now = EPOCH_NS + 500 * NS_PER_S
    assert market.instruments("ETH", now) is first[0]
    assert market.chain("ETH", now).listing is first[1]


def test_instruments_are_the_listing_and_the_futures():
    """A perpetual, two dated futures, and exactly the options of the chain."""
    market = SyntheticMarket(3)
    market.advance(EPOCH_NS)
    instruments = market.instruments("BTC", EPOCH_NS)
    options = tuple(one.name for one in instruments if one.is_option)
    futures = [one.name for one in instruments if not one.is_option]
    assert options == market.chain("BTC", EPOCH_NS).listing.names
    assert futures == ["BTC-PERPETUAL", "BTC-27MAR26", "BTC-26JUN26"]
    assert [deribit.parse(name) for name in futures] == list(instruments[:3])
    assert instruments[1].kind is Kind.FUTURE


def test_strikes_surround_spot_and_follow_it():
    """When spot moves, strikes are added and none that is listed is taken away."""
    board = refreshed("BTC", None, EPOCH_NS, 92_000.0)
    moved = refreshed("BTC", board, EPOCH_NS + 3_600 * NS_PER_S, 80_000.0)
    assert refreshed("BTC", board, EPOCH_NS, 92_000.0) is board
    for expiry, strikes in board.strikes.items():
        assert strikes < moved.strikes[expiry]
        assert min(moved.strikes[expiry]) < 76_000.0
    kept = {one.name: one for one in board.instruments}
    assert all(kept[one.name] is one for one in moved.instruments if one.name in kept)


@pytest.mark.parametrize("coin,spot,step", [("BTC", 92_000.0, 1_000.0), ("ETH", 3_150.0, 50.0)])
def test_near_strikes_stand_a_step_apart(coin, spot, step):
    """A weekly has every step of the coin's grid within three percent of spot."""
    near = sorted(k for k in ladder(coin, spot, 7.0) if abs(k / spot - 1.0) < 0.03)
    assert set(np.diff(near)) == {step}


def test_what_somebody_holds_is_listed_until_it_expires():
    """A held option off the grid and a held future of no quarter are there, and then gone."""
    held = (deribit.parse("BTC-8JAN26-91234-P"), deribit.parse("BTC-8JAN26"))
    market = SyntheticMarket(3, owned=held)
    market.advance(EPOCH_NS)
    assert set(held) <= set(market.instruments("BTC", EPOCH_NS))
    assert held[0].name in market.chain("BTC", EPOCH_NS).listing.row
    eight = utc_ns(2026, 1, 8, 8)
    market.advance(eight)
    assert not set(held) & set(market.instruments("BTC", eight))


@pytest.mark.parametrize(
    "name",
    [
        *("BTC-PERPETUAL", "BTC-8JAN26", "BTC-5JAN26-91500-P", "BTC-30JAN26-12000-P"),
        *("BTC-6FEB26-95000-C", "BTC-25SEP26-95500-C", "BTC-25DEC26-400000-C"),
        *("ETH-30JAN26-3125-C", "ETH-26MAR27-10000-C", "ETH-26JUN26"),
    ],
)
def test_what_the_venue_can_have_listed_may_be_held(name):
    """Half steps, deep strikes, five weeks and two years of month ends: an owner's real book."""
    held = deribit.parse(name)
    assert never_listed(held, EPOCH_NS, 92_000.0 if held.coin == "BTC" else 3_150.0) is None


@pytest.mark.parametrize(
    "name,nearest",
    [
        ("BTC-30JAN26-95001-C", "BTC-30JAN26-95000-C"),
        ("BTC-30JAN26-9500-P", "BTC-30JAN26-50000-P"),
        ("BTC-30JAN26-950000-C", "BTC-30JAN26-180000-C"),
        ("BTC-31JAN26-95000-C", "30JAN26"),
        ("BTC-15JUL26-95000-C", "31JUL26"),
        ("BTC-27JUN26", "26JUN26"),
        ("BTC-30JAN62-95000-C", "28JAN28"),
    ],
)
def test_a_slip_of_the_finger_is_told_from_a_listed_instrument(name, nearest):
    """The text names what was probably meant."""
    said = never_listed(deribit.parse(name), EPOCH_NS, 92_000.0)
    assert said is not None
    assert said.endswith(f"(the nearest is {nearest})")


def test_all_that_was_recorded_may_be_held(data_dir):
    """No instrument of a quarter of real chains would have been refused when it appeared."""
    recording = read(data_dir / "market" / "deribit_chain_6h", None, ("BTC", "ETH"))
    for record in recording.coins.values():
        seen: set[int] = set()
        for shot in record.snapshots:
            for option in set(shot.option.tolist()) - seen:
                held = deribit.parse(record.names[option])
                assert never_listed(held, shot.ts_ns, shot.index) is None, held.name
            seen.update(shot.option.tolist())
