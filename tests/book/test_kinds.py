"""Which delta: the model's, one that leans with the smile, the venue's own."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.book.kinds import OLD_NS, DeltaKind, DeltaRule
from bot.book.legs import fill_delta
from bot.book.measure import measure, measure_by
from bot.book.shocks import shocks
from bot.book.venue_delta import own_deltas
from bot.domain.deribit import parse
from bot.domain.events import InstrumentsListed, PositionsReport
from bot.domain.instruments import FeeTier
from bot.domain.positions import Position
from bot.domain.units import NS_PER_S
from bot.strategy.bands import GammaBand
from bot.strategy.candidates import candidates
from bot.strategy.gamma import GammaPolicy
from greeks import black76
from tests.builders.books import NOW, BookBuilder, book, contract_of

STRIKES = tuple(range(46_000, 76_000, 2_000))
YEARS = 30 / 365
VENUE = DeltaRule(DeltaKind.VENUE)


def case_b(k):
    """Return the smile of the formula sheet's case B."""
    return 0.60 - 0.10 * k + 0.5 * k * k


def smiling(rule=None, smile=case_b, *, forward=None, **more):
    """Return a builder with both options of every strike listed on a smile, and a way to it."""
    built = book(greeks=rule or DeltaRule(), **more)
    at = built.index if forward is None else forward
    for strike in STRIKES:
        for call in (True, False):
            vol = float(smile(np.log(strike / at)))
            built.option(0, strike, call=call, vol=vol, forward=forward)
    return built


def leaning(ratio):
    """Return the smile's delta at a skew-stickiness ratio."""
    return DeltaRule(DeltaKind.SMILE, ratio)


@pytest.mark.parametrize("ratio,expected", [(1.0, -0.246726), (0.0, -0.228148), (2.0, -0.265304)])
def test_case_b_of_the_formula_sheet(ratio, expected):
    """Sticky strike, sticky moneyness, local volatility; in coin each less the put's premium."""
    found = smiling(leaning(ratio)).long_put(54_000).measure()
    # Vega in variance time is 0.02 % from the calendar's.
    assert found.delta == pytest.approx(expected, abs=6e-6)
    assert (found.kind, found.by_model, found.doubts) == (DeltaKind.SMILE, 0, ())
    assert found.low == found.delta == found.high
    first = black76.first(False, 60_000.0, 54_000.0, YEARS, 0.616086)
    in_coin = smiling(leaning(ratio), numeraire="coin").long_put(54_000).measure()
    net = expected - float(first.price) / 60_000.0
    assert in_coin.delta == pytest.approx(net, abs=6e-6)


@pytest.mark.parametrize("numeraire", ["usd", "coin"])
@pytest.mark.parametrize("linear", [True, False])
@pytest.mark.parametrize("call", [True, False])
def test_it_is_the_slope_of_a_value_whose_volatility_moves(numeraire, linear, call):
    """By definition: index and volatility moved together, in dollars or in coin."""
    ratio, forward, index = 1.8, 61_500.0, 60_000.0
    built = smiling(leaning(ratio), numeraire=numeraire, forward=forward)
    if linear:  # the smile is that of the coin-settled options of the same expiry and forward
        k = np.log(54_000 / forward)
        built.option(1, 54_000, call=call, vol=float(case_b(k)), forward=forward, linear=True)
    else:
        built.option(1, 54_000, call=call)
    k = np.log(54_000 / forward)

    def worth(level):
        at = forward * level / index
        vol = case_b(k) + (ratio - 1.0) * (-0.10 + k) * np.log(level / index)
        price = float(black76.price(call, at, 54_000.0, YEARS, vol))
        dollars = price if linear else price * level / at
        return dollars if numeraire == "usd" else dollars / level

    h = 3.0
    slope = (worth(index + h) - worth(index - h)) / (2 * h)
    found = built.measure().delta
    # Variance time is 20 minutes of 30 days short of the calendar's.
    assert found == pytest.approx(slope * (1.0 if numeraire == "usd" else index), abs=2e-4)


@given(ratio=st.floats(-2.0, 5.0), vol=st.floats(0.2, 2.0), quantity=st.floats(-20.0, 20.0))
def test_a_flat_smile_leaves_the_models_delta_exactly(ratio, vol, quantity):
    """To the last bit."""
    quantity = round(quantity, 1)
    made = smiling(leaning(ratio), lambda _: vol).option(quantity, 54_000).built()
    assert measure(made, "BTC", NOW).delta == measure_by(made, "BTC", NOW, DeltaRule()).delta


@pytest.mark.parametrize("numeraire", ["usd", "coin"])
def test_a_ratio_of_one_leaves_the_models_delta_exactly(numeraire):
    """Volatility stays with its strike: nothing is added."""
    made = smiling(leaning(1.0), numeraire=numeraire).long_put(54_000, 7).short_call(64_000).built()
    found, model = measure(made, "BTC", NOW), measure_by(made, "BTC", NOW, DeltaRule())
    assert (found.delta, found.low, found.high) == (model.delta, model.low, model.high)


def test_only_delta_depends_on_whose_it_is():
    """Gamma, vega, theta and what is seen of them are the same."""
    made = smiling(leaning(2.0)).long_put(54_000, 7).short_call(64_000).perpetual(5_000).built()
    found, model = measure(made, "BTC", NOW), measure_by(made, "BTC", NOW, DeltaRule())
    assert found.delta != model.delta
    for name in ("gamma", "gamma_expiring", "vega_usd", "theta_usd_day", "vol", "collateral"):
        assert getattr(found, name) == getattr(model, name), name


@pytest.mark.parametrize("numeraire,expected", [("usd", 1.0), ("coin", 54_000 / 60_000)])
@pytest.mark.parametrize("ratio", [0.0, 1.8])
def test_put_call_parity(numeraire, expected, ratio):
    """A call less a put is the forward less cash: no smile touches that."""
    made = smiling(leaning(ratio), numeraire=numeraire)
    found = made.option(1, 54_000).option(-1, 54_000, call=False).measure()
    assert found.delta == pytest.approx(expected, abs=1e-12)


@given(
    st.lists(
        st.tuples(st.sampled_from(STRIKES), st.booleans(), st.integers(-50, 50)),
        min_size=1, max_size=8,
    ),
    st.randoms(use_true_random=False),
)  # fmt: skip
def test_neither_order_nor_splitting_of_legs_matters(legs, chance):
    """A book is the sum of its legs, however they are told."""
    whole = smiling(leaning(1.8))
    for strike, call, tenths in legs:
        whole.option(tenths / 10, strike, call=call)
    parts = [(s, c, n) for s, c, tenths in legs for n in (tenths - 3, 3)]
    chance.shuffle(parts)
    split = smiling(leaning(1.8))
    for strike, call, tenths in parts:
        split.option(tenths / 10, strike, call=call)
    one, other = _net(whole).measure(), _net(split).measure()
    assert one.delta == pytest.approx(other.delta, abs=1e-10)
    alone = [
        _net(smiling(leaning(1.8)).option(t / 10, s, call=c)).measure().delta for s, c, t in legs
    ]
    assert one.delta == pytest.approx(sum(alone), abs=1e-10)


def _net(built: BookBuilder) -> BookBuilder:
    """Give positions of one instrument tags of their own: a report has each once."""
    built.positions = [replace(p, tag=f"part{i}") for i, p in enumerate(built.positions)]
    return built


def test_a_leg_without_a_slope_counts_by_the_model_and_is_counted():
    """Three strikes make no smile; nothing is doubted for it."""
    built = book(greeks=leaning(2.0))
    for strike, vol in ((50_000, 0.7), (55_000, 0.65), (60_000, 0.6)):
        built.option(0, strike, call=False, vol=vol)
    made = built.short_put(55_000, 3).built()
    found, model = measure(made, "BTC", NOW), measure_by(made, "BTC", NOW, DeltaRule())
    assert (found.delta, found.by_model, found.doubts) == (model.delta, 1, ())
    assert model.by_model == 0


def test_a_slope_is_kept_for_ten_minutes_and_no_longer():
    """What the newest chain cannot tell is what an earlier one told, for a while."""
    built = smiling(leaning(2.0)).long_put(54_000)
    made = built.built()
    leans = measure(made, "BTC", NOW).delta
    blind = built.chain(ts_ns=NOW + 11 * NS_PER_S)
    keep = [i for i, name in enumerate(blind.listing.names) if "-54000-" in name]
    vol = np.full_like(blind.vol, np.nan)
    vol[keep] = blind.vol[keep]
    made.apply(replace(blind, vol=vol))
    assert measure(made, "BTC", NOW + 11 * NS_PER_S).delta == pytest.approx(leans, abs=1e-6)
    late = measure(made, "BTC", NOW + OLD_NS)
    assert late.by_model == 1
    assert late.delta == measure_by(made, "BTC", NOW + OLD_NS, DeltaRule()).delta


def test_slopes_are_found_every_ten_seconds_and_at_once_for_a_new_list():
    """Never on the tick of a price."""
    built = smiling(leaning(2.0)).long_put(54_000)
    made = built.built()
    mine = made.coins["BTC"]
    first = mine.slopes
    batch = built.chain(ts_ns=NOW + 5 * NS_PER_S)
    made.apply(replace(batch, listing=first.listing))
    assert mine.slopes is first
    made.apply(replace(batch, ts_ns=batch.ts_ns + 1, ts_venue_ns=batch.ts_venue_ns + 1))
    assert mine.slopes is not first
    second = mine.slopes
    late = NOW + 16 * NS_PER_S
    made.apply(replace(batch, listing=second.listing, ts_ns=late, ts_venue_ns=late))
    assert mine.slopes is not second


def test_no_slope_is_looked_for_where_none_is_wanted():
    """A book on the model's delta pays nothing for the others."""
    made = smiling().long_put(54_000).built()
    assert made.coins["BTC"].slopes is None
    assert measure(made, "BTC", NOW).kind is DeltaKind.MODEL


def test_what_may_still_fill_widens_the_interval_by_its_own_smile_delta():
    """An option order under way brings what it would bring once it is held."""
    put = contract_of(54_000, call=False)
    held = smiling(leaning(2.0)).long_put(54_000, 2).measure().delta
    found = smiling(leaning(2.0)).pending(put.name, 2.0).measure()
    assert (found.low, found.high) == (pytest.approx(held, abs=2e-4), 0.0)
    assert found.low < 2 * -0.26


def test_an_option_without_a_volatility_is_bounded_whatever_the_smile_says():
    """Its slope may be known from before; the range of its payoff stays the range."""
    built = smiling(leaning(2.0)).long_put(54_000, 2)
    made = built.built()
    measure(made, "BTC", NOW)
    columns = made.packed("BTC").columns
    columns.inputs[4, :] = np.nan
    found = measure(made, "BTC", NOW)
    assert columns.slopes.ts_ns[0] > 0
    assert (found.delta, found.low, found.high) == (0.0, -2.0, 0.0)


def test_inside_its_settlement_window_every_delta_is_the_models():
    """What fades, fades alike."""
    end = NOW + 20 * 60 * NS_PER_S
    built = smiling(leaning(2.0)).option(-3, 60_000, days=20 / 1_440)
    made = built.built()
    columns = made.packed("BTC").columns
    columns.slopes.take(0, -5.0, NOW)
    found, model = measure(made, "BTC", NOW), measure_by(made, "BTC", NOW, DeltaRule())
    assert columns.expiry_ns[0] == end
    assert (found.delta, found.window_delta, found.by_model) == (model.delta, model.window_delta, 0)


def test_shocked_deltas_are_of_the_delta_that_is_traded():
    """The model's at the shock, and what the smile adds now."""
    made = smiling(leaning(2.0)).long_put(54_000, 10).built()
    added = measure(made, "BTC", NOW).delta - measure_by(made, "BTC", NOW, DeltaRule()).delta
    leaned = shocks(made, "BTC", NOW)
    plain = shocks(smiling().long_put(54_000, 10).built(), "BTC", NOW)
    for move, delta in leaned.delta.items():
        assert delta - plain.delta[move] == pytest.approx(added, abs=1e-12)
    assert leaned.pnl_usd == plain.pnl_usd


# the venue's own


def told(line, *, numeraire="usd", quantity=-2, at_ns=NOW):
    """Return a book of calls of case A of which the venue has said `line` a coin."""
    built = book(numeraire, greeks=VENUE)
    made = built.short_call(65_000, -quantity).perpetual().built()
    measure(made, "BTC", NOW)
    held = tuple(made.holdings.positions.values())
    deltas = () if line is None else ((held[0].instrument, line * quantity),)
    made.apply(PositionsReport(at_ns, held, (), deltas))
    return made


@pytest.mark.parametrize("line", [0.357226, 0.3199282])
@pytest.mark.parametrize("numeraire,expected", [("usd", 0.357226), ("coin", 0.3199282)])
def test_the_venues_delta_in_the_books_numeraire(numeraire, expected, line):
    """It says 0.005 more than we, plain or net of the premium: so much more is traded."""
    found = measure(told(line, numeraire=numeraire), "BTC", NOW)
    assert found.delta == pytest.approx(-2 * expected, abs=1e-6)
    assert (found.kind, found.by_model) == (DeltaKind.VENUE, 0)


@pytest.mark.parametrize("net", [True, False])
def test_a_venues_lines_are_all_of_one_convention(net):
    """One of them alone would be taken for the other convention's."""
    built = book(greeks=VENUE)
    made = built.long_call(65_000).long_call(45_000).perpetual().built()
    before = measure(made, "BTC", NOW).delta
    own = own_deltas(made, "BTC", NOW)
    off = {"65000": 0.02 if net else -0.02, "45000": 0.0}
    deltas = tuple(
        (name, (one.net if net else one.plain) + off[name.split("-")[2]])
        for name, one in own.items()
        if name != "BTC-PERPETUAL"
    )
    held = tuple(made.holdings.positions.values())
    made.apply(PositionsReport(NOW, held, (), deltas))
    added = measure(made, "BTC", NOW).delta - before
    assert added == pytest.approx(off["65000"], abs=1e-9)


def test_between_two_reports_the_venues_delta_moves_with_our_gamma():
    """What differs is kept; the price goes on."""
    made = told(0.372226)
    quote = made.coins["BTC"].market.quotes["BTC-PERPETUAL"]
    later = NOW + NS_PER_S
    made.apply(replace(quote, index=60_600.0, mark=60_600.0, ts_ns=later, ts_venue_ns=later))
    found, model = measure(made, "BTC", later), measure_by(made, "BTC", later, DeltaRule())
    assert found.delta - model.delta == pytest.approx(-0.04, abs=1e-6)
    assert model.delta < -2 * 0.37


@pytest.mark.parametrize("line", [None, 0.372226])
def test_where_the_venue_is_silent_the_model_counts(line):
    """It never said anything, or has not for ten minutes."""
    made = told(line)
    now_ns = NOW if line is None else NOW + OLD_NS
    found = measure(made, "BTC", now_ns)
    assert found.by_model == 1
    assert found.delta == measure_by(made, "BTC", now_ns, DeltaRule()).delta


def test_a_position_that_grows_keeps_what_was_said_of_a_coin_of_it():
    """The venue's words are of so many coins; ours are per coin."""
    made = told(0.372226)
    (position,) = made.holdings.positions.values()
    other = contract_of(70_000)
    made.apply(InstrumentsListed(NOW, "BTC", (*made.instruments.values(), other)))
    more = replace(position, quantity=position.quantity + position.quantity)
    made.adopt((more, Position(other.name, other.quantity("-1"))), ())
    found = measure(made, "BTC", NOW)
    assert found.by_model == 1
    model = measure_by(made, "BTC", NOW, DeltaRule())
    assert found.delta - model.delta == pytest.approx(-0.08, abs=1e-6)


@pytest.mark.parametrize("gap", [0.5, -0.5])
def test_a_disagreement_lies_on_either_side_of_the_venues_delta(gap):
    """The difference may be in it already: what is traded is right for both of us."""
    made = told(0.372226)
    made.coins["BTC"].gap = gap
    found = measure(made, "BTC", NOW)
    assert (found.low, found.high) == (found.delta - 0.5, found.delta + 0.5)


def test_a_dollar_settled_options_line_is_brought_to_the_index():
    """Its forward is 2 % above."""
    built = book(greeks=VENUE)
    made = built.option(1, 65_000, forward=61_200.0, linear=True).perpetual().built()
    before = measure(made, "BTC", NOW).delta
    held = tuple(made.holdings.positions.values())
    plain = float(made.packed("BTC").columns.first[1, 0])
    made.apply(PositionsReport(NOW, held, (), ((held[0].instrument, plain + 0.1),)))
    assert measure(made, "BTC", NOW).delta - before == pytest.approx(0.102, abs=1e-9)


def test_fills_of_futures_are_the_same_in_every_delta():
    """Only options have opinions."""
    made = smiling(leaning(2.0)).perpetual().built()
    future = made.instruments["BTC-PERPETUAL"]
    assert fill_delta(made.packed("BTC"), future, 6_000.0, 60_000.0, NOW) == pytest.approx(0.1)


def test_what_could_be_bought_for_gamma_brings_what_it_would_have_when_held():
    """Candidates and holdings count one delta."""
    made = smiling(leaning(2.0)).perpetual().built()
    put = contract_of(54_000, call=False)
    found = {c.name: c.delta for c in candidates(made, "BTC", NOW, FeeTier())}
    held = smiling(leaning(2.0)).long_put(54_000).measure().delta
    assert found[put.name] == pytest.approx(held, abs=1e-4)
    assert held < -0.26


def _offers(made, now_ns=NOW, policy=None):
    """Return the delta of each option on offer, by name."""
    return {c.name: c.delta for c in candidates(made, "BTC", now_ns, FeeTier(), policy)}


@pytest.mark.parametrize("numeraire", ["usd", "coin"])
@pytest.mark.parametrize("now_ns", [NOW, NOW + OLD_NS])
@pytest.mark.parametrize("rule", [DeltaRule(), leaning(2.0), VENUE])
def test_closing_takes_away_what_the_book_counts(rule, now_ns, numeraire):
    """A held option brings on offer what its leg has in the exposure, whoever says it, however old.

    The venue has told of one leg of two; the newest smile has lost its slopes.
    """
    built = smiling(rule, numeraire=numeraire).short_call(64_000, 2).long_put(54_000, 3)
    made = built.perpetual().built()
    measure(made, "BTC", NOW)
    held = tuple(made.holdings.positions.values())
    call, put = (contract_of(64_000).name, contract_of(54_000, call=False).name)
    made.apply(PositionsReport(NOW, held, (), ((call, -2 * 0.42),)))
    if made.coins["BTC"].slopes is not None:
        made.coins["BTC"].slopes.value[:] = np.nan
    offers, found = _offers(made, now_ns), measure(made, "BTC", now_ns)
    by_model = measure_by(made, "BTC", now_ns, DeltaRule())
    assert -2 * offers[call] + 3 * offers[put] == pytest.approx(found.delta, abs=2e-4)
    told = rule.kind is not DeltaKind.MODEL and now_ns < NOW + OLD_NS
    assert (abs(found.delta - by_model.delta) > 0.01) is told
    closing = measure(made, "BTC", now_ns, ((call, 2.0),))
    assert closing.high - closing.low == pytest.approx(2 * offers[call], abs=1e-9)


def test_of_what_is_not_held_the_venue_says_nothing():
    """Its candidates are the model's, but for the one that it has told of."""
    made = smiling(VENUE).short_call(64_000, 2).perpetual().built()
    measure(made, "BTC", NOW)
    held, name = tuple(made.holdings.positions.values()), contract_of(64_000).name
    made.apply(PositionsReport(NOW, held, (), ((name, -2 * 0.42),)))
    offers = _offers(made)
    plain = _offers(smiling().short_call(64_000, 2).perpetual().built())
    assert offers.pop(name) == pytest.approx(0.42, abs=1e-5)
    assert plain.pop(name) < 0.39
    assert offers == plain


def test_of_what_is_not_held_the_newest_smile_counts_while_it_is_young():
    """A strike without a slope, and every strike ten minutes later, is the model's."""
    made, plain = smiling(leaning(2.0)).built(), smiling().built()
    name, other = (contract_of(k, call=False).name for k in (54_000, 56_000))
    made.coins["BTC"].slopes.value[made.coins["BTC"].slopes.listing.row[name]] = np.nan
    young, old = _offers(made), _offers(made, NOW + OLD_NS)
    assert young[name] == _offers(plain)[name]
    assert young[other] < _offers(plain)[other] - 0.01
    assert old == _offers(plain, NOW + OLD_NS)


def test_an_owners_range_of_deltas_is_of_the_delta_that_is_traded():
    """A put at the range's end by the model, and a little beyond it by the smile."""
    name = contract_of(54_000, call=False).name
    model, leant = _offers(smiling().built()), _offers(smiling(leaning(2.0)).built())
    assert 0.246 < -model[name] < 0.25 < -leant[name]
    policy = GammaPolicy(GammaBand(), GammaBand(), min_abs_delta=0.25)
    assert name not in _offers(smiling().built(), policy=policy)
    assert name in _offers(smiling(leaning(2.0)).built(), policy=policy)


def test_what_the_venue_said_is_compared_once_with_what_we_thought_then():
    """Another volatility and another leg later, the difference is still that of the moment."""
    made = told(0.372226)
    position = next(iter(made.holdings.positions.values()))
    other = contract_of(70_000)
    made.apply(InstrumentsListed(NOW, "BTC", (*made.instruments.values(), other)))
    built = book(vol=0.9).short_call(65_000)
    made.apply(built.chain(ts_ns=NOW + NS_PER_S))
    made.adopt((position, Position(other.name, other.quantity("-1"))), ())
    found, model = measure(made, "BTC", NOW), measure_by(made, "BTC", NOW, DeltaRule())
    assert found.delta - model.delta == pytest.approx(-0.04, abs=1e-6)


def test_a_line_is_of_all_positions_in_its_instrument():
    """Two accounts of one venue may hold one option."""
    made = told(None)
    (position,) = made.holdings.positions.values()
    half = replace(position, quantity=parse(position.instrument).quantity("-1"))
    rows = (half, replace(half, tag="other"))
    made.apply(PositionsReport(NOW, rows, (), ((position.instrument, -2 * 0.372226),)))
    assert measure(made, "BTC", NOW).delta == pytest.approx(-2 * 0.372226, abs=1e-6)


def test_an_option_without_a_volatility_is_bounded_whatever_the_venue_says():
    """We cannot tell what its word is worth."""
    made = told(0.372226)
    made.packed("BTC").columns.inputs[4, :] = np.nan
    found = measure(made, "BTC", NOW)
    assert (found.delta, found.low, found.high) == (0.0, -2.0, 0.0)
