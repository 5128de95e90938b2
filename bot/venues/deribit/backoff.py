"""How long to wait before the next dial: sooner after an accident, later the longer it goes wrong.

The pauses are fixed, without chance: one connection of one bot needs no scattering, and the same
faults lead to the same times.
"""

from __future__ import annotations

from typing import Final

LONGEST_S: Final = 5.0  # the market does not wait
MENDING_S: Final = 30.0
FLAPPING_S: Final = 2.0
REFUSED_S: Final = 1.0


class Backoff:
    """Pauses between dials, in seconds, beginning with `first_s`.

    A pause doubles from one attempt to the next: up to 5 s while no connection comes about, and up
    to 2 s while connections end soon after they were ready. What we ourselves refuse
    (a key with other rights, the wrong system) does not mend within moments: it waits for a second
    at least, and up to half a minute.
    """

    def __init__(self, first_s: float) -> None:
        self._first_s = self._next_s = first_s

    def after(self, *, ready: bool, sound: bool, refused: bool) -> float:
        """Return the pause after a connection that was `ready` or not, and `sound` (long enough).

        `refused` tells that we gave it up for what it was.
        """
        if sound:
            self._next_s = self._first_s
        pause_s = max(self._next_s, REFUSED_S) if refused else self._next_s
        longest_s = MENDING_S if refused else FLAPPING_S if ready else LONGEST_S
        self._next_s = min(2.0 * pause_s, longest_s)
        return min(pause_s, longest_s)
