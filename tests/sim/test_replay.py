"""A recording played as a market: recorded at snapshots, modelled and labelled between."""

from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from bot.domain import deribit
from bot.domain.errors import BadInputError
from bot.domain.events import Settled
from bot.domain.positions import Position
from bot.domain.units import NS_PER_S, SECONDS_PER_YEAR, Quantity, Unit, utc_ns
from bot.lab.recording import read
from bot.sim.exchange.account import StartingAccount
from bot.sim.exchange.exchange import Exchange
from bot.sim.ports import Market
from bot.sim.recorded import CoinRecord, PriceTrack, Recording, Snapshot
from bot.sim.replay import ReplayMarket
from greeks import black76

NAMES = ("BTC-27MAR26-70000-C", "BTC-27MAR26-70000-P", "BTC-6FEB26-70000-C")
HOUR = 3_600 * NS_PER_S
FIRST = utc_ns(2026, 2, 6, 4)
EXPIRY = utc_ns(2026, 2, 6, 8)
CHAINS = "market/deribit_chain_6h"
HOURLY = "market/deribit_dvol_perp_1h/btc_perpetual_1h_20260227_20260331.csv.gz"


def shot(ts_ns: int, index: float, options: tuple[int, ...] = (0, 1, 2)) -> Snapshot:
    """Return a snapshot with a forward 1 % above the index and quotes around Black-76."""
    option = np.array(options, dtype=np.int64)
    parsed = [deribit.parse(NAMES[i]) for i in options]
    years = np.array([o.calendar_years(ts_ns) for o in parsed])
    forward, vol = np.full(len(option), index * 1.01), np.full(len(option), 0.6)
    terms = ([o.is_call for o in parsed], forward, [o.strike for o in parsed], years, vol)
    value = black76.first(*terms)
    mark = value.price / forward
    return Snapshot(
        ts_ns=ts_ns,
        index=index,
        option=option,
        forward=forward,
        vol=vol,
        mark=mark,
        bid=np.round(mark - 0.002, 4),
        ask=np.round(mark + 0.002, 4),
        delta=value.delta,
        futures={"BTC-27MAR26": index * 1.01},
    )


def recording(*shots: Snapshot, track: PriceTrack | None = None) -> Recording:
    """Return a recording of bitcoin alone."""
    none = PriceTrack(np.empty(0, np.int64), np.empty(0), np.empty(0))
    parsed = [deribit.parse(name) for name in NAMES]
    record = CoinRecord(
        coin="BTC",
        names=NAMES,
        is_call=np.array([option.is_call for option in parsed]),
        strike=np.array([option.strike for option in parsed]),
        expiry_ns=np.array([option.expiry_ns for option in parsed], dtype=np.int64),
        snapshots=shots,
        perpetual=track or none,
    )
    return Recording({"BTC": record})


def stops(market: Market) -> list[int]:
    """Return every time at which a market moves."""
    times: list[int] = []
    at: int | None = market.start_ns
    while at is not None:
        times.append(at)
        at = market.next_time(at)
    return times


@pytest.fixture
def market() -> ReplayMarket:
    """Return a market that falls from 70,000 to 66,500 over six hours that hold a settlement."""
    return ReplayMarket(recording(shot(FIRST, 70_000.0), shot(FIRST + 6 * HOUR, 66_500.0)))


def test_it_stops_at_snapshots_and_every_half_minute_of_a_settlement(market):
    """Two snapshots, and 61 points from 07:30 to 08:00."""
    times = stops(market)
    assert times[0] == FIRST
    assert times[-1] == FIRST + 6 * HOUR
    assert times[1:-1] == list(range(EXPIRY - 1_800 * NS_PER_S, EXPIRY + 1, 30 * NS_PER_S))


def test_a_snapshot_is_published_as_recorded(market):
    """Index, forwards, volatilities, marks and quotes are the recorded numbers themselves."""
    recorded = shot(FIRST, 70_000.0)
    market.advance(FIRST)
    chain = market.chain("BTC", FIRST)
    assert chain.listing.names == NAMES
    assert chain.index == 70_000.0
    for name in ("forward", "vol", "mark", "bid", "ask"):
        np.testing.assert_array_equal(getattr(chain, name), getattr(recorded, name))
    assert not market.modelled("BTC", FIRST)


def test_the_settlement_index_lies_on_the_line_between_snapshots(market):
    """At 08:00, four of six hours on, the logarithm of the index has gone two thirds of its way."""
    market.advance(FIRST)
    quotes = [move.quote for move in market.advance(EXPIRY)]
    assert quotes[0].instrument == "BTC-PERPETUAL"
    assert quotes[0].index == pytest.approx(70_000.0 * (66_500.0 / 70_000.0) ** (2.0 / 3.0))
    assert quotes[0].ts_ns == EXPIRY
    assert quotes[0].ts_venue_ns == EXPIRY
    assert market.modelled("BTC", EXPIRY)


def test_the_carry_of_an_expiring_forward_is_gone_at_its_expiry(market):
    """A minute before 08:00 the forward is at the index within a hundredth of its 1 % carry."""
    at = EXPIRY - 60 * NS_PER_S
    market.advance(at)
    chain = market.chain("BTC", at)
    assert chain.forward[2] / chain.index == pytest.approx(1.01 ** (1.0 / 240.0))


def test_between_snapshots_options_are_repriced_at_their_own_volatility(market):
    """The carried mark is Black-76 at the carried forward; the spread stays, on the grid."""
    at = EXPIRY - 1_800 * NS_PER_S
    market.advance(at)
    chain = market.chain("BTC", at)
    listing = chain.listing
    years = (listing.expiry_ns - at) / (NS_PER_S * SECONDS_PER_YEAR)
    value = black76.price(listing.is_call, chain.forward, listing.strike, years, chain.vol)
    np.testing.assert_allclose(chain.mark, value / chain.forward, atol=1e-12)
    assert chain.ts_venue_ns == at
    assert (chain.ask[:2] - chain.bid[:2] >= 0.004 - 1e-9).all()
    np.testing.assert_allclose(chain.ask * 10_000.0, np.round(chain.ask * 10_000.0), atol=1e-6)


def test_an_expiring_option_is_marked_on_the_average_that_it_settles_on():
    """Half a minute before the end a deep call is worth the average so far, not the last index."""
    low = shot(FIRST, 80_000.0)
    market = ReplayMarket(recording(low, shot(FIRST + 6 * HOUR, 100_000.0)))
    at = EXPIRY - 30 * NS_PER_S
    window = range(EXPIRY - 1_770 * NS_PER_S, EXPIRY, 30 * NS_PER_S)
    samples = [market.advance(stop)[0].quote.index for stop in window]
    mark = market.chain("BTC", at).mark[2]
    samples.append(market.advance(EXPIRY)[0].quote.index)
    paid = 1.0 - 70_000.0 / np.mean(samples)
    assert mark == pytest.approx(paid, abs=1e-5)
    assert abs(1.0 - 70_000.0 / samples[-1] - paid) > 1e-3


def test_an_option_is_delisted_at_its_expiry_and_the_listing_is_one_object_until_then(market):
    """The same tuple and listing while nothing changes; without the expired option at 08:00."""
    market.advance(FIRST)
    before = market.instruments("BTC", FIRST)
    market.advance(EXPIRY - 30 * NS_PER_S)
    assert market.instruments("BTC", EXPIRY - 30 * NS_PER_S) is before
    assert [i.name for i in before] == ["BTC-PERPETUAL", "BTC-27MAR26", *NAMES]
    market.advance(EXPIRY)
    assert [i.name for i in market.instruments("BTC", EXPIRY)][2:] == list(NAMES[:2])
    assert market.chain("BTC", EXPIRY).listing.names == NAMES[:2]


def test_an_option_that_a_snapshot_lacks_keeps_its_row_without_prices():
    """It was not seen, which does not mean that it is gone: listed, and NaN."""
    last = FIRST + 6 * HOUR
    market = ReplayMarket(recording(shot(FIRST, 70_000.0), shot(last, 70_000.0, (0,))))
    market.advance(last)
    chain = market.chain("BTC", last)
    assert chain.listing.names == NAMES[:2]
    assert np.isnan([chain.mark[1], chain.vol[1], chain.bid[1], chain.forward[1]]).all()
    assert chain.bid_size[1] == 0.0
    assert chain.bid_size[0] > 0.0


def test_a_missing_side_stays_missing():
    """An absent bid has neither price nor size, at the snapshot and when carried."""
    first = shot(FIRST, 70_000.0)
    first.bid[0] = np.nan
    market = ReplayMarket(recording(first, shot(FIRST + 6 * HOUR, 70_000.0)))
    for at in (FIRST, EXPIRY):
        market.advance(at)
        chain = market.chain("BTC", at)
        assert np.isnan(chain.bid[0])
        assert chain.bid_size[0] == 0.0
        assert chain.ask_size[0] > 0.0


def test_the_perpetual_follows_its_own_points_and_the_index_keeps_its_basis():
    """A candle 10 USD above a basis of 20 moves the index by ten; its volume is split in two."""
    track = PriceTrack(
        np.array([FIRST, FIRST + HOUR, FIRST + 6 * HOUR]),
        np.array([70_020.0, 71_000.0, 70_020.0]),
        np.array([np.nan, 50.0, np.nan]),
    )
    shots = (shot(FIRST, 70_000.0), shot(FIRST + 6 * HOUR, 70_000.0))
    market = ReplayMarket(recording(*shots, track=track))
    market.advance(FIRST)
    assert market.next_time(FIRST) == FIRST + HOUR
    move = market.advance(FIRST + HOUR)[0]
    assert move.quote.mark == pytest.approx(71_000.0)
    assert move.quote.index == pytest.approx(71_000.0 * 70_000.0 / 70_020.0)
    assert move.quote.ts_venue_ns == FIRST + HOUR
    assert move.bought_usd == move.sold_usd == pytest.approx(25.0 * 71_000.0)
    assert move.quote.bid < 71_000.0 < move.quote.ask


def test_time_between_stops_moves_nothing_and_time_never_goes_back(market):
    """A second after a stop no future has moved; the past is refused."""
    market.advance(FIRST)
    assert market.advance(FIRST + NS_PER_S) == ()
    assert not market.chain_due("BTC", FIRST + NS_PER_S)
    with pytest.raises(ValueError, match="expected a time at or after"):
        market.advance(FIRST)


def test_a_coin_that_was_not_recorded_has_no_quotes(market):
    """Nothing listed, nothing due, an empty batch."""
    market.advance(FIRST)
    assert market.coins == ("BTC",)
    assert market.instruments("ETH", FIRST) == ()
    assert not market.chain_due("ETH", FIRST)
    assert market.chain("ETH", FIRST).listing.names == ()


def test_a_replay_ends_where_the_recording_is_torn_and_can_start_behind_it():
    """A gap of two days is not played across."""
    shots = [shot(FIRST + hours * HOUR, 70_000.0) for hours in (0, 6, 54, 60)]
    assert ReplayMarket(recording(*shots)).end_ns == FIRST + 6 * HOUR
    later = ReplayMarket(recording(*shots), start_ns=FIRST + 7 * HOUR)
    assert [later.start_ns, later.end_ns] == [FIRST + 54 * HOUR, FIRST + 60 * HOUR]


def test_a_start_behind_the_recording_is_refused():
    """The message tells the wanted time and what was recorded."""
    shots = (shot(FIRST, 70_000.0), shot(FIRST + 6 * HOUR, 70_000.0))
    with pytest.raises(BadInputError) as caught:
        ReplayMarket(recording(*shots), start_ns=FIRST + 7 * HOUR)
    assert str(caught.value) == (
        "recording: expected a snapshot at or after 2026-02-06T11:00:00.000Z, "
        "found 2026-02-06T04:00:00.000Z to 2026-02-06T10:00:00.000Z"
    )


@pytest.fixture(scope="module")
def winter(data_dir: Path) -> Recording:
    """Return the recorded months with the hourly perpetual."""
    return read(data_dir / CHAINS, data_dir / HOURLY)


@pytest.mark.data
def test_the_stormy_days_play_with_finite_forwards_and_consistent_listings(winter):
    """Three days around 5 February 2026: every batch is complete, listed and on time."""
    market = ReplayMarket(winter, start_ns=utc_ns(2026, 2, 4))
    seen, lowest = 0, np.inf
    at: int | None = market.start_ns
    while at is not None and at < utc_ns(2026, 2, 7):
        moves = market.advance(at)
        assert {move.quote.ts_ns for move in moves} == {at}
        assert all(move.quote.bid < move.quote.ask for move in moves)
        assert market.chain_due("BTC", at)
        chain = market.chain("BTC", at)
        assert np.isfinite(chain.forward).all()
        assert (chain.forward > 0.0).all()
        assert (chain.listing.expiry_ns > at).all()
        options = tuple(i.name for i in market.instruments("BTC", at) if i.is_option)
        assert options == chain.listing.names
        assert not (chain.bid > chain.ask).any()
        seen, lowest = seen + 1, min(lowest, chain.index)
        following = market.next_time(at)
        assert following is None or following > at
        at = following
    assert seen == 12 + 3 * 61
    assert 63_000.0 < lowest < 64_000.0


@pytest.mark.data
def test_the_cadence_is_that_of_the_recorder(winter):
    """Chains about six hours apart; the perpetual hourly where the stretch is recorded hourly."""
    whole = ReplayMarket(winter).cadence
    assert 6.0 * 3_600.0 < whole.chain_s < 8.0 * 3_600.0
    assert whole.quote_s == whole.chain_s
    assert ReplayMarket(winter, start_ns=utc_ns(2026, 3, 1)).cadence.quote_s == 3_600.0


@pytest.mark.data
def test_a_coin_whose_chains_end_has_no_more_batches(winter):
    """Ether chains end on 31 January: a day later nothing is due, while bitcoin goes on."""
    market = ReplayMarket(winter)
    first_later = market.next_time(utc_ns(2026, 2, 2))
    assert first_later is not None
    market.advance(first_later)
    assert market.coins == ("BTC", "ETH")
    assert not market.chain_due("ETH", first_later)
    assert market.chain_due("BTC", first_later)


@pytest.mark.data
def test_the_perpetual_keeps_close_to_the_index(winter):
    """At the snapshots its premium has a median under 2 bp and nine tenths lie within 10 bp."""
    market = ReplayMarket(winter)
    times = np.array([s.ts_ns for s in winter.coins["BTC"].snapshots])
    premium = []
    for at in times[times <= market.end_ns].tolist():
        quote = market.advance(at)[0].quote
        premium.append((quote.mark / quote.index - 1.0) * 1e4)
    assert len(premium) == 359
    assert abs(np.median(premium)) < 2.0
    assert np.quantile(np.abs(premium), 0.9) < 10.0


@pytest.mark.data
def test_the_exchange_trades_and_settles_a_book_on_the_recorded_storm(winter):
    """A short call that expires on 6 February is paid on the modelled average, and gone after."""
    market = ReplayMarket(winter, start_ns=utc_ns(2026, 2, 5))
    name = "BTC-6FEB26-60000-C"
    short = Position(name, Quantity(Decimal(-1), Unit.COIN))
    start = StartingAccount({"BTC": 5.0}, (short,))
    exchange = Exchange(market, start, np.random.default_rng(1))
    settled = []
    at: int | None = market.start_ns
    while at is not None and at < utc_ns(2026, 2, 6, 12):
        events = exchange.advance(at)
        settled += [event for event in events if isinstance(event, Settled)]
        at = market.next_time(at)
    (payment,) = settled
    assert payment.instrument == name
    assert payment.ts_ns == EXPIRY
    assert 64_822.0 < payment.price_usd < 65_855.0
    assert name not in exchange.holdings
