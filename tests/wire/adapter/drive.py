"""Taking events from a live venue until something has been told.

The patience only ends what hangs: no test may depend on how quick this machine is.
"""

import asyncio

PATIENCE_S = 30.0


async def take(venue, kind, *, where=lambda _event: True, timeout_s=PATIENCE_S):
    """Return the next event of a kind that fits, passing over the others."""
    async with asyncio.timeout(timeout_s):
        while True:
            while (event := venue.next_event()) is not None:
                if isinstance(event, kind) and where(event):
                    return event
            await venue.wait(1.0)


async def until(venue, condition, timeout_s=PATIENCE_S):
    """Let a venue live, its events dropped, until something is true."""
    async with asyncio.timeout(timeout_s):
        while not condition():
            drain(venue)
            await venue.wait(0.02)


def drain(venue):
    """Return everything that has arrived."""
    events = []
    while (event := venue.next_event()) is not None:
        events.append(event)
    return events
