"""What we allow: caps that scale with the book, the gate of named checks, states.

Fail-closed never means unhedged: an order that is proven to reduce worst-case |delta| passes where
everything else is held, on a reserved order budget and a wider collar. Nothing here sends, rounds
or prices.
"""

__all__: list[str] = []
