"""What the schema refuses and what it derives, without any layer around it."""

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from config.schema import Delta, PaperPosition, Settings
from config.schema.instrument import coin_of

BTC = {
    "numeraire": "usd",
    "collateral_delta": "exclude",
    "delta": {"upper": 0.1, "lower": -0.1},
}
ROW = {"instrument": "BTC-30JAN26-90000-C", "quantity": -1.0}

small = st.decimals(min_value="0.001", max_value="1000", places=3).map(float)


def settings(**sections):
    """Build settings with one plain BTC underlying."""
    return Settings.model_validate({"underlying": {"BTC": BTC}} | sections)


def test_gamma_trades_by_itself_in_paper_only():
    """Where no money is at stake the default action is auto; elsewhere it is propose."""
    assert settings().underlying["BTC"].gamma.action == "auto"
    live = settings(mode="live", market="venue")
    assert live.underlying["BTC"].gamma.action == "propose"


def test_a_gamma_action_that_is_set_stays():
    """The default for paper does not override its owner."""
    book = {"BTC": BTC | {"gamma": {"lower": -0.25, "action": "off"}}}
    assert settings(underlying=book).underlying["BTC"].gamma.action == "off"


@pytest.mark.parametrize("mode", ["sandbox", "live"])
@pytest.mark.parametrize(
    "sections, expected",
    [
        ({}, 'market: expected "venue" because mode is'),
        ({"market": "venue", "paper": {"position": [ROW]}}, "paper.position: expected none"),
        ({"market": "venue", "paper": {"scale": 10.0}}, "paper.scale: expected 1"),
        (
            {"market": "venue", "underlying": {"BTC": BTC | {"gamma": {"action": "auto"}}}},
            "gamma.budget_usd_per_day: expected a daily budget",
        ),
    ],
)
def test_real_modes_refuse_what_belongs_to_paper(mode, sections, expected):
    """A simulated market, paper positions or unlimited automatic trades never meet real orders."""
    with pytest.raises(ValidationError, match=expected):
        settings(mode=mode, **sections)


@given(target=small, above=small, below=small, share=st.floats(0.01, 1.0))
def test_a_policy_band_inside_the_owners_is_taken(target, above, below, share):
    """Any half width up to the narrower side fits."""
    upper, lower = target + above, target - below
    width = share * min(upper - target, target - lower)
    policy = {"kind": "fixed", "width_coin": width}
    band = Delta.model_validate(
        {"target": target, "upper": upper, "lower": lower, "policy": policy}
    )
    assert band.width_coin == width


@given(target=small, above=small, below=small, over=st.floats(1.001, 100.0))
def test_a_policy_band_wider_than_the_owners_is_refused(target, above, below, over):
    """One step beyond the narrower side is too wide."""
    upper, lower = target + above, target - below
    policy = {"kind": "fixed", "width_coin": over * min(upper - target, target - lower)}
    with pytest.raises(ValidationError, match=r"policy\.width_coin: expected at most"):
        Delta.model_validate({"target": target, "upper": upper, "lower": lower, "policy": policy})


@given(levels=st.tuples(*[st.floats(-1e6, 1e6)] * 3))
def test_thresholds_stand_on_their_own_side_of_the_target(levels):
    """A band is taken exactly when lower < target < upper, with room for an order between them."""
    lower, target, upper = levels
    values = {"lower": lower, "target": target, "upper": upper}
    if min(upper - target, target - lower) >= 1e-6:
        assert Delta.model_validate(values).upper == upper
    else:
        with pytest.raises(ValidationError, match="the target"):
            Delta.model_validate(values)


def test_the_policy_band_is_a_share_of_the_narrower_side():
    """Without a width it is 0.35 of the distance to the nearer threshold."""
    band = Delta.model_validate({"target": 1.0, "upper": 1.2, "lower": 0.5})
    assert band.width_coin == pytest.approx(0.35 * 0.2, rel=1e-12)


@given(scale=st.integers(1, 1000), quantity=st.decimals("0.1", "1000", places=1))
def test_scaling_is_exact_in_decimal(scale, quantity):
    """Positions, collateral, bands and caps are multiplied as they are written, once."""
    book = settings(
        limits={"order_usd": 2500.1, "orders_per_min": 30},
        paper={
            "scale": float(scale),
            "position": [ROW | {"quantity": -quantity}],
            "collateral": {"BTC": 0.3},
        },
    )
    grown = book.scaled()
    assert grown.paper.position[0].quantity == -quantity * scale
    assert grown.paper.collateral == {"BTC": float(Decimal("0.3") * scale)}
    assert grown.underlying["BTC"].delta.upper == float(Decimal("0.1") * scale)
    assert grown.limits.order_usd == float(Decimal("2500.1") * scale)
    assert grown.limits.orders_per_min == 30
    assert grown.scaled() == grown


def test_scaling_leaves_words_prices_and_rates_alone():
    """Only what measures the book's size grows."""
    book = settings(paper={"scale": 10.0}, sim={"latency_ms": 40.0}).scaled()
    one = book.underlying["BTC"]
    assert (one.collateral_delta, one.delta.ratio, one.gamma.aim_share) == ("exclude", 1.0, 0.65)
    assert (one.delta.policy.ticket_usd, book.sim.latency_ms) == (1.0, 40.0)
    assert book.limits.collar_bps == 50.0


def test_a_number_of_collateral_coins_grows_with_the_book():
    """Two coins counted as delta are twenty at scale ten."""
    book = settings(
        underlying={"BTC": BTC | {"collateral_delta": 2}}, paper={"scale": 10.0}
    ).scaled()
    assert book.underlying["BTC"].collateral_delta == 20.0


@pytest.mark.parametrize(
    "name, coin",
    [
        ("BTC-PERPETUAL", "BTC"),
        ("BTC-5JAN26", "BTC"),
        ("ETH-30JAN26-3150-P", "ETH"),
        ("SOL_USDC-PERPETUAL", "SOL"),
        ("XRP_USDC-30JAN26-2d15-C", "XRP"),
    ],
)
def test_names_of_the_exchange_are_read(name, coin):
    """Perpetuals, futures and options, coin- or stablecoin-settled."""
    assert coin_of(name) == coin


@pytest.mark.parametrize(
    "name",
    [
        "",
        "BTC",
        "btc-30JAN26-90000-C",
        "BTC-05JAN26-90000-C",
        "BTC-31FEB26",
        "BTC-30JAX26",
        "BTC-30JAN26-0-C",
        "BTC-30JAN26-90000-X",
        "BTC-30JAN26-90000-C ",
        "BTC-30JAN26-90000-C\n",
        "BTC/USD:BTC-260130-90000-C",
    ],
)
def test_other_names_are_refused(name):
    """A name the exchange cannot have never reaches a book."""
    with pytest.raises(ValueError, match="expected an instrument such as"):
        coin_of(name)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, Decimal("NaN"), Decimal("sNaN")])
def test_no_infinite_number_is_a_quantity(value):
    """NaN and infinity stop at the door."""
    with pytest.raises(ValidationError):
        PaperPosition.model_validate(ROW | {"quantity": value})


def test_a_quantity_is_what_was_written():
    """0.1 is one tenth and not a binary fraction."""
    assert PaperPosition.model_validate(ROW | {"quantity": 0.1}).quantity == Decimal("0.1")


def test_settings_are_frozen():
    """What was validated cannot change afterwards."""
    with pytest.raises(ValidationError, match="frozen"):
        settings().mode = "live"


def test_dollars_are_counted_in_one_coin_book_at_most():
    """The account's dollars are one sum: included in two books they would be hedged twice."""
    book = {"numeraire": "coin", "collateral_delta": "include"}
    band = {"target": 0.0, "upper": 1.0, "lower": -1.0}
    with pytest.raises(ValidationError, match="in one coin book at most"):
        Settings(underlying={"BTC": {**book, "delta": band}, "ETH": {**book, "delta": band}})


@pytest.mark.parametrize("name", ["BTC_USDC", "BTC-SOMETHING-NEW", "BTC-27MAR26-100000-C"])
def test_anything_that_the_venue_holds_can_be_excluded(name):
    """Spot and products that have no grammar here must not stand in a book's way."""
    band = {"target": 0.0, "upper": 1.0, "lower": -1.0}
    book = {"numeraire": "usd", "collateral_delta": "exclude", "delta": band}
    settings = Settings(underlying={"BTC": {**book, "scope": {"exclude": [name]}}})
    assert settings.underlying["BTC"].scope.exclude == (name,)


def test_hedge_costs_default_to_what_changes_nothing_and_scale_with_the_book():
    """Taker fees, no cap and no limit; amounts grow, rates and shares do not."""
    plain = settings().underlying["BTC"].hedge
    assert (plain.maker_share, plain.financing_rate) == (0.0, 0.0)
    assert (plain.carry_cap_usd_day, plain.basis_coin) == (None, None)
    set_to = {"carry_cap_usd_day": 50.0, "basis_coin": 0.3, "switch_bps": 2.0}
    grown = settings(underlying={"BTC": BTC | {"hedge": set_to}}, paper={"scale": 10.0}).scaled()
    found = grown.underlying["BTC"].hedge
    assert (found.carry_cap_usd_day, found.basis_coin, found.switch_bps) == (500.0, 3.0, 2.0)


def _delta(**more):
    return Delta.model_validate({"upper": 0.1, "lower": -0.1} | more)


@pytest.mark.parametrize(
    "policy,expected",
    [
        ({"aversion": 1.0, "cost_usd_day": 5.0}, "cost_usd_day: expected one knob, and aversion"),
        ({"kind": "fixed", "aversion": 1.0}, "aversion: expected none because kind is fixed"),
        ({"kind": "fixed", "most_share": 0.5}, "most_share: expected none because kind is fixed"),
        (
            {"kind": "bps", "width_bps": 50.0, "follow_funding": True},
            "follow_funding: expected none because kind is bps and this is whalley_wilmott's",
        ),
        ({"kind": "fixed", "follow_funding": False}, "expected none because kind is fixed"),
        ({"most_share": 1.1}, "less than or equal to 1"),
        ({"kind": "bps"}, "width_bps: expected a width because kind is bps"),
        ({"aversion": 0.0}, "greater than 0"),
    ],
)
def test_a_policy_refuses_what_is_not_its_own(policy, expected):
    """One knob at most, and only parameters of its kind."""
    with pytest.raises(ValidationError, match=expected):
        _delta(policy=policy)


@pytest.mark.parametrize(
    "changes,expected",
    [
        ({"at": "2026-12-10T13:30:00"}, "time"),
        ({"at": "soon"}, "at"),
        ({"width_factor": 0.0}, "greater than 0"),
        ({"every": "day", "before_min": 1_000.0, "after_min": 440.0}, "1440 minutes"),
        ({"name": ""}, "name"),
    ],
)
def test_an_event_that_cannot_be_kept_is_refused(changes, expected):
    """Without a zone, a width or an end before it comes again."""
    event = {"name": "release", "at": "2026-12-10T13:30:00Z", "width_factor": 0.5}
    assert _delta(event=[event]).event[0].every == "once"
    with pytest.raises(ValidationError, match=expected):
        _delta(event=[event | changes])


def test_whose_delta_is_the_models_unless_it_is_set():
    """Nothing else runs beside it, and volatility stays with its strike."""
    one = settings().underlying["BTC"].delta
    assert (one.greeks, one.skew_stickiness) == ("model", 1.0)
    assert (one.shadow, one.shadow_skew_stickiness) == ("none", 1.8)


@pytest.mark.parametrize(
    "wrong",
    [{"greeks": "none"}, {"shadow": "mine"}, {"skew_stickiness": 5.1}, {"skew_stickiness": -2.1}],
)
def test_a_delta_that_nobody_knows_is_refused(wrong):
    """And a ratio that no market has."""
    with pytest.raises(ValidationError):
        settings(underlying={"BTC": BTC | {"delta": BTC["delta"] | wrong}})


@pytest.mark.parametrize("listen", ["127.0.0.1:9464", "[::1]:9464", "localhost:0", "127.8.8.8:1"])
def test_figures_are_served_to_this_machine(listen):
    """Any of its addresses that nobody else can reach."""
    assert settings(metrics={"listen": listen}).metrics.listen == listen


@pytest.mark.parametrize(
    "listen", ["0.0.0.0:9464", "[::]:9464", "10.0.0.5:9464", "desk.example:80"]
)
def test_figures_beyond_this_machine_are_meant_or_refused(listen):
    """They show the book, without a password."""
    with pytest.raises(ValidationError, match="an address of this machine alone"):
        settings(metrics={"listen": listen})
    meant = settings(metrics={"listen": listen, "beyond_loopback": True})
    assert meant.metrics.listen == listen
