"""Needs, candidates and holdings made into plans, in one line."""

from bot.strategy.bands import GammaBand
from bot.strategy.gamma import GammaPolicy
from bot.strategy.options.plan import plan_of
from bot.strategy.options.problem import Means, problem
from bot.strategy.options.rows import gamma_need
from bot.strategy.options.solve import solve
from tests.builders.books import NOW
from tests.builders.exposures import candidate, exposure

POLICY = GammaPolicy(GammaBand(lower=-0.25), GammaBand(), action="auto")
CHEAP = candidate("BTC-4FEB26-60000-C", cost_usd=5.0)
DEAR = candidate("BTC-4FEB26-62000-C", cost_usd=20.0)


def asked(seen, offered, held=None, policy=POLICY, means=None, shocks=None, vegas=None):
    """Return the program of an exposure."""
    need = gamma_need(seen, policy, shocks, vegas)
    return need, problem("BTC", NOW, need, offered, held or {}, policy, means or Means())


def planned(seen, offered, held=None, policy=POLICY, means=None, shocks=None, vegas=None):
    """Return the plan of an exposure."""
    need, program = asked(seen, offered, held, policy, means, shocks, vegas)
    return plan_of(program, solve(program), need, offered, held or {}, policy, shocks)


def short(missing, **more):
    """Return an exposure that misses so much gamma from the inner band of -0.1625."""
    return exposure(gamma=-0.1625 - missing, **more)


def legs(plan):
    """Return signed quantities by name."""
    return {t.candidate.name: t.quantity for t in plan.trades}
