"""Bands of delta and gamma, and the destination between edge and target."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.strategy.bands import Band, GammaBand, inner_share

levels = st.floats(-100.0, 100.0)


@pytest.mark.parametrize(
    "levels_", [(0.1, 0.0, 0.2), (-0.1, 0.2, 0.1), (0.0, 0.0, 0.1), (-0.1, 0.1, 0.1)]
)
def test_a_band_out_of_order_is_refused(levels_):
    """The message shows what was expected and found."""
    with pytest.raises(ValueError, match=r"expected lower < target < upper, found"):
        Band(*levels_)


@pytest.mark.parametrize(
    "low,high,inside",
    [
        (0.0, None, True),
        (0.1, None, True),
        (0.1001, None, False),
        (-0.2, 0.1, True),
        (-0.21, 0.0, False),
        (0.0, 0.11, False),
    ],
)
def test_a_band_holds_an_interval_only_as_a_whole(low, high, inside):
    """The edges belong to the band."""
    assert Band(-0.2, 0.0, 0.1).holds(low, high) is inside


@given(levels, st.floats(1e-3, 50.0), st.floats(1e-3, 50.0), st.floats(1e-6, 200.0))
def test_a_policy_band_never_leaves_the_owners(target, above, below, half_width):
    """However wide the policy, the promise is kept."""
    owner = Band(target - below, target, target + above)
    policy = owner.inside(half_width)
    assert owner.holds(policy.lower, policy.upper)
    assert policy.target == target


@pytest.mark.parametrize("ticket,width,rho", [(0.0005, 0.06084, 0.374), (0.005, 0.08945, 0.141)])
def test_the_inner_destination_has_the_worked_examples_values(ticket, width, rho):
    """At 100 USD and 5 bp the ticket's optimum lies at .374 and .141 of the half-width."""
    assert inner_share(ticket, 0.05, width) == pytest.approx(rho, abs=6e-4)


@given(st.floats(1e-6, 1e4), st.floats(1e-3, 1e3), st.floats(1e-4, 1e2))
def test_the_inner_destination_solves_its_equation(ticket, cost, width):
    """(1 - rho)^3 = 4 rho phi, between target and edge."""
    rho = inner_share(ticket, cost, width)
    phi = ticket / (cost * width)
    assert 0.0 <= rho <= 1.0
    assert (1.0 - rho) ** 3 == pytest.approx(4.0 * rho * phi, abs=1e-9 * (1.0 + phi))


def test_a_free_ticket_goes_to_the_edge_and_a_free_coin_to_the_target():
    """The two limits of the cost structure."""
    assert inner_share(0.0, 30.0, 0.1) == 1.0
    assert inner_share(5.0, 0.0, 0.1) == 0.0
    assert inner_share(1e9, 30.0, 0.1) < 1e-6


@given(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3), st.floats(1.01, 10.0))
def test_a_dearer_ticket_never_trades_less_far(ticket, cost, factor):
    """The destination falls as tickets cost more."""
    assert inner_share(ticket * factor, cost, 0.1) <= inner_share(ticket, cost, 0.1)


@pytest.mark.parametrize(
    "lower,upper,gamma,aim",
    [
        (-0.25, None, -0.40, -0.1625),
        (None, 0.25, 0.40, 0.1625),
        (0.0, None, -0.1, 0.0),
        (0.20, None, 0.10, 0.27),
        (None, -0.20, -0.10, -0.27),
        (0.20, 0.24, 0.10, 0.22),
        (-0.25, 0.25, 0.10, 0.10),
    ],
)
def test_a_correction_aims_inside_the_limit_that_was_passed(lower, upper, gamma, aim):
    """Towards zero from a limit, or beyond one on the far side of it, never out again."""
    assert GammaBand(lower, upper).aim(gamma, 0.65) == pytest.approx(aim)


@given(st.none() | levels, st.none() | levels, levels, st.floats(0.05, 1.0))
def test_a_correction_ends_inside_the_limits(lower, upper, gamma, share):
    """After a correction nothing is missing any more; what is inside is left alone."""
    assume(lower is None or upper is None or lower < upper)
    band = GammaBand(lower, upper)
    missing, aim = band.shortfall(gamma), band.aim(gamma, share)
    assert band.shortfall(aim) == pytest.approx(0.0, abs=1e-9)
    assert (missing != 0.0) == (aim != gamma)
    assert missing * (aim - gamma) >= 0.0
