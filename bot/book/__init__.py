"""What we know and what it means: quotes, positions and money, measured as exposure.

The room folds events into state and turns state into figures. It wants nothing, allows nothing and
sends nothing; strategy, risk and execution stand on it and never on each other.
"""

__all__: list[str] = []
