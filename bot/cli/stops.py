"""What asks a verb to end in order: SIGINT, SIGTERM, and SIGHUP of a terminal that closes.

Who starts a program with SIGHUP ignored, as nohup does, wants it to outlive the terminal: it does.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType, MappingProxyType
from typing import Final

_NONE: Final[Mapping[signal.Signals, Callable[[], object]]] = MappingProxyType({})


def stops() -> tuple[signal.Signals, ...]:
    """Return the signals by which this process is asked to end."""
    hung_up = getattr(signal, "SIGHUP", None)  # Windows has none
    if hung_up is None or signal.getsignal(hung_up) is signal.SIG_IGN:
        return (signal.SIGINT, signal.SIGTERM)
    return (signal.SIGINT, signal.SIGTERM, hung_up)


def on_stop(do: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
    """Have `do` called for each of them, before a loop listens or after it has ended."""
    for number in stops():
        signal.signal(number, do)


def listen(
    do: Callable[[], object], also: Mapping[signal.Signals, Callable[[], object]] = _NONE
) -> tuple[signal.Signals, ...]:
    """Have the running loop call `do` for each of them, and what `also` says for others.

    Returns what is listened for.
    """
    heard = {**also, **dict.fromkeys(stops(), do)}
    for number, call in heard.items():
        asyncio.get_running_loop().add_signal_handler(number, call)
    return tuple(heard)


@contextmanager
def cut_short_by_stop(do: Callable[[], object]) -> Iterator[None]:
    """Have a further request to end call `do`, for as long as this context lasts."""
    before = {number: signal.getsignal(number) for number in stops()}

    def cut(_number: int, _frame: FrameType | None) -> None:
        do()

    on_stop(cut)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def listening(
    do: Callable[[], object], also: Mapping[signal.Signals, Callable[[], object]] = _NONE
) -> Iterator[None]:
    """Listen as `listen` does, and ignore these signals afterwards.

    What comes after the loop (summary, journal) must not be cut short by a repeated request.
    """
    heard = listen(do, also)
    try:
        yield
    finally:
        for number in heard:
            asyncio.get_running_loop().remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN)
