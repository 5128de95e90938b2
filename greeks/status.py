"""What comes of inverting one price."""

from enum import IntEnum

__all__ = ["Status"]


class Status(IntEnum):
    """What came of one element."""

    SOLVED = 0  # vol reproduces the price
    AT_INTRINSIC = 1  # vol is 0.0: the price is the discounted intrinsic value within rounding
    BELOW_INTRINSIC = 2  # vol is NaN, as in all that follow
    ABOVE_BOUND = 3  # a call is worth less than the discounted forward, a put less than the strike
    NO_TIME = 4  # years = 0 and a price above intrinsic
    INVALID = 5  # not finite, not positive where it must be, or is_call neither 0 nor 1
