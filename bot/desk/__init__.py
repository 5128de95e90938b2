"""One desk per underlying: it runs the five questions in order and remembers what is under way.

The rooms `strategy`, `risk` and `execution` are pure functions and small states that do not know
each other; a desk brings them together for one coin. Everything that desks share stands on the
`floor`.
"""

__all__: list[str] = []
