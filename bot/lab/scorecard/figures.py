"""The figures of a run by name: what `--json` prints, pooled and per underlying."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from bot.lab.scorecard.bands import percentile_99
from bot.lab.scorecard.coin_card import CoinCard, HedgeSums
from bot.lab.scorecard.minutes import (
    changes,
    effectiveness_interval,
    total_effectiveness,
    tracking_error_usd,
)
from bot.lab.scorecard.tally import Tally


class JumpWindow(Protocol):
    """A time in which a market jumped (see `bot.sim.market.jumps.Jump`)."""

    @property
    def coin(self) -> str:
        """Return the coin."""
        ...

    @property
    def start_ns(self) -> int:
        """Return when it began."""
        ...

    @property
    def end_ns(self) -> int:
        """Return when it ended."""
        ...


def figures(cards: Mapping[str, CoinCard], jumps: Sequence[JumpWindow]) -> dict[str, object]:
    """Return pooled figures, then the same per coin under `underlyings`."""
    coins = {coin: _row([card], jumps) for coin, card in cards.items()}
    return _row(list(cards.values()), jumps) | {"underlyings": coins}


def _row(cards: Sequence[CoinCard], jumps: Sequence[JumpWindow]) -> dict[str, object]:
    sums = HedgeSums(sum(c.sums.net for c in cards), sum(c.sums.book for c in cards))
    change = changes(card.minutes for card in cards)
    tally = _tally(cards)
    fees = tally.pop("fees_usd")
    return tally | {
        "time_in_band_delta": _least([card.delta_clock.share() for card in cards]),
        "time_in_band_gamma": _least(
            [c.gamma_clock.share() for c in cards if _bounded(c)],
        ),
        "breach_p99_s": max(
            (percentile_99(card.delta_clock.all_breaches()) for card in cards), default=0.0
        ),
        "jump_recovery_max_s": _recovery(cards, jumps),
        "excess_coin_s": max((card.delta_clock.excess_coin_s for card in cards), default=0.0),
        "hedgeable_effectiveness": sums.effectiveness(),
        "hedge_sum_net": sums.net,
        "hedge_sum_book": sums.book,
        "tracking_error_usd": tracking_error_usd(change),
        "pnl_hedged_usd": sum(card.hedged.total for card in cards),
        "pnl_unhedged_usd": sum(card.unhedged.total for card in cards),
        "pnl_naive_usd": sum(card.naive.total for card in cards),
        "fees_usd": fees,
        "max_abs_delta_coin": max((c.sums.max_abs_delta_coin for c in cards), default=0.0),
        "total_effectiveness": total_effectiveness(change),
        "total_effectiveness_ci": effectiveness_interval(change),
    }


def _tally(cards: Sequence[CoinCard]) -> dict[str, object]:
    pooled = Tally().figures()
    for card in cards:
        for name, value in card.tally.figures().items():
            pooled[name] += value
    return dict(pooled)


def _least(shares: Sequence[float | None]) -> float | None:
    known = [share for share in shares if share is not None]
    return min(known, default=None)


def _bounded(card: CoinCard) -> bool:
    gamma = card.promise.gamma
    return gamma.lower is not None or gamma.upper is not None


def _recovery(cards: Sequence[CoinCard], jumps: Sequence[JumpWindow]) -> float:
    """Return the longest time from a jump's end until delta was inside; 0 without judged jumps."""
    by_coin = {card.promise.coin: card.delta_clock for card in cards}
    found = [by_coin[jump.coin].recovery_s(jump.end_ns) for jump in jumps if jump.coin in by_coin]
    return max((seconds for seconds in found if seconds is not None), default=0.0)
