"""The exchange that we own: markets that move, and the matching engine that trades on them.

`market` generates prices, `replay` plays recorded ones, `exchange` matches, charges, funds, settles
and margins. All of it is pure: time and randomness are handed in, and the same seed gives the same
day. It is no test double: paper trading, rehearsals and simulations run against this same exchange.
"""

__all__: list[str] = []
