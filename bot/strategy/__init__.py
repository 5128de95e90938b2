"""What we want: bands, delta plan, settlement unwind, gamma plan, choice of instrument.

Pure decisions over exposures. A plan says what to trade and why, never whether it is allowed
(`risk`) nor how it is sent (`execution`).
"""

__all__: list[str] = []
