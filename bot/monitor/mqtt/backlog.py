"""What waits for a broker: the newest events, as many as there is room for."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class Backlog(Generic[T]):
    """A queue that drops its oldest; `dropped` counts them."""

    def __init__(self, room: int) -> None:
        self.dropped = 0
        self._room = room
        self._waiting: deque[T] = deque()

    def add(self, items: Iterable[T]) -> None:
        """Put items at the end."""
        self._waiting.extend(items)
        self._bound()

    def take(self, most: int) -> list[T]:
        """Take the oldest."""
        return [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]

    def put_back(self, items: Sequence[T]) -> None:
        """Put what was taken, and could not be told, in front again."""
        self._waiting.extendleft(reversed(items))
        self._bound()

    def __len__(self) -> int:
        return len(self._waiting)

    def _bound(self) -> None:
        while len(self._waiting) > self._room:
            self._waiting.popleft()
            self.dropped += 1
