"""Options traded against short gamma on recorded chains: our optimiser beside the nearest option.

market (what was quoted and what options are worth) → weeks (books) → methods → walk → trips.
"""
