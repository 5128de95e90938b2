"""The judge of a paper run: how well the bands were held, and what hedging earned and cost."""

from bot.lab.scorecard.promise import Promise
from bot.lab.scorecard.scorecard import Scorecard

__all__ = ["Promise", "Scorecard"]
