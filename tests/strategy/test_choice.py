"""Which instrument hedges: cost, preference, hysteresis, and what may not be used."""

import math
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.book.book import Book, UnderlyingRules
from bot.book.measure import delta_in, measure
from bot.book.numeraire import Numeraire
from bot.book.scope import Scope
from bot.domain.deribit import parse
from bot.domain.events import InstrumentsListed
from bot.domain.instruments import FeeTier, Instrument, Kind, Settlement, TickTable
from bot.domain.positions import Balance, Position
from bot.domain.reasons import Reason
from bot.domain.units import NS_PER_S
from bot.strategy.choice import Task, choose, choose_hedge, offers
from bot.strategy.hedge_cost import HedgePolicy
from tests.builders.books import DAY_NS, NOW, PERPETUAL, book, quote

FUTURES = ("BTC-6JAN26", "BTC-30JAN26", "BTC-27MAR26", "BTC-26JUN26")


def _book(*names, kinds=("future",), exclude=()):
    """Return a book whose futures are all quoted."""
    scope = Scope(exclude=frozenset(exclude))
    made = Book([UnderlyingRules("BTC", Numeraire.USD, "exclude", kinds, scope)])
    made.apply(InstrumentsListed(NOW, "BTC", tuple(parse(name) for name in names)))
    return _quoted(made, names, NOW)


def _quoted(made, names, now_ns):
    for name in names:
        made.apply(quote(name, ts_ns=now_ns, ts_venue_ns=now_ns))
    return made


def _chosen(made, now_ns=NOW, policy=None, **task):
    """Return the name of what is chosen, and the reasons why what is preferred was not."""
    policy = policy or HedgePolicy()
    hedge, doubts = choose_hedge(made, "BTC", now_ns, FeeTier(), policy, Task(**task))
    return (None if hedge is None else hedge.instrument.name), [d.reason for d in doubts]


def test_the_future_that_expires_first_is_taken_not_the_first_by_name():
    """26JUN26 comes before 27MAR26 in the alphabet and after it in time."""
    assert _chosen(_book("BTC-26JUN26", "BTC-27MAR26")) == ("BTC-27MAR26", [])


def test_a_future_in_its_last_day_is_passed_over():
    """Its hedge would be gone at the next settlement."""
    made = _book(*FUTURES)
    assert _chosen(made) == ("BTC-30JAN26", [])


def test_a_future_is_taken_until_a_day_before_its_end():
    """A second more than a day is enough, a day is not."""
    now_ns = (parse("BTC-30JAN26").expiry_ns or 0) - DAY_NS
    made = _quoted(_book(*FUTURES), FUTURES, now_ns - NS_PER_S)
    assert _chosen(made, now_ns - NS_PER_S) == ("BTC-30JAN26", [])
    assert _chosen(made, now_ns) == ("BTC-27MAR26", [])


def test_without_anything_but_an_ending_future_there_is_no_hedge():
    """And that is said."""
    assert _chosen(_book("BTC-6JAN26")) == (None, [Reason.NO_HEDGE_INSTRUMENT])


def test_preference_comes_before_expiry():
    """The perpetual first where it is listed first."""
    names, kinds = (PERPETUAL, *FUTURES), ("perpetual", "future")
    assert _chosen(_book(*names, kinds=kinds)) == (PERPETUAL, [])


def test_an_excluded_instrument_never_hedges():
    """Neither the preferred one nor any other."""
    names, kinds = (PERPETUAL, "BTC-27MAR26", "BTC-26JUN26"), ("perpetual", "future")
    made = _book(*names, kinds=kinds, exclude=(PERPETUAL, "BTC-27MAR26"))
    assert _chosen(made) == ("BTC-26JUN26", [])
    assert _chosen(_book(PERPETUAL, kinds=kinds, exclude=(PERPETUAL,))) == (
        None,
        [Reason.NO_HEDGE_INSTRUMENT],
    )


def test_the_other_numeraires_delta_leaves_the_live_book_alone():
    """Nothing that others may be reading is changed, not even for a moment."""
    built = book("usd").short_call().perpetual().built()
    rules = built.coins["BTC"].rules
    expected = measure(book("coin").short_call().perpetual().built(), "BTC", NOW).delta
    assert delta_in(built, "BTC", NOW, Numeraire.COIN) == expected
    assert built.coins["BTC"].rules is rules


BOTH = ("perpetual", "future")
MARCH, JUNE, LINEAR = "BTC-27MAR26", "BTC-26JUN26", "BTC_USDC-PERPETUAL"
SHORT = {"march": MARCH, "linear": LINEAR}
SPOT = Instrument(
    "BTC_USDC", "BTC", Kind.SPOT, Settlement.LINEAR, Decimal("0.0001"), Decimal("0.0001"),
    TickTable(Decimal(1)), parse(PERPETUAL).fees,
)  # fmt: skip


def _wide(made, name, half, **more):
    """Quote one instrument with a half spread (USD) around its mark."""
    mark = more.pop("mark", 60_000.0)
    made.apply(quote(name, bid=mark - half, ask=mark + half, mark=mark, **more))
    return made


def _holding(made, **quantities):
    """Give the trading account positions, by a short name, and some coins."""
    rows = [
        Position(SHORT[short], parse(SHORT[short]).quantity(quantity))
        for short, quantity in quantities.items()
    ]
    made.adopt(rows, [Balance("BTC", 5.0, 5.0, 0.1, 0.05)])
    return made


def _hedge(made, task):
    hedge, _ = choose_hedge(made, "BTC", NOW, FeeTier(), task=task)
    assert hedge is not None
    return hedge


def test_the_cheaper_one_hedges_whatever_is_preferred():
    """Ten dollars of half spread are paid twice: on the way in and on the way out."""
    made = _wide(_book(PERPETUAL, MARCH, kinds=BOTH), PERPETUAL, 10.0)
    assert _chosen(made, change=1.0) == (MARCH, [])
    hedge = _hedge(made, Task(change=1.0))
    assert hedge.because.reason is Reason.CHEAPEST
    assert hedge.cost.all_in == pytest.approx(61.0)
    assert hedge.next_usd == pytest.approx(80.0)


@pytest.mark.parametrize(
    "last,used,beside", [("", JUNE, 80.0), (MARCH, JUNE, 80.0), (PERPETUAL, PERPETUAL, 65.0)]
)
def test_the_next_one_is_the_best_of_the_others(last, used, beside):
    """All in 100, 80 and 65 USD a coin; a margin of 40 keeps what was used last, or does not."""
    made = _book(PERPETUAL, MARCH, JUNE, kinds=BOTH)
    for name, half in ((PERPETUAL, 20.0), (MARCH, 10.0), (JUNE, 2.5)):
        _wide(made, name, half)
    policy = HedgePolicy(switch_bps=40.0 / 6.0 if last == PERPETUAL else 1.0)
    hedge, _ = choose_hedge(made, "BTC", NOW, FeeTier(), policy, Task(1.0, last))
    assert hedge is not None
    assert hedge.instrument.name == used
    assert hedge.next_usd == pytest.approx(beside)
    assert dict(hedge.because.numbers)["next_usd_per_coin"] == hedge.next_usd


@pytest.mark.parametrize("change,rate,expected", [(1, 9e-4, MARCH), (-1, 9e-4, PERPETUAL)])
def test_a_buyer_flees_funding_and_a_seller_earns_it(change, rate, expected):
    """54 USD in eight hours; the sign of the rate turns both."""
    for sign in (1.0, -1.0):
        made = _wide(_book(PERPETUAL, MARCH, kinds=BOTH), PERPETUAL, 0.5, funding_8h=sign * rate)
        assert _chosen(made, change=sign * change)[0] == expected


def test_basis_that_runs_off_is_paid_by_the_buyer():
    """2 % over 81 days cost 4.94 USD in eight hours; a premium is no reason to sell elsewhere."""
    made = _wide(_book(PERPETUAL, MARCH, kinds=BOTH), MARCH, 0.5, mark=61_200.0)
    costs = {o.instrument.name: o.cost for o in _offers(made, change=1.0)}
    assert costs[MARCH].carry == pytest.approx(1_200.0 / 81.0 / 3.0)
    assert costs[PERPETUAL].carry == 0.0
    assert _offers(made, change=-1.0)[1].cost.carry == pytest.approx(-1_200.0 / 243.0)


def _offers(made, now_ns=NOW, policy=None, **task):
    return offers(made, "BTC", now_ns, FeeTier(), policy or HedgePolicy(), Task(**task))


def test_what_is_open_is_closed_before_anything_is_opened():
    """A book never ends long one and short another to save a spread."""
    made = _holding(_book(PERPETUAL, MARCH, kinds=BOTH), march=60_000)
    assert _chosen(made, change=-1.0)[0] == MARCH
    assert _chosen(_wide(made, MARCH, 14.0), change=-1.0)[0] == MARCH
    assert _chosen(made, change=1.0)[0] == PERPETUAL
    assert _chosen(made, change=0.0)[0] == PERPETUAL


def test_what_another_account_holds_cannot_be_closed_from_here():
    """The venue nets by account."""
    names = (PERPETUAL, MARCH)
    made = Book([UnderlyingRules("BTC", Numeraire.USD, "exclude", BOTH)], also=("cold",))
    made.apply(InstrumentsListed(NOW, "BTC", tuple(parse(name) for name in names)))
    _quoted(made, names, NOW)
    amount = parse(MARCH).quantity(Decimal(60_000))
    made.adopt([Position(MARCH, amount, account="cold")], [])
    assert _chosen(made, change=-1.0)[0] == PERPETUAL


def test_the_last_one_is_kept_until_another_is_cheaper_by_the_margin():
    """One basis point of 60,000 is six dollars, over the way in and out three of half spread."""
    made = _book(PERPETUAL, MARCH, kinds=BOTH)
    for half, kept in ((3.4, True), (3.6, False)):
        _wide(made, MARCH, half)
        hedge = _hedge(made, Task(1.0, MARCH))
        assert (hedge.instrument.name == MARCH) is kept
        expected = Reason.NOT_WORTH_SWITCHING if kept else Reason.CHEAPEST
        assert hedge.because.reason is expected


def test_at_the_same_cost_the_last_one_is_kept():
    """Preference decides only where nothing was used yet."""
    made = _book(PERPETUAL, MARCH, kinds=BOTH)
    assert _chosen(made, change=1.0, last=MARCH)[0] == MARCH
    assert _chosen(made, change=1.0, last=MARCH, policy=HedgePolicy(switch_bps=0.0))[0] == MARCH
    assert _chosen(made, change=1.0, last="BTC-30JAN26")[0] == PERPETUAL


@given(noise=st.lists(st.floats(0.0, 2.9), min_size=1, max_size=30), first=st.booleans())
def test_noise_within_the_margin_never_makes_it_switch(noise, first):
    """Half spreads that differ by less than half the margin, either way, tick after tick."""
    made = _book(PERPETUAL, MARCH, kinds=BOTH)
    last = start = PERPETUAL if first else MARCH
    for i, half in enumerate(noise):
        _wide(made, PERPETUAL if i % 2 else MARCH, 0.5 + half)
        _wide(made, MARCH if i % 2 else PERPETUAL, 0.5)
        last, _ = _chosen(made, change=1.0, last=last)
    assert last == start


def test_an_unfunded_currency_is_used_only_where_there_is_no_other():
    """A narrower spread is no reason to trade what the account cannot pay; a close is paid for."""
    made = _holding(_wide(_book(PERPETUAL, LINEAR, kinds=BOTH), PERPETUAL, 20.0))
    assert _chosen(made, change=1.0)[0] == PERPETUAL
    assert _chosen(made, change=1.0, barred=frozenset({PERPETUAL}))[0] == LINEAR
    made.see_balances([Balance("USD", 0.0, 0.0, 0.0, 0.0)])
    assert _chosen(made, change=1.0)[0] == PERPETUAL
    _holding(made, linear=-2)
    assert _chosen(made, change=1.0)[0] == LINEAR
    assert _chosen(made, change=-1.0)[0] == PERPETUAL
    made.see_balances([Balance("USD", 5_000.0, 5_000.0, 0.0, 0.0)])
    assert _chosen(made, change=-1.0)[0] == LINEAR


def test_a_limit_on_an_expiry_leaves_room_and_bars_what_is_full():
    """A part of the change fits; from a full one the other expiry is told apart by its reason."""
    held = _holding(_book(MARCH, JUNE), march=60_000)  # a coin, as 60,000 USD at 60,000
    assert _room(held, 1.5, 0.6) == (MARCH, pytest.approx(0.5, abs=0.02))
    assert _room(held, 1.5, -9.0) == (MARCH, pytest.approx(2.5, abs=0.02))
    assert _room(held, 0.5, -9.0) == (MARCH, pytest.approx(1.5, abs=0.02))
    assert _room(held, 0.5, 0.3) == (JUNE, 0.5)
    tight = HedgePolicy(basis_coin=0.5)
    assert _chosen(held, policy=tight, change=0.3) == (JUNE, [Reason.BASIS_LIMIT])
    both = _holding(_book(MARCH), march=60_000)
    assert _chosen(both, policy=tight, change=0.1) == (None, [Reason.BASIS_LIMIT])
    assert _chosen(both, policy=tight, change=-0.1) == (MARCH, [])
    assert _chosen(both, policy=tight) == (MARCH, [])


def _room(made, limit, change):
    """Return the instrument for a change under a limit, and how much of it fits."""
    policy = HedgePolicy(basis_coin=limit)
    hedge, _ = choose_hedge(made, "BTC", NOW, FeeTier(), policy, Task(change))
    assert hedge is not None
    assert abs(hedge.fits(change)) == min(abs(change), hedge.room_coin)
    return hedge.instrument.name, hedge.room_coin


def test_an_unknown_order_counts_towards_its_expiry():
    """It may have filled already."""
    policy, sent = HedgePolicy(basis_coin=1.0), ((MARCH, 60_500.0),)
    made = _book(MARCH, "BTC_USDC-27MAR26", PERPETUAL, kinds=("future", "perpetual"))
    task = {"change": 1.0, "barred": frozenset({MARCH}), "pending": sent}
    assert _chosen(made, **task)[0] == "BTC_USDC-27MAR26"
    found = _chosen(made, policy=policy, **task)
    assert found == (PERPETUAL, [Reason.UNKNOWN_ORDER, Reason.BASIS_LIMIT])


def test_a_spot_pair_hedges_coin_for_coin_without_funding():
    """No market of ours lists one; the choice takes it all the same, paid in full."""
    rules = UnderlyingRules("BTC", Numeraire.USD, "exclude", ("perpetual", "spot"))
    made = Book([rules])
    made.apply(InstrumentsListed(NOW, "BTC", (parse(PERPETUAL), SPOT)))
    _quoted(made, (SPOT.name,), NOW)
    _wide(made, PERPETUAL, 0.5, funding_8h=2e-3)
    made.see_balances([Balance("BTC", 5.0, 5.0, 0.0, 0.0), Balance("USD", 1e5, 1e5, 0.0, 0.0)])
    assert _chosen(made, change=1.0)[0] == SPOT.name
    assert _chosen(made, change=-1.0)[0] == PERPETUAL
    paid = {o.instrument.name: o.cost.margin for o in _offers(made, change=1.0, policy=FINANCED)}
    assert paid[SPOT.name] == pytest.approx(50.0 * paid[PERPETUAL])


FINANCED = HedgePolicy(financing_rate=0.05)
NAMES = (PERPETUAL, LINEAR, *FUTURES)
DRAWN = st.fixed_dictionaries(
    {
        "half": st.floats(-1.0, 30.0),
        "age_s": st.integers(0, 20),
        "basis": st.floats(-0.02, 0.02),
        "size": st.floats(0.0, 1e5),
        "funding_8h": st.floats(-1e-3, 1e-3),
        "broken": st.sampled_from((None, None, None, "bid", "ask")),
    }
)


def _drawn_book(drawn, names=NAMES):
    """Return a book of these quotes, some of them stale, crossed or one-sided."""
    made = Book([UnderlyingRules("BTC", Numeraire.USD, "exclude", BOTH)])
    made.apply(InstrumentsListed(NOW, "BTC", tuple(parse(name) for name in names)))
    for name in names:
        how = drawn[name]
        mark, at_ns = 60_000.0 * (1.0 + how["basis"]), NOW - how["age_s"] * NS_PER_S
        sides = {"bid": mark - how["half"], "ask": mark + how["half"]}
        if how["broken"]:
            sides[how["broken"]] = math.nan
        sizes = {"bid_size": how["size"], "ask_size": how["size"]}
        said = quote(name, mark=mark, funding_8h=how["funding_8h"], **sides, **sizes)
        made.apply(replace(said, ts_ns=at_ns, ts_venue_ns=at_ns))
    return made


@given(
    drawn=st.fixed_dictionaries(dict.fromkeys(NAMES, DRAWN)),
    change=st.floats(-5.0, 5.0),
    last=st.sampled_from(("", *NAMES)),
    barred=st.sets(st.sampled_from(NAMES)),
    order=st.permutations(NAMES),
)
def test_only_what_may_be_trusted_is_used_and_the_listing_decides_ties_alone(
    drawn, change, last, barred, order
):
    """Fresh, two-sided, not barred, not ending, and no dearer than the best but by the margin."""
    task = {"change": change, "last": last, "barred": frozenset(barred)}
    name, doubts = _chosen(_drawn_book(drawn), **task)
    found = _offers(_drawn_book(drawn), **task)
    costs = {o.instrument.name: o.cost.all_in for o in found if o.why_not is None}
    if name is None:
        assert (costs, doubts == []) == ({}, False)
        return
    how = drawn[name]
    limit_s = 2 if "PERPETUAL" in name else 15
    assert how["age_s"] <= limit_s
    assert how["half"] > 0.0
    assert (how["broken"], name in barred, name == FUTURES[0]) == (None, False, False)
    assert costs[name] <= min(costs.values()) + (6.0 + 1e-9) * (name == last)
    ranked = sorted(costs.values())
    assume(all(high - low > 1e-9 for low, high in pairwise(ranked)))
    assert _chosen(_drawn_book(drawn, order), **task)[0] == name


@given(
    drawn=st.fixed_dictionaries(dict.fromkeys(NAMES, DRAWN)),
    change=st.floats(-5.0, 5.0),
    last=st.sampled_from(("", *NAMES)),
    policy=st.sampled_from((HedgePolicy(), HedgePolicy(switch_bps=20.0), FINANCED)),
    dollars=st.sampled_from((0.0, 1e5)),
)
def test_a_choice_is_what_the_offers_say_one_by_one(drawn, change, last, policy, dollars):
    """Searched again from the outside: the one that is used, the next one's cost and the reason."""
    made = _drawn_book(drawn)
    made.see_balances([Balance("BTC", 5.0, 5.0, 0.0, 0.0), Balance("USD", dollars, dollars, 0, 0)])
    task = Task(change, last)
    found = offers(made, "BTC", NOW, FeeTier(), policy, task)
    usable = [one for one in found if one.why_not is None]
    usable = [one for one in usable if one.funded] or usable
    hedge = choose(found, policy, task)
    assert (hedge is None) is (not usable)
    if hedge is None:
        return
    costs = {one.instrument.name: one.cost.all_in for one in usable if one.cost is not None}
    least = min(costs.values())
    used = next(name for name, cost in costs.items() if cost == least)
    index = made.coins["BTC"].market.quotes[used].index
    kept = last in costs and costs[last] <= least + policy.switch_bps * 1e-4 * index
    used = last if kept else used
    dearer = kept and costs[last] > least
    others = [cost for name, cost in costs.items() if name != used]
    assert hedge.instrument.name == used
    assert hedge.because.reason is (Reason.NOT_WORTH_SWITCHING if dearer else Reason.CHEAPEST)
    figures = {"usd_per_coin": costs[used]}
    figures |= {"next_usd_per_coin": min(others)} if others else {}
    assert dict(hedge.because.numbers) == figures
    assert hedge.next_usd == min(others) if others else math.isnan(hedge.next_usd)


def test_nothing_is_chosen_from_nothing():
    """The pure function alone."""
    assert choose((), HedgePolicy(), Task()) is None
