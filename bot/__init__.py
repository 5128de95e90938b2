"""deltaband: a daemon that keeps a book of crypto options inside its delta and gamma bands.

The rooms answer five questions in order: what do we know (`book`), what does it mean
(`book.measure`), what do we want (`strategy`), what do we allow (`risk`), how do we get it
(`execution`). `core` strings them together without touching the world; `engine` is the loop that
does.
"""

__all__: list[str] = []
