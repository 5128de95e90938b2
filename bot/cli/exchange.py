"""`exchange`: the simulated exchange on a port, for rehearsals and for programs of other people.

Loopback only. The keys that it prints open nothing but itself. SIGINT, SIGTERM and SIGHUP end it.
"""

import asyncio
import signal
import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack, closing
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from bot.cli import say
from bot.cli.exits import Exit, VerbError
from bot.cli.options import AsJson, Seed
from bot.cli.stops import listen, on_stop

if TYPE_CHECKING:
    from bot.domain.positions import Position
    from bot.sim.wire.server import Server
    from bot.sim.wire.state import StateFile

DEFAULT_PORT: Final = 8_880
MOST_COMPRESSED: Final = 1_440
MOST_OFFSET_S: Final = 10 * 365 * 86_400.0


def _position(text: str) -> tuple[str, Decimal]:
    name, mark, size = text.partition("=")
    try:
        quantity = Decimal(size)
    except InvalidOperation:
        quantity = Decimal("nan")
    if mark and name and quantity.is_finite() and quantity:
        return name.upper(), quantity
    raise typer.BadParameter(
        f"expected a position such as BTC-PERPETUAL=-1000, found {text[:40]!r}"
    )


def _offset(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = float("nan")
    if abs(seconds) <= MOST_OFFSET_S:
        return seconds
    raise typer.BadParameter(f"expected seconds such as 2.5 or -30, found {text[:40]!r}")


Port = Annotated[
    int, typer.Option("--port", min=0, max=65_535, help="Port on 127.0.0.1; 0 takes a free one.")
]
RegimeName = Annotated[
    str, typer.Option("--regime", metavar="NAME", help="Market: calm, normal, crash or demo.")
]
Tls = Annotated[
    bool, typer.Option("--tls", help="Serve https and wss with a certificate made for this run.")
]
Compress = Annotated[
    int,
    typer.Option(
        "--compress",
        metavar="N",
        min=1,
        max=MOST_COMPRESSED,
        help="Seconds of prices and trading in each second of the clock.",
    ),
]
ClockOffset = Annotated[
    float,
    typer.Option(
        "--clock-offset",
        parser=_offset,
        metavar="S",
        help="Seconds by which the exchange's clock is ahead.",
    ),
]
Positions = Annotated[
    list[Any] | None,
    typer.Option(
        "--position",
        parser=_position,
        metavar="NAME=QTY",
        help="What the account begins with, signed, in the instrument's unit. Repeatable.",
    ),
]


State = Annotated[
    Path | None,
    typer.Option(
        "--state",
        metavar="FILE",
        dir_okay=False,
        help="Keep account, orders and trades here, and go on with them at the next start"
        " with the same regime, seed and compression.",
    ),
]


def exchange(  # noqa: PLR0917  options of a command line
    port: Port = DEFAULT_PORT,
    regime: RegimeName = "normal",
    seed: Seed = None,
    tls: Tls = False,
    compress: Compress = 1,
    clock_offset: ClockOffset = 0.0,
    position: Positions = None,
    state: State = None,
    as_json: AsJson = False,
) -> int:
    """Serve the simulated exchange in Deribit's protocol on this machine, until Ctrl-C."""
    early: list[int] = []  # signals that come before anything listens for them
    on_stop(lambda number, _frame: early.append(number))
    try:
        from bot.sim.market import REGIMES

        if regime not in REGIMES:
            raise VerbError(
                f"--regime: expected {', '.join(REGIMES)}, found {regime!r}", Exit.USAGE
            )
        held = _held(position or ())
        with ExitStack() as cleanup:
            folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory())) if tls else None
            market = (regime, seed or 0, compress, clock_offset)
            file = None if state is None else cleanup.enter_context(_kept(state))
            server = _server(port, market, held, folder, file)
            asyncio.run(_serve(server, folder, early, as_json=as_json))
    finally:
        on_stop(signal.SIG_IGN)
    return Exit.FINE


def _server(
    port: int,
    market: tuple[str, int, int, float],
    held: "tuple[Position, ...]",
    folder: Path | None,
    file: "StateFile | None",
) -> "Server":
    """Put the exchange together; nothing listens yet."""
    from bot.sim.wire.certificate import self_signed
    from bot.sim.wire.clock import WallClock
    from bot.sim.wire.hub import Hub, Opening
    from bot.sim.wire.server import Server

    regime, seed, compress, offset_s = market
    opening = Opening(seed=seed, regime=regime, compress=compress, positions=held)
    context = None if folder is None else self_signed(folder, datetime.now(UTC))
    return Server(Hub(opening, WallClock(offset_s), file), port=port, tls=context)


def _kept(path: Path) -> "AbstractContextManager[StateFile]":
    """Return an open state file."""
    from bot.sim.wire.state import StateFile

    return closing(StateFile(path))


def _held(asked: Sequence[tuple[str, Decimal]]) -> "tuple[Position, ...]":
    """Return the starting positions; UnknownInstrumentError where a name is none."""
    from bot.domain import deribit
    from bot.domain.positions import Position

    return tuple(Position(name, deribit.parse(name).quantity(size)) for name, size in asked)


async def _serve(server: "Server", folder: Path | None, early: list[int], *, as_json: bool) -> None:
    """Serve until a signal, or until the market fails."""
    stopped = asyncio.Event()
    listen(stopped.set)
    if early:
        return
    async with server:
        _announce(server, folder, as_json=as_json)
        waits = [asyncio.ensure_future(stopped.wait()), asyncio.ensure_future(server.ended())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        waits[0].cancel()
        if waits[1].done():
            await waits[1]
        waits[1].cancel()


def _announce(server: "Server", folder: Path | None, *, as_json: bool) -> None:
    """Say where the exchange is and which keys open it."""
    import sys

    from bot.sim.wire.certificate import CERTIFICATE

    authority = None if folder is None else str(folder / CERTIFICATE)
    keys = [
        {
            "client_id": key.client_id,
            "client_secret": key.secret,
            "scope": " ".join(sorted(key.scopes)),
        }
        for key in server.hub.auth.keys.values()
    ]
    if as_json:
        say.json({"rest": server.rest_url, "ws": server.ws_url, "cafile": authority, "keys": keys})
    else:
        say.line(f"rest  {server.rest_url}/api/v2")
        say.line(f"ws    {server.ws_url}")
        if authority is not None:
            say.line(f"ca    {authority}")
        say.line()
        say.records(keys, "test keys, good for this exchange alone")
    sys.stdout.flush()
