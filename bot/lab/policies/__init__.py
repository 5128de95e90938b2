"""When to rehedge: the exact answer, rules that come close to it, and a tournament between them.

`exact` solves for the optimal no-trade region of one option by dynamic programming; nothing that
trades imports this room.
"""

from __future__ import annotations

__all__: list[str] = []
