"""What the policy's band rests on, costs and leaves, and what other bands would: rows of a plan."""

from __future__ import annotations

import math
from dataclasses import asdict, replace

from bot.book.exposure import Exposure
from bot.desk.floor import Floor
from bot.desk.rules import DeskRules
from bot.desk.ticket import Want
from bot.domain.reasons import Because, Reason
from bot.strategy.candidates import candidates
from bot.strategy.outlook import alternatives, frontier, residual
from bot.strategy.policies import Knob

Row = dict[str, object]


def outlook_rows(floor: Floor, rules: DeskRules, exposure: Exposure, wanted: Want) -> Row:
    """Return what the band costs and leaves, what others would, and what could not be had."""
    policy, levels = rules.delta, wanted.levels
    return {
        "band_inputs": _inputs(rules, wanted),
        "residual": asdict(residual(levels, policy.landing)),
        "frontier": [asdict(point) for point in frontier(policy, levels.conditions)],
        "policies": [asdict(o) for o in alternatives(policy, exposure, levels.conditions)],
        "notes": [str(_with_options(floor, rules, exposure, note)) for note in levels.notes],
        "gamma_account": asdict(floor.account(rules.coin).figures(exposure)),
    }


def _with_options(floor: Floor, rules: DeskRules, exposure: Exposure, note: Because) -> Because:
    """Return a note on a floor with what it would cost to go below it with options.

    The floor of a deviation goes with gamma, that of a cost with its square. What is missing is
    priced at the cheapest gamma that may be bought, half spread and fee.
    """
    if note.reason is not Reason.BELOW_FLOOR:
        return note
    share = note.numbers["asked_usd_day"] / note.numbers["floor_usd_day"]
    left = math.sqrt(share) if note.subject == Knob.COST else share
    away = (1.0 - left) * abs(exposure.gamma_total)
    offered = candidates(floor.book, rules.coin, exposure.ts_ns, floor.tier, rules.gamma)
    cheapest = min((c.cost_per_gamma for c in offered), default=math.inf)
    figures = {"gamma_away_coin_per_pct": away, "options_usd": away * cheapest}
    return replace(note, numbers={**note.numbers, **figures})


def _inputs(rules: DeskRules, wanted: Want) -> Row:
    owner, policy, hedge = rules.delta.owner, wanted.plan.policy, wanted.hedge
    now = wanted.levels.conditions
    return {
        "target": owner.target,
        "lower": owner.lower,
        "upper": owner.upper,
        "policy_lower": policy.lower,
        "policy_upper": policy.upper,
        "cost_usd_per_coin": None if hedge is None else hedge.cost_usd_per_coin,
        "near_gamma_coin_per_pct": now.gamma,
        "vol": now.vol,
        "gross_option_coin": now.gross_coin,
        "look_s": now.look_s,
        "funding_year": now.funding,
        "event_factor": now.factor,
        "trade_to_share": wanted.levels.share,
        "gamma_lower": rules.gamma.band.lower,
        "gamma_upper": rules.gamma.band.upper,
        "gamma_action": rules.gamma.action,
    }
