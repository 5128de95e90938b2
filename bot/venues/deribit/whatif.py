"""The venue's own what-if on margin: simulated positions, asked one at a time and never too often.

    a result                   the balance as it would be
    refusal, silence, nonsense the answer that there is none, with the reason

Reads alone: a key that may look at the account may ask. The venue takes one such request a second;
more would cost the connection.
"""

from __future__ import annotations

import asyncio
from typing import Final

from bot.domain.commands import AskMargin
from bot.domain.events import MarginAnswer
from bot.domain.positions import Balance
from bot.venues.deribit.credits import Credits
from bot.venues.deribit.fields import table
from bot.venues.deribit.flaws import Flaw, FlawedError, shown
from bot.venues.deribit.inbox import Surroundings
from bot.venues.deribit.reports import read_portfolio
from bot.venues.deribit.requests import NoAnswerError, NotSentError, RefusedError, Requests

METHOD: Final = "private/simulate_portfolio"
ANSWER_S: Final = 5.0
DOLLARS: Final = "USDC"


class WhatIf:
    """Asks over the authenticated connection; the budget of other requests pays as well."""

    def __init__(self, requests: Requests, pools: Credits, around: Surroundings) -> None:
        self._requests, self._pools = requests, pools
        self._tell, self._clock, self._flaws = around.tell, around.clock, around.flaws
        self._turn = asyncio.Lock()

    async def ask(self, asked: AskMargin) -> None:
        """Ask once and tell the answer, whatever it is."""
        after: Balance | None = None
        why = ""
        try:
            async with self._turn:
                await self._pools.simulations.spend()
                after = await self._simulated(asked)
        except FlawedError as error:
            self._flaws.caught(self._clock(), error)
            why = str(error)
        except (RefusedError, NotSentError, NoAnswerError) as error:
            why = shown(error)
            sentence = f"expected what becomes of margin, found {why}"
            self._flaws.note(self._clock(), Flaw.REQUEST_FAILED, asked.question, sentence)
        self._tell(MarginAnswer(self._clock(), asked.question, asked.coin, after, why))

    async def _simulated(self, asked: AskMargin) -> Balance:
        """Return the balance with the changes; sizes are USD for inverse futures, else coins."""
        currency = DOLLARS if asked.currency == "USD" else asked.currency
        params = {
            "currency": currency,
            "add_positions": True,
            "simulated_positions": {name: float(size) for name, size in asked.changes},
        }
        result = await self._requests.call(METHOD, params, ANSWER_S)
        return read_portfolio(table(result, "what-if"), self._clock()).balance
