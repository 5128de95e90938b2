"""How we get it: rounding to the grid, tactics by how long delta can wait, the life of every order.

One unresolved order per hedge instrument. An order without an answer is UNKNOWN and is only
resolved by what the venue says. There are no retries: a new hedge is a new order from fresh state.
"""

__all__: list[str] = []
