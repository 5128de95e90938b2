"""From settings to what decides: one set of rules per underlying, and the core that holds them."""

from __future__ import annotations

import math
from collections.abc import Mapping

from bot.book.book import Book, UnderlyingRules
from bot.book.kinds import DeltaKind, DeltaRule
from bot.book.numeraire import Numeraire
from bot.book.quality import Freshness
from bot.book.scope import Scope
from bot.book.shocks import PNL_MOVES
from bot.core import Core
from bot.desk.floor import Floor, Names
from bot.desk.rules import DeskRules
from bot.domain.states import State
from bot.domain.units import NS_PER_S, SECONDS_PER_DAY
from bot.execution.orders import OrderTable
from bot.execution.tactics import TacticRules
from bot.execution.working import Patience
from bot.risk.limits import LimitRules
from bot.risk.machine import Machine
from bot.sim.ports import Cadence
from bot.strategy.bands import Band, GammaBand, Landing, TradeTo
from bot.strategy.delta import DeltaPolicy
from bot.strategy.event_calendar import ScheduledEvent
from bot.strategy.gamma import GammaPolicy
from bot.strategy.hedge_cost import HedgePolicy
from bot.strategy.policies import Fixed, Knob, OfBook, WhalleyWilmott, Width
from config.schema import Delta, Hedge, Settings, Shock
from config.schema.policy import AVERSION, FOLLOW_FUNDING, MOST_SHARE, Event


def desk_rules(settings: Settings, coin: str, cadence: Cadence) -> DeskRules:
    """Return one underlying's rules; `settings` are already scaled."""
    one = settings.underlying[coin]
    band = Band(one.delta.lower, one.delta.target, one.delta.upper)
    policy, gamma, limits = one.delta.policy, one.gamma, settings.limits
    scope = Scope(
        frozenset(one.scope.accounts), frozenset(one.scope.tags), frozenset(one.scope.exclude)
    )
    return DeskRules(
        measure=UnderlyingRules(
            coin=coin,
            numeraire=Numeraire(one.numeraire),
            collateral_delta=one.collateral_delta,
            hedge_with=tuple(one.hedge_with),
            scope=scope,
            funding_half_life_s=3_600.0 * one.hedge.funding_half_life_h,
            freshness=Freshness(
                quote_s=max(2.0, 2.0 * cadence.quote_s),
                chain_s=max(30.0, 3.0 * cadence.chain_s),
                aged_s=max(3_600.0, 12.0 * cadence.chain_s),
                future_s=max(5.0, 2.0 * cadence.future_s),
            ),
            greeks=DeltaRule(DeltaKind(one.delta.greeks), one.delta.skew_stickiness),
            shadow=_shadow(one.delta),
        ),
        delta=DeltaPolicy(
            owner=band,
            width=_width(one.delta),
            landing=Landing(TradeTo(policy.trade_to), policy.ticket_usd),
            ratio=one.delta.ratio,
            min_move_bps=one.delta.min_move_bps,
            cooldown_s=one.delta.cooldown_s,
            settle_s=one.delta.settle_s,
            most_share=MOST_SHARE if policy.most_share is None else policy.most_share,
            trend_most=policy.trend_most,
            rest_at_edges=policy.rest_at_edges,
        ),
        gamma=GammaPolicy(
            band=GammaBand(gamma.lower, gamma.upper),
            expiring=GammaBand(gamma.expiring.lower, gamma.expiring.upper),
            action=gamma.action,
            aim_share=gamma.aim_share,
            budget_usd_per_day=gamma.budget_usd_per_day or math.inf,
            max_legs=gamma.max_legs,
            min_days=gamma.min_days,
            max_days=gamma.max_days,
            vega_usd={n: v for n, v in one.vega.model_dump().items() if v is not None},
            ticket_usd=policy.ticket_usd,
            min_hold_s=gamma.min_hold_s,
            benefit_factor=gamma.benefit_factor,
            aversion=gamma.aversion,
            model_vol=gamma.model_vol,
            turnover_coin=gamma.turnover_coin_per_day or math.inf,
            rfq_usd=gamma.rfq_usd or math.inf,
            shock_loss_usd=_shock_losses(one.shock, limits.shock_loss_usd),
            shock_delta_coin=one.shock.delta_2pct_coin,
        ),
        hedge=_hedge_policy(one.hedge),
        limits=LimitRules(
            order_usd=limits.order_usd,
            position_coin=limits.position_coin,
            orders_per_min=limits.orders_per_min,
            loss_day_usd=limits.loss_day_usd,
            fees_day_usd=limits.fees_day_usd,
            collar_bps=limits.collar_bps,
            hard_collar_bps=2.0 * limits.collar_bps,
            initial_share=limits.initial_margin_share,
            maintenance_share=limits.maintenance_margin_share,
            confirm_usd=limits.confirm_usd if settings.mode == "live" else None,
        ),
        tactics=TacticRules(),
        cycle_s=one.delta.poll_s,
        margin_model=settings.exchange()[1].margin_model if settings.mode != "paper" else None,
        hold_s=one.hold_s,
        events=tuple(_event(event) for event in one.delta.event),
    )


def _width(delta: Delta) -> Width:
    """Return how the policy's band is measured."""
    policy = delta.policy
    match policy.kind:
        case "fixed":
            return Fixed(delta.width_coin)
        case "bps":
            return OfBook(float(policy.width_bps or 0.0))
        case "whalley_wilmott":
            lean = FOLLOW_FUNDING if policy.follow_funding is None else policy.follow_funding
            turned = [(knob, getattr(policy, knob)) for knob in Knob]
            return next(
                (WhalleyWilmott(knob, to, lean) for knob, to in turned if to is not None),
                WhalleyWilmott(Knob.AVERSION, AVERSION, lean),
            )


def _event(event: Event) -> ScheduledEvent:
    every_s = {"once": None, "day": SECONDS_PER_DAY, "week": 7.0 * SECONDS_PER_DAY}
    return ScheduledEvent(
        name=event.name,
        at_ns=round(event.at.timestamp()) * NS_PER_S,
        before_s=60.0 * event.before_min,
        after_s=60.0 * event.after_min,
        factor=event.width_factor,
        every_s=every_s[event.every],
    )


def _hedge_policy(hedge: Hedge) -> HedgePolicy:
    """Return how hedge instruments are compared; a limit that is not set is infinite."""
    return HedgePolicy(
        hold_h=hedge.hold_h,
        maker_share=hedge.maker_share,
        carry_cap_usd_day=math.inf if hedge.carry_cap_usd_day is None else hedge.carry_cap_usd_day,
        financing_rate=hedge.financing_rate,
        switch_bps=hedge.switch_bps,
        basis_coin=math.inf if hedge.basis_coin is None else hedge.basis_coin,
    )


def _shadow(delta: Delta) -> DeltaRule | None:
    if delta.shadow == "none":
        return None
    return DeltaRule(DeltaKind(delta.shadow), delta.shadow_skew_stickiness)


def _shock_losses(shock: Shock, overall: float | None) -> dict[float, float]:
    """Return the largest loss that each shocked move may cost: the tighter of what is set."""
    set_for = {0.05: shock.loss_5pct_usd, 0.10: shock.loss_10pct_usd}
    limits = {}
    for move in PNL_MOVES:
        known = [one for one in (set_for[abs(move)], overall) if one is not None]
        if known:
            limits[move] = min(known)
    return limits


def new_core(
    settings: Settings,
    rules: tuple[DeskRules, ...],
    epoch: int,
    sticky: Mapping[str, State],
    *,
    born_ns: int | None = None,
) -> Core:
    """Return a core that knows no market yet; `settings` are already scaled.

    `born_ns` is the wall clock of a run whose orders reach an exchange (see `labels`).
    """
    owned = {row.instrument: (row.tag, row.account) for row in settings.paper.position}
    _, venue = settings.exchange()
    machine = Machine(tuple(r.coin for r in rules), states=dict(sticky))
    floor = Floor(
        book=Book((r.measure for r in rules), owned, venue.account, venue.also),
        orders=OrderTable(Patience()),
        machine=machine,
        names=Names(settings.instance, epoch, born_ns),
        unconfirmed={r.coin for r in rules} if settings.mode == "live" else set(),
    )
    return Core(floor, rules)
