"""Builders of records, orders and fills with plausible figures, each field open to change."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from bot.domain.orders import Intent, OrderState, TimeInForce
from bot.domain.positions import Fill
from bot.domain.reasons import Because, Reason
from bot.domain.records import (
    Attribution,
    Breach,
    Decision,
    ExposureSample,
    HedgeDone,
    OrderTransition,
    Paid,
    StateChange,
    TradeNote,
)
from bot.domain.states import State
from bot.domain.units import NS_PER_S, Quantity, Unit, utc_ns
from bot.journal import Pnl, RunStart, TwinPnl

T0 = utc_ns(2026, 1, 5, 6, 30)
PERP = "BTC-PERPETUAL"
CALL = "BTC-12JAN26-92000-C"

ABOVE = Because(Reason.DELTA_ABOVE_OWNER, "BTC", {"delta_coin": 1.8342, "upper": 0.1})


def run_start(**changed: Any) -> RunStart:
    """Return the start of a paper run."""
    start = RunStart("paper", "synthetic", 7, "0.1.0", T0, {"paper": {"scale": 1.0}}, fresh=True)
    return replace(start, **changed)


def decision(n: int = 1, **changed: Any) -> Decision:
    """Return a delta decision of second `n`."""
    trade = TradeNote(PERP, -165_000.0, "usd", 89_955.0, 41.25)
    made = Decision(
        id=f"d{n}",
        ts_ns=T0 + n * NS_PER_S,
        coin="BTC",
        kind="delta",
        numeraire="usd",
        delta_coin=1.8342,
        delta_low_coin=1.8342,
        delta_high_coin=1.8342,
        delta_after_coin=0.021,
        target=0.0,
        lower=-0.1,
        upper=0.1,
        policy_lower=-0.07,
        policy_upper=0.07,
        gamma_coin_per_pct=-0.31,
        gamma_after_coin_per_pct=-0.31,
        index=90_000.5,
        cost_usd=41.25,
        trades=(trade,),
        reasons=(ABOVE,),
        snapshot={f"{CALL}.vol": 0.5512, f"{PERP}.bid": 89_999.5, "age_s": 0.25},
    )
    return replace(made, **changed)


def gamma_decision(n: int = 1, **changed: Any) -> Decision:
    """Return a gamma plan with two candidates, one chosen."""
    chosen = TradeNote(CALL, 0.6, "coin", 0.0305, 21.6, 0.09, -66.0)
    other = TradeNote("BTC-16JAN26-92000-C", 0.8, "coin", 0.0405, 36.0, 0.09, -58.0)
    changes = {
        "kind": "gamma",
        "gamma_after_coin_per_pct": -0.22,
        "trades": (chosen,),
        "candidates": (chosen, other),
        "reasons": (Because(Reason.GAMMA_BELOW, "BTC", {"gamma": -0.31, "lower": -0.25}),),
    }
    return decision(n, **(changes | changed))


def hedge_done(n: int = 1, **changed: Any) -> HedgeDone:
    """Return the end of decision `n`."""
    done = HedgeDone(
        decision=f"d{n}",
        ts_ns=T0 + n * NS_PER_S + 400_000_000,
        coin="BTC",
        kind="delta",
        delta_before_coin=1.8342,
        delta_after_coin=0.021,
        gamma_before_coin_per_pct=-0.24,
        gamma_after_coin_per_pct=-0.24,
        lower=-0.1,
        upper=0.1,
        index=90_000.0,
        filled=-165_000.0,
        unit="usd",
        fee_usd=82.5,
        slippage_usd=-41.25,
        seconds=0.4,
        orders=1,
        reason="delta_above_owner",
    )
    return replace(done, **changed)


def paid(n: int = 1, **changed: Any) -> Paid:
    """Return what the order of decision `n` has paid."""
    made = Paid(
        ts_ns=T0 + (n + 1) * NS_PER_S,
        label=f"demo-1-{n}",
        decision=f"d{n}",
        coin="BTC",
        instrument=PERP,
        purpose="delta",
        post_only=False,
        quantity=-165_000.0,
        filled=-165_000.0,
        as_maker=0.0,
        unit="usd",
        mid=90_000.0,
        average=89_999.5,
        shown_bps=0.06,
        slippage_bps=0.0556,
        slippage_usd=0.92,
        fee_usd=82.5,
        seconds=0.4,
    )
    return replace(made, **changed)


def intent(n: int = 1, **changed: Any) -> Intent:
    """Return the order of decision `n`."""
    made = Intent(
        label=f"demo-1-{n}",
        instrument=PERP,
        quantity=Quantity(Decimal(-165_000), Unit.USD),
        price=Decimal("89955.0"),
        time_in_force=TimeInForce.IOC,
        post_only=False,
        reduce_delta=True,
        decision=f"d{n}",
        purpose="delta",
        created_ns=T0 + n * NS_PER_S,
        valid_until_ns=T0 + (n + 2) * NS_PER_S,
    )
    return replace(made, **changed)


def moved(n: int, before: OrderState, after: OrderState, evidence: str = "") -> OrderTransition:
    """Return a step in the life of order `n`."""
    return OrderTransition(T0 + n * NS_PER_S, f"demo-1-{n}", PERP, before, after, evidence)


def fill(n: int = 1, **changed: Any) -> Fill:
    """Return the execution of order `n`."""
    quantity = Quantity(Decimal(-165_000), Unit.USD)
    made = Fill(
        *(f"BTC-{n}", f"demo-1-{n}", PERP, quantity, Decimal("89999.5")),
        *(0.00091667, "BTC", False, T0 + n * NS_PER_S + 300_000_000),
    )
    return replace(made, **changed)


def sample(n: int = 0, **changed: Any) -> ExposureSample:
    """Return the exposure of minute `n`."""
    taken = ExposureSample(
        ts_ns=T0 + 60 * n * NS_PER_S,
        coin="BTC",
        numeraire="usd",
        state=State.RUNNING,
        index=90_000.0,
        delta_coin=0.021,
        delta_low_coin=0.021,
        delta_high_coin=0.021,
        target=0.0,
        lower=-0.1,
        upper=0.1,
        gamma_coin_per_pct=-0.24,
        gamma_expiring_coin_per_pct=-0.02,
        vega_usd=-410.0,
        theta_usd_day=1_150.0,
        equity_usd=450_000.0,
        unknown_orders=0,
        shocks={"pnl_up_10pct_usd": -9_400.0, "pnl_down_10pct_usd": -8_800.0},
        vega_by_tenor_usd={"7d": -300.0, "30d": 120.0},
    )
    return replace(taken, **changed)


def changed_state(before: State, after: State, coin: str = "", n: int = 1) -> StateChange:
    """Return a change of state, asked for by the operator."""
    return StateChange(T0 + n * NS_PER_S, coin, before, after, (Because(Reason.OPERATOR),))


def twins(n: int = 0, coin: str = "") -> TwinPnl:
    """Return the three twins at minute `n`."""
    return TwinPnl(
        T0 + 60 * n * NS_PER_S,
        coin,
        hedged=Pnl(-52.0, -112.0, 98.0, -13.0, -25.0),
        unhedged=Pnl(-1_231.0, -112.0, 98.0, -13.0),
        naive=Pnl(-20.0, -112.0, 98.0, -13.0, -9.0),
    )


def explained(n: int = 0, **changed: Any) -> Attribution:
    """Return the profit and loss of minute `n`: 10 USD gained by theta, 30 lost by gamma."""
    lines = dict.fromkeys(
        ("delta", "vega", "vanna", "volga", "charm", "basis", "funding", "slippage"), 0.0
    )
    start_ns = T0 + 60 * n * NS_PER_S
    step = Attribution(
        ts_ns=start_ns + 60 * NS_PER_S,
        start_ns=start_ns,
        coin="BTC",
        **lines,
        gamma=-30.0,
        theta=10.0,
        fees=-2.0,
        translation=100.0,
        unexplained=0.5,
        total=78.5,
        hedges=4.0,
        equity_before=450_000.0 + 78.5 * n,
        equity=450_000.0 + 78.5 * (n + 1),
        index=90_000.0,
        unpriced=0,
    )
    return replace(step, **changed)


def breach(n: int = 0, **changed: Any) -> Breach:
    """Return a breach of the delta band for five seconds of minute `n`."""
    start_ns = T0 + 60 * n * NS_PER_S
    about = ("BTC", "delta", 0.2, 5.0, State.RUNNING)
    over = Breach(start_ns + 5 * NS_PER_S, start_ns, *about, since_ns=start_ns, over=True)
    return replace(over, **{"since_ns": changed.get("start_ns", start_ns)} | changed)
