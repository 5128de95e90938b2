"""Writes what a venue shows as a recording that `recording` reads: chains, futures, quality.

    chain_BTC_20260304_120000000.parquet    option rows from that time on (UTC)
    futures_BTC_20260304_120000000.parquet  perpetual and dated futures at the same snapshots
    quality_20260304_115958123.json         what this run saw and missed, renewed with each part

A part holds one coin and never two days. It is kept in memory, written under another name, synced
and then renamed: what lies in the folder is whole, and a kill loses the part under way and no more.
The futures of a part come first, so that no chain is ever without them. Inverse instruments alone
are kept, because prices of chains are in coin; what is not told (sizes of options that the venue
does not stream, a stale future) is NaN or absent. `delta` is computed from forward and volatility.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fcntl import LOCK_EX, LOCK_NB, flock
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson

from bot.domain.errors import BadInputError, DeltabandError
from bot.domain.events import Event, InstrumentsListed
from bot.domain.instruments import Instrument, Kind
from bot.domain.quotes import BoolArray, Chain, FloatArray, IntArray, Quote
from bot.domain.units import NS_PER_S, SECONDS_PER_DAY, iso
from bot.lab import tables
from bot.lab.recording_parts import Part, Shot
from bot.lab.recording_quality import Quality, Why

NS_PER_US: Final = 1_000
DAY_NS: Final = round(SECONDS_PER_DAY) * NS_PER_S


class DiskError(DeltabandError):
    """The disk took no more, or has less left than was to be kept free."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Where to write what; `every_s` and `part_s` are seconds, `keep_free` bytes of the disk.

    `limit_s` tells how old a future's quote may be to belong to a snapshot, in seconds.
    """

    folder: Path
    coins: tuple[str, ...]
    every_s: float
    part_s: float
    keep_free: int
    limit_s: Callable[[Instrument], float]


@dataclass(slots=True)
class _Coin:
    """One coin: what is listed, the newest quotes, and the part under way."""

    quality: Quality
    futures: dict[str, Instrument] = field(default_factory=dict)
    inverse: frozenset[str] = frozenset()
    quotes: dict[str, Quote] = field(default_factory=dict)
    part: Part | None = None
    epoch: int = 0


class Recorder:
    """Takes events, hands out parts that are due, writes them. One recorder to a folder.

    `start` opens the folder, `close` gives it free; in between `see` never touches the disk.
    """

    def __init__(self, plan: Plan, about: dict[str, Any]) -> None:
        """Begin with nothing seen; `about` stands at the head of every report."""
        self.plan, self._about = plan, about
        every_ns = round(plan.every_s * NS_PER_S)
        self._coins: Final = {coin: _Coin(Quality(every_ns)) for coin in plan.coins}
        self._lock: int | None = None
        self._report = ""
        self._written: dict[str, int] = {"files": 0, "bytes": 0}

    def start(self, now_ns: int) -> None:
        """Make and lock the folder and look where an earlier run ended.

        Raises DiskError where there is too little room, BadInputError where another one records.
        """
        tables.require_polars()
        folder = self.plan.folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            flock(self._lock, LOCK_EX | LOCK_NB)
        except BlockingIOError as error:
            self.close()
            msg = f"{folder}: expected no other recorder at work, found one"
            raise BadInputError(msg) from error
        except OSError as error:
            raise _disk(folder, error) from error
        self.check_disk()
        for stale in folder.glob(".*.part"):  # a run that was killed while it wrote
            stale.unlink(missing_ok=True)
        for coin, last_ns in _earlier(folder).items():
            if coin in self._coins:
                self._coins[coin].quality.resumes(last_ns)
        self._report = f"quality_{_stamp(now_ns)}.json"

    def close(self) -> None:
        """Give the folder free."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def check_disk(self) -> None:
        """Raise DiskError where less is left on the disk than is to be kept free."""
        try:
            free = shutil.disk_usage(self.plan.folder).free
        except OSError as error:
            raise _disk(self.plan.folder, error) from error
        if free < self.plan.keep_free:
            expected = f"at least {_size(self.plan.keep_free)} free on the disk"
            raise DiskError(f"{self.plan.folder}: expected {expected}, found {_size(free)}")

    # --- what comes in ----------------------------------------------------------------------------

    def see(self, event: Event, epoch: int) -> None:
        """Take an event of the connection's `epoch`; what is no market data is passed over."""
        match event:
            case InstrumentsListed(coin=name) if name in self._coins:
                _list(self._coins[name], event.instruments)
            case Quote(coin=name) if name in self._coins:
                coin = self._coins[name]
                if event.instrument in coin.futures:
                    coin.quotes[event.instrument] = event
            case Chain() if event.coin in self._coins:
                self._take(self._coins[event.coin], event, epoch)

    def crossed(self, names: Iterable[str]) -> None:
        """Count instruments that the venue showed with a bid at or above the ask."""
        for name in names:
            coin = self._coins.get(name.partition("-")[0])
            if coin is not None:
                coin.quality.crossed += 1

    def _take(self, coin: _Coin, chain: Chain, epoch: int) -> None:
        ts_ns = chain.ts_ns // NS_PER_US * NS_PER_US
        if coin.quality.snapshots and ts_ns <= coin.quality.last_ns:
            coin.quality.backwards += 1
            return
        row = _told(coin, chain)
        if not len(row):
            return
        why = Why.CONNECTION if epoch != coin.epoch else Why.SILENCE
        coin.epoch = epoch
        coin.quality.snapshot(ts_ns, chain.ts_venue_ns, why)
        shot = Shot(ts_ns, chain, row, self._fresh(coin, ts_ns), _by_expiry(coin))
        _count(coin.quality, shot, f"{chain.coin}-PERPETUAL")
        if coin.part is None:
            coin.part = Part(chain.coin)
        coin.part.shots.append(shot)

    def _fresh(self, coin: _Coin, ts_ns: int) -> tuple[Quote, ...]:
        """Return the quotes that are young enough, of what has not expired."""
        return tuple(
            quote
            for name, quote in sorted(coin.quotes.items())
            if ts_ns - quote.ts_ns <= self.plan.limit_s(coin.futures[name]) * NS_PER_S
            and ts_ns < (coin.futures[name].expiry_ns or ts_ns + 1)
        )

    # --- what goes out ----------------------------------------------------------------------------

    def due(self, now_ns: int) -> list[Part]:
        """Take out the parts that are long enough, or of a day that is over."""
        length_ns = round(self.plan.part_s * NS_PER_S)
        return self._taken(
            lambda part: (
                now_ns - part.first_ns >= length_ns or now_ns // DAY_NS > part.first_ns // DAY_NS
            )
        )

    def rest(self) -> list[Part]:
        """Take out every part as far as it has come."""
        return self._taken(lambda _part: True)

    def _taken(self, due: Callable[[Part], bool]) -> list[Part]:
        parts: list[Part] = []
        for coin in self._coins.values():
            if coin.part is not None and due(coin.part):
                parts.extend(coin.part.days(DAY_NS))
                coin.part = None
        return parts

    def save(self, part: Part) -> dict[str, Any]:
        """Write a part and return what it came to; DiskError where the disk takes no more."""
        stamp, size = _stamp(part.first_ns), 0
        frames = (("futures", part.futures()), ("chain", part.chain()))
        for kind, frame in frames:
            if frame.is_empty():
                continue
            buffer = BytesIO()
            frame.write_parquet(buffer, compression="zstd")
            name = f"{kind}_{part.coin}_{stamp}.parquet"
            size += self._write(name, buffer.getvalue())
        self._coins[part.coin].quality.saved_ns = part.shots[-1].ts_ns
        return {
            "coin": part.coin,
            "snapshots": len(part.shots),
            "rows": frames[1][1].height,
            "futures": frames[0][1].height,
            "bytes": size,
        }

    def report(self, now_ns: int) -> dict[str, Any]:
        """Return the quality report of this run so far."""
        coins = {name: coin.quality.report(now_ns) for name, coin in self._coins.items()}
        return self._about | {"until": iso(now_ns), "written": self._written, "coins": coins}

    def save_report(self, now_ns: int) -> None:
        """Write the quality report of this run, in place of the one before."""
        text = orjson.dumps(self.report(now_ns), option=orjson.OPT_INDENT_2)
        self._write(self._report, text, counted=False)

    def _write(self, name: str, content: bytes, *, counted: bool = True) -> int:
        """Bring a whole file to the disk under its name, or nothing."""
        path, draft = self.plan.folder / name, self.plan.folder / f".{name}.part"
        try:
            with draft.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
            if self._lock is not None:
                os.fsync(self._lock)  # the name, too
        except OSError as error:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            raise _disk(path, error) from error
        if counted:
            self._written["files"] += 1
            self._written["bytes"] += len(content)
        return len(content)


def _list(coin: _Coin, instruments: Iterable[Instrument]) -> None:
    """Take over what is listed; of linear contracts nothing is kept."""
    inverse = [one for one in instruments if one.is_inverse]
    coin.inverse = frozenset(one.name for one in inverse)
    coin.futures = {one.name: one for one in inverse if not one.is_option}
    coin.quotes = {name: quote for name, quote in coin.quotes.items() if name in coin.futures}


def _told(coin: _Coin, chain: Chain) -> IntArray:
    """Return the rows of inverse options that the venue told anything about."""
    known = np.isfinite(chain.mark) | np.isfinite(chain.bid) | np.isfinite(chain.ask)
    known &= np.isfinite(chain.forward)
    names = chain.listing.names
    kept = [place for place in np.flatnonzero(known).tolist() if names[place] in coin.inverse]
    return np.array(kept, dtype=np.int64)


def _by_expiry(coin: _Coin) -> dict[int, str]:
    dated = [one for one in coin.futures.values() if one.kind is Kind.FUTURE]
    return {one.expiry_ns: one.name for one in dated if one.expiry_ns is not None}


def _count(quality: Quality, shot: Shot, perpetual: str) -> None:
    chain, row = shot.chain, shot.row
    bid, ask = chain.bid[row], chain.ask[row]
    sized = _sized(bid, chain.bid_size[row]) & _sized(ask, chain.ask_size[row])
    quality.options(bid, ask, sized)
    quality.futures += len(shot.quotes)
    quality.perpetual_missing += all(quote.instrument != perpetual for quote in shot.quotes)


def _sized(price: FloatArray, size: FloatArray) -> BoolArray:
    sized: BoolArray = np.isnan(price) | np.isfinite(size)
    return sized


def _earlier(folder: Path) -> dict[str, int]:
    """Return the last snapshot of each coin that earlier runs say they have written."""
    last: dict[str, int] = {}
    for path in sorted(folder.glob("quality_*.json")):
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            for coin, one in orjson.loads(path.read_bytes())["coins"].items():
                if isinstance(one["saved_ns"], int):
                    last[coin] = max(last.get(coin, 0), one["saved_ns"])
    return last


def _disk(path: Path, error: OSError) -> DiskError:
    return DiskError(f"{path}: expected to write it, found: {error.strerror or error}")


def _stamp(ts_ns: int) -> str:
    moment = datetime.fromtimestamp(ts_ns // NS_PER_S, tz=UTC)
    return f"{moment:%Y%m%d_%H%M%S}{ts_ns // 1_000_000 % 1_000:03d}"


def _size(count: int) -> str:
    return f"{count / 1e6:,.0f} MB"
