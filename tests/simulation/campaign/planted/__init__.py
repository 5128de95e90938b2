"""Bugs that a programmer could have written into the bot, each to be caught by some monitor."""

from tests.simulation.campaign.planted import booking, data, orders, recovery, sizing, words
from tests.simulation.campaign.planted.plant import CATALOGUE, Mutant

__all__ = ["CATALOGUE", "Mutant", "booking", "data", "orders", "recovery", "sizing", "words"]
