"""A proposal that is too large for the screen, as a ticket for a block or a request for quotes.

One ticket for each settlement currency: its legs with signed sizes, and the net price of the whole,
in that currency (positive is paid): what the screen asks for it now, what it is worth at the marks,
and the most that the plan's tolerances allow.
"""

from __future__ import annotations

from bot.desk.floor import Floor
from bot.desk.rules import DeskRules
from bot.strategy.options.plan import GammaTrade


def block(
    floor: Floor, rules: DeskRules, trades: tuple[GammaTrade, ...]
) -> list[dict[str, object]]:
    """Return the tickets of trades of at least `rfq_usd` notional together; none below that."""
    index = floor.book.coins[rules.coin].market.index
    if not trades or sum(abs(t.quantity) for t in trades) * index < rules.gamma.rfq_usd:
        return []
    by_currency: dict[str, list[GammaTrade]] = {}
    for trade in trades:
        currency = floor.book.instruments[trade.candidate.name].currency
        by_currency.setdefault(currency, []).append(trade)
    return [_ticket(currency, mine) for currency, mine in sorted(by_currency.items())]


def _ticket(currency: str, trades: list[GammaTrade]) -> dict[str, object]:
    screen = sum(
        t.quantity * (t.candidate.ask if t.quantity > 0.0 else t.candidate.bid) for t in trades
    )
    marks = sum(t.quantity * t.candidate.mark for t in trades)
    away = sum(abs(t.quantity) * t.tolerance for t in trades)
    return {
        "currency": currency,
        "legs": [{"instrument": t.candidate.name, "quantity": t.quantity} for t in trades],
        "net_screen": screen,
        "net_mark": marks,
        "net_most": marks + away,
    }
