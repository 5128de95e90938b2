"""Who may see the page: the names that a browser may call us by, and the word that it must know.

Only addresses, this machine's own names and those of the settings pass (see `hosts`). The word is
given once; the cookie that stands for it is derived from it, so that it outlives a restart
of ours and ends when the word is changed. Wrong words are counted, and soon not heard any more.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Final

from bot.monitor.hosts import LOCAL, names_us

COOKIE: Final = "deltaband"
TRIES: Final = 5
FORGET_S: Final = 60.0
ALL_TRIES: Final = 50
PEERS: Final = 1_000


class Access:
    """Judges the name that a request was made to, and the word that it brought."""

    def __init__(
        self,
        token: str | None,
        hosts: Iterable[str] = (),
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Ask for `token` where there is one; `hosts` are names beside addresses and localhost."""
        self._token = None if token is None else token.encode()
        self._hosts = {LOCAL, *(host.lower().rstrip(".") for host in hosts)}
        self._clock_s = clock_s
        self._wrong: OrderedDict[str, list[float]] = OrderedDict()

    @property
    def open(self) -> bool:
        """Tell whether nobody is asked for anything: only where nobody else can connect."""
        return self._token is None

    def named(self, host: str | None) -> bool:
        """Tell whether a Host header names us."""
        return names_us(host, self._hosts)

    def cookie(self) -> str:
        """Return what a browser brings back once it has given the word."""
        return hmac.new(self._token or b"", b"deltaband dashboard 1", hashlib.sha256).hexdigest()

    def knows(self, cookie: str | None) -> bool:
        """Tell whether a cookie stands for the word."""
        if self.open:
            return True
        return hmac.compare_digest((cookie or "").encode(), self.cookie().encode())

    def try_word(self, peer: str, word: str) -> bool | None:
        """Tell whether a peer's word is right; None where too many were wrong to hear another."""
        now_s = self._clock_s()
        for other in [p for p, times in self._wrong.items() if now_s - times[-1] > FORGET_S]:
            del self._wrong[other]
        mine = [at for at in self._wrong.get(peer, ()) if now_s - at <= FORGET_S]
        if len(mine) >= TRIES or sum(map(len, self._wrong.values())) >= ALL_TRIES:
            return None
        if self._token is not None and hmac.compare_digest(word.encode(), self._token):
            self._wrong.pop(peer, None)
            return True
        self._wrong[peer] = [*mine, now_s]
        self._wrong.move_to_end(peer)
        while len(self._wrong) > PEERS:
            self._wrong.popitem(last=False)
        return False
