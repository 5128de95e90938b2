"""What holds for every chain, book and policy: limits, lots, holdings, and an end."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.book.exposure import Shocks
from bot.domain.programs import Stage
from bot.strategy.bands import GammaBand
from bot.strategy.gamma import GammaPolicy
from bot.strategy.options.problem import Means, Purse
from tests.builders.exposures import candidate, exposure
from tests.strategy.options.planned import asked, legs, planned

POLICY = GammaPolicy(
    GammaBand(-0.25, 0.25),
    GammaBand(-0.10, 0.10),
    action="auto",
    vega_usd={"from_7d": 1_000.0, "from_30d": 1_500.0},
    shock_loss_usd={-0.1: 10_000.0, 0.1: 10_000.0},
)

chains = st.lists(
    st.builds(
        candidate,
        st.integers(40, 80).map(lambda k: f"BTC-4FEB26-{k}000-C"),
        gamma=st.floats(-0.01, 0.1),
        cost_usd=st.floats(0.1, 100.0),
        delta=st.floats(-1.0, 1.0),
        days=st.floats(0.1, 90.0),
        vega_usd=st.floats(0.0, 200.0),
        ask_size=st.floats(0.0, 30.0),
        bid_size=st.floats(0.0, 30.0),
        spread_vol=st.floats(0.0, 0.2),
        lot=st.sampled_from([0.1, 1.0]),
        shocks=st.fixed_dictionaries(
            {-0.1: st.floats(-500.0, 5_000.0), 0.1: st.floats(-500.0, 5_000.0)}
        ),
    ).map(lambda c: replace(c, expiring=c.days < 1.0)),
    max_size=6,
    unique_by=lambda c: c.name,
).map(tuple)

books = st.fixed_dictionaries(
    {
        "seen": st.builds(
            exposure, gamma=st.floats(-2.0, 2.0), gamma_expiring=st.floats(-0.5, 0.5)
        ),
        "vegas": st.fixed_dictionaries(
            {"7_30d": st.floats(-2_000.0, 2_000.0), "30_90d": st.floats(-2_000.0, 2_000.0)}
        ),
        "shocks": st.fixed_dictionaries(
            {-0.1: st.floats(-20_000.0, 20_000.0), 0.1: st.floats(-20_000.0, 20_000.0)}
        ).map(lambda pnl: Shocks({}, pnl)),
    }
)
sizes = st.lists(st.floats(-9.0, 9.0), min_size=6, max_size=6)


def _held(chain, quantities):
    return {c.name: q for c, q in zip(chain, quantities, strict=False)}


@settings(max_examples=80)
@given(chains, books, sizes, st.floats(0.0, 2_000.0), st.floats(0.0, 2.0))
def test_no_plan_worsens_a_limit_or_exceeds_its_means(chain, book, quantities, budget, funds):
    """Inside stays inside, outside never further out; lots, sizes, legs, money, holdings."""
    held = _held(chain, quantities)
    purse = Purse("BTC", funds, {c.name: c.ask for c in chain})
    means = Means(30.0, 0.3, 5.0, 5.0, 10.0, budget, 40.0, frozenset(), (purse,))
    need, _ = asked(policy=POLICY, offered=chain, held=held, means=means, **book)
    plan = planned(policy=POLICY, offered=chain, held=held, means=means, **book)
    for limit in need.limits:
        row, after = limit.row, plan.after(limit.row)
        slack = 1e-6 * row.scale
        assert min(row.lower, row.now) - slack <= after <= max(row.upper, row.now) + slack
        assert row.missing(after) <= row.missing(row.now) + slack
    assert len(plan.trades) <= POLICY.max_legs
    assert plan.cost_usd <= budget + 1e-3
    assert sum(abs(t.quantity) for t in plan.trades) <= 40.0 + 1e-4
    bought = [t for t in plan.trades if t.quantity > 0.0]
    assert sum(t.quantity * t.candidate.ask for t in bought) <= funds + 1e-6
    assert -5.3 - 1e-6 <= plan.delta <= 5.0 + 1e-6
    for trade in plan.trades:
        option, owned = trade.candidate, held.get(trade.candidate.name, 0.0)
        lots = trade.quantity / option.lot
        assert lots == pytest.approx(round(lots), abs=1e-6)
        shown = option.ask_size if trade.quantity > 0 else option.bid_size
        assert 0.0 < abs(trade.quantity) <= min(shown, 10.0) + 1e-6
        if trade.quantity < 0.0 or option.expiring:
            assert owned * trade.quantity < 0.0
            assert abs(trade.quantity) <= abs(owned) + 1e-6
    if not need.any:
        assert plan.trades == ()


@settings(max_examples=40)
@given(chains, books, sizes)
def test_with_frozen_prices_a_plan_converges_and_then_stops(chain, book, quantities):
    """What was executed is the book: each plan takes from what is missing, a whole one all of it.

    What is shown may be so little that it takes many.
    """
    held, seen = _held(chain, quantities), book["seen"]
    vegas, pnl = dict(book["vegas"]), dict(book["shocks"].pnl_usd)
    for _ in range(12):
        plan = planned(seen, chain, held, POLICY, Means(30.0), Shocks({}, pnl), vegas)
        if not plan.trades:
            break
        rows = [limit.row for limit in plan.need.limits]
        lacked = sum(row.missing(row.now) / row.scale for row in rows)
        assert sum(row.missing(plan.after(row)) / row.scale for row in rows) < lacked
        for trade in plan.trades:
            option, size = trade.candidate, trade.quantity
            held[option.name] = held.get(option.name, 0.0) + size
            soon, later = (size, 0.0) if option.expiring else (0.0, size)
            seen = replace(
                seen,
                gamma=seen.gamma + later * option.gamma,
                gamma_expiring=seen.gamma_expiring + soon * option.gamma,
            )
            tenor = "7_30d" if 7.0 <= option.days < 30.0 else "30_90d"
            if 7.0 <= option.days < 90.0:
                vegas[tenor] += size * option.vega_usd
            for move in pnl:
                pnl[move] += size * option.shock_usd(move)
        if plan.stage in {Stage.ROUNDED, Stage.INTEGER}:
            after = planned(seen, chain, held, POLICY, Means(30.0), Shocks({}, pnl), vegas)
            assert after.trades == ()


@settings(max_examples=40)
@given(chains, books, sizes, st.randoms())
def test_the_order_of_a_chain_changes_no_plan(chain, book, quantities, chance):
    """Nor does that of the holdings."""
    held = _held(chain, quantities)
    mixed = list(chain)
    chance.shuffle(mixed)
    one = planned(policy=POLICY, offered=chain, held=held, **book)
    other = planned(policy=POLICY, offered=tuple(mixed), held=dict(reversed(held.items())), **book)
    assert legs(one) == legs(other)


@settings(max_examples=40)
@given(chains, books, sizes)
def test_another_name_for_the_coin_changes_no_plan(chain, book, quantities):
    """The same figures under other names are the same trades."""
    held = _held(chain, quantities)
    one = planned(policy=POLICY, offered=chain, held=held, **book)
    renamed = {c.name: c.name.replace("BTC", "XRP_USDC") for c in chain}
    other = planned(
        policy=POLICY,
        offered=tuple(replace(c, name=renamed[c.name]) for c in chain),
        held={renamed[name]: size for name, size in held.items()},
        **book,
    )
    assert legs(other) == {renamed[name]: size for name, size in legs(one).items()}
