"""Programs solved beside the loop: a process of its own, kept warm, that can be stopped."""

from bot.venues.solver.process import Solver

__all__ = ["Solver"]
