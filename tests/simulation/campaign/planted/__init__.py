"""Bugs that a programmer could have written into the bot, each to be caught by some monitor."""

from importlib import import_module

from tests.simulation.campaign.planted.plant import CATALOGUE, Ground, Mutant

for _room in ("booking", "data", "orders", "recovery", "sizing", "words"):
    import_module(f"{__name__}.{_room}")  # which puts its bugs into the catalogue

__all__ = ["CATALOGUE", "Ground", "Mutant"]
