"""The fields of log lines, each described once: name, unit, meaning."""

from __future__ import annotations

from typing import Final

from bot.monitor.catalogue.event import Field

TEXT: Final = "text"
COUNT: Final = "count"
TIME: Final = "ISO 8601 UTC"
COIN: Final = "coin"
PER_PCT: Final = "coin per 1 %"
USD: Final = "USD"
SECONDS: Final = "s"
TRUTH: Final = "true or false"
PRICE: Final = "USD per coin; options in their own unit"
QUANTITY: Final = "`unit` of the line"
CAUSES: Final = "list of causes"
TRADES: Final = "list of trades"

# On every line.
LINE: Final = (
    Field("time", TIME, "wall clock of this machine when the line was made"),
    Field("level", TEXT, "`debug`, `info`, `warning`, or `error` for whoever is on call"),
    Field("event", TEXT, "the event, one of those below"),
    Field("instance", TEXT, "name of the bot"),
    Field(
        "run",
        COUNT,
        "number of this run in the journal (not of watchdog and monitor)",
    ),
)

_TABLE: Final = (
    # when, whose, which
    Field("market_time", TIME, "when it happened, by the clock that the run lives on"),
    Field("coin", TEXT, "the underlying; empty or `all` for the whole instance"),
    Field("decision", TEXT, "id of the decision that it goes back to; null if an earlier run's"),
    Field("label", TEXT, "id of the order, ours, as the exchange knows it"),
    Field("trade_id", TEXT, "id of the execution, the exchange's"),
    Field("id", TEXT, "id of an operator's command"),
    Field("instrument", TEXT, "the exchange's name of it"),
    Field("kind", TEXT, "`delta`, `gamma`, `unwind`, `flatten` or `shadow`"),
    Field("purpose", TEXT, "what an order is for, as `kind`; `edge` rests at the band's edge"),
    Field("numeraire", TEXT, "`usd` or `coin`: what the book is neutral in"),
    Field("state", TEXT, "state of the machine"),
    Field("until", TIME, "end of what begins now; null where only a word ends it"),
    Field("since", TIME, "market time at which it began"),
    Field("why", TEXT, "the reason in words"),
    Field("what", TEXT, "what it is about, in words"),
    Field("found", TEXT, "what went wrong, in words"),
    Field("file", TEXT, "path of a file"),
    Field("subject", TEXT, "what a reason or flaw is about"),
    Field("reason", TEXT, "the cause, a stable word (`bot/domain/reasons.py`)"),
    Field("repeated", COUNT, "equal lines that were left out since the last one"),
    Field("exception", "list", "type, message and lines passed of an exception and its causes"),
    # exposure and band
    Field("index", PRICE, "index price of the coin"),
    Field("delta_coin", COIN, "delta of the book in its numeraire's terms"),
    Field("delta_low_coin", COIN, "lowest delta over everything that may still fill"),
    Field("delta_high_coin", COIN, "highest delta over everything that may still fill"),
    Field("delta_before_coin", COIN, "delta when it was decided"),
    Field("delta_after_coin", COIN, "delta afterwards; on a decision, if all of it fills"),
    Field("delta_before_usd", USD, "the same at the index"),
    Field("delta_after_usd", USD, "the same at the index"),
    Field("target", COIN, "delta that the owner wants"),
    Field("lower", COIN, "lower edge of the owner's delta band"),
    Field("upper", COIN, "upper edge of the owner's delta band"),
    Field("policy_lower", COIN, "lower edge of the band in force inside the owner's"),
    Field("policy_upper", COIN, "upper edge of the band in force inside the owner's"),
    Field("gamma_coin_per_pct", PER_PCT, "gamma"),
    Field("gamma_before_coin_per_pct", PER_PCT, "gamma when it was decided"),
    Field("gamma_after_coin_per_pct", PER_PCT, "gamma afterwards"),
    Field("vega_usd", "USD per volatility point", "vega"),
    Field("theta_usd_day", "USD per day", "theta"),
    Field("equity_usd", USD, "worth of the account's share in the coin"),
    Field("unknown_orders", COUNT, "orders whose end is not known"),
    Field("doubts", CAUSES, "what cannot be trusted now"),
    # what a decision was made on
    Field("bid", PRICE, "best bid of the hedge instrument that the decision saw"),
    Field("ask", PRICE, "best ask of the hedge instrument that the decision saw"),
    Field("mark", PRICE, "mark of the hedge instrument that the decision saw"),
    Field("vol", "1.00 = 100 % a year", "volatility that the decision saw"),
    Field("quote_venue_time", TIME, "when the exchange made that quote"),
    Field("quote_heard_time", TIME, "when that quote reached us"),
    Field("chain_venue_time", TIME, "when the exchange made the option prices"),
    Field("chain_heard_time", TIME, "when the option prices reached us"),
    # plan and verdict
    Field("trades", TRADES, "what is to be traded; `limit` is its worst price"),
    Field("candidates", TRADES, "options that a gamma plan could choose from"),
    Field("plan", TRADES, "what the decision wanted"),
    Field("reasons", CAUSES, "why"),
    Field("refused", CAUSES, "why not; empty where it was allowed"),
    Field("verdict", TEXT, "`allowed` or `refused`"),
    # orders and what they cost
    Field("quantity", QUANTITY, "signed, bought > 0"),
    Field("unit", TEXT, "`coin`, or `usd` for inverse futures and perpetuals"),
    Field("price", PRICE, "limit of an order, price of a fill"),
    Field("time_in_force", TEXT, "`ioc` or `gtc`"),
    Field("before", TEXT, "state that was left"),
    Field("after", TEXT, "state that was entered"),
    Field("evidence", TEXT, "what proved the step"),
    Field("fee", "`fee_unit` of the line", "fee of the fill, negative for a rebate"),
    Field("fee_unit", TEXT, "the coin, or `USD`"),
    Field("maker", TRUTH, "the fill took nothing from the book"),
    Field("filled", QUANTITY, "signed, what was executed"),
    Field("average", PRICE, "average price of what was executed; null for nothing"),
    Field("slippage_bps", "basis points", "against the mid of the decision, positive is worse"),
    Field("slippage_usd", USD, "against the mid of the decision, positive is worse"),
    Field("fee_usd", USD, "fees"),
    Field("fees_usd", USD, "fees"),
    Field("cost_usd", USD, "fees and slippage; on a decision, expected"),
    Field("seconds", SECONDS, "how long it took"),
    Field("orders", COUNT, "orders that it took"),
    *(
        Field(f"pnl_{twin}{part}_usd", USD, f"{of} of the {twin} book since the run's start")
        for twin in ("hedged", "unhedged", "naive")
        for part, of in (
            *(("", "profit and loss"), ("_gamma", "its part from gamma")),
            *(("_theta", "its part from theta"), ("_vega", "its part from vega")),
            ("_fees", "its fees"),
        )
    ),
    # margin
    Field("model", TEXT, "the exchange's margin model"),
    Field("equity_coin", COIN, "equity"),
    Field("funds_coin", COIN, "what margins are held against"),
    Field("initial_margin_coin", COIN, "initial margin"),
    Field("maintenance_margin_coin", COIN, "maintenance margin"),
    Field("liquidation_down", "1.00 = 100 %", "move of the index to liquidation; null for none"),
    Field("liquidation_up", "1.00 = 100 %", "move of the index to liquidation; null for none"),
    Field("delta_venue_coin", COIN, "net delta of all that settles in the coin, the exchange's"),
    Field("delta_ours_coin", COIN, "the same by our reckoning, in the exchange's convention"),
)
FIELDS: Final = {one.name: one for one in _TABLE}

# Figures of a reason name their units by how they end; these are plain, or of the limit's own kind.
SUFFIXES: Final = (
    *("_s", "_ms", "_ns", "_usd", "_usd_day", "_coin", "_coin_per_pct", "_bps", "_pct"),
    *("_vol", "_per_min", "_mb"),
)
FIGURES: Final = {
    "step": "number of a settlement unwind's step",
    "steps": "all of that unwind's steps",
    "orders": "orders counted",
    "legs": "positions counted",
    "lots": "lots that were planned",
    "most": "lots that there are",
    "gamma": "coin per 1 %",
    "limit": "in the unit of what passed it",
    "bps": "basis points",
    "asked": "figure of a plan when it was asked for, in the unit of `subject`",
    "now": "the same now",
    "after": "the same with the plan",
    "bid": PRICE,
    "ask": PRICE,
    "mark": PRICE,
    "index": PRICE,
    "quoted_index": PRICE,
    "quoted_mark": PRICE,
    "last_index": PRICE,
    "bid_size": "in the instrument's own unit",
    "ask_size": "in the instrument's own unit",
}
