"""The tables of the journal, as SQL, and the version that names their shape.

One file per instance. A `ledger` is a chain of runs on one account: it has the id of the run that
began with a fresh account, and a resumed run carries on in it. Labels and trade ids are unique
per ledger. Rows are only ever added, except for what says how things stand now: the end of a run,
`heartbeat`, `sticky`, `standing`, `parked`, `views` and the outcome of a command. NULL in a figure
means that it could not be measured.

The rows of the CHAINED tables say what was decided and done: they cannot be changed or removed, and
each commit of some leaves a link in `chain` (see the module of that name). A table or column that
is new goes into the block of its version, which `migrations` gives to older files.
"""

from __future__ import annotations

from typing import Final

SCHEMA_VERSION: Final = 4
OLDEST_VERSION: Final = 2  # that a writer of this release brings up to date
CHAINED: Final = (
    *("accounts", "acts", "decisions", "doubts", "fills"),
    *("hedges", "intents", "states", "transitions"),
)

_META: Final = """
CREATE TABLE meta (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE runs (
  id INTEGER PRIMARY KEY, ledger INTEGER NOT NULL, pid INTEGER NOT NULL,
  started_ns INTEGER NOT NULL, ended_ns INTEGER, market_start_ns INTEGER NOT NULL,
  mode TEXT NOT NULL, market TEXT NOT NULL, seed INTEGER, version TEXT NOT NULL,
  settings TEXT NOT NULL, digest TEXT, summary TEXT, outcome TEXT
) STRICT;
CREATE TABLE heartbeat (
  only INTEGER PRIMARY KEY CHECK (only = 1), run INTEGER NOT NULL REFERENCES runs (id),
  wall_ns INTEGER NOT NULL, market_ns INTEGER NOT NULL, state TEXT NOT NULL
) STRICT;
CREATE TABLE sticky (
  coin TEXT NOT NULL PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs (id),
  ts_ns INTEGER NOT NULL, state TEXT NOT NULL, reasons TEXT NOT NULL
) STRICT;
CREATE TABLE standing (
  coin TEXT NOT NULL, word TEXT NOT NULL, run INTEGER NOT NULL REFERENCES runs (id),
  ts_ns INTEGER NOT NULL, until_ns INTEGER, because TEXT NOT NULL, PRIMARY KEY (coin, word)
) STRICT;
CREATE TABLE parked (
  ledger INTEGER NOT NULL, instrument TEXT NOT NULL, run INTEGER NOT NULL REFERENCES runs (id),
  ts_ns INTEGER NOT NULL, coin TEXT NOT NULL, position TEXT NOT NULL, held TEXT NOT NULL,
  since_ns INTEGER NOT NULL, until_ns INTEGER NOT NULL, PRIMARY KEY (ledger, instrument)
) STRICT;
CREATE TABLE views (
  run INTEGER NOT NULL REFERENCES runs (id), name TEXT NOT NULL, ts_ns INTEGER NOT NULL,
  body TEXT NOT NULL, PRIMARY KEY (run, name)
) STRICT;
CREATE TABLE commands (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, verb TEXT NOT NULL,
  coin TEXT NOT NULL, arguments TEXT NOT NULL, who TEXT NOT NULL, why TEXT NOT NULL,
  at_ns INTEGER NOT NULL, taken_ns INTEGER, done_ns INTEGER, accepted INTEGER, outcome TEXT
) STRICT;
CREATE INDEX commands_waiting ON commands (seq) WHERE taken_ns IS NULL;
"""

_THOUGHTS: Final = """
CREATE TABLE decisions (
  seq INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs (id),
  id TEXT NOT NULL, ts_ns INTEGER NOT NULL, coin TEXT NOT NULL, kind TEXT NOT NULL,
  numeraire TEXT NOT NULL, delta_coin REAL, delta_low_coin REAL, delta_high_coin REAL,
  delta_after_coin REAL, target REAL, lower REAL, upper REAL, policy_lower REAL,
  policy_upper REAL, gamma_coin_per_pct REAL, gamma_after_coin_per_pct REAL, "index" REAL,
  cost_usd REAL, trades TEXT NOT NULL, candidates TEXT NOT NULL, reasons TEXT NOT NULL,
  refused TEXT NOT NULL, snapshot TEXT NOT NULL, UNIQUE (run, id)
) STRICT;
CREATE TABLE hedges (
  seq INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs (id),
  decision TEXT NOT NULL, ts_ns INTEGER NOT NULL, coin TEXT NOT NULL, kind TEXT NOT NULL,
  delta_before_coin REAL, delta_after_coin REAL, gamma_before_coin_per_pct REAL,
  gamma_after_coin_per_pct REAL, lower REAL, upper REAL, "index" REAL,
  filled REAL, unit TEXT NOT NULL, fee_usd REAL, slippage_usd REAL, seconds REAL,
  orders INTEGER NOT NULL, reason TEXT NOT NULL
) STRICT;
CREATE TABLE exposure (
  seq INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs (id),
  ts_ns INTEGER NOT NULL, coin TEXT NOT NULL, numeraire TEXT NOT NULL, state TEXT NOT NULL,
  "index" REAL, delta_coin REAL, delta_low_coin REAL, delta_high_coin REAL, target REAL,
  lower REAL, upper REAL, gamma_coin_per_pct REAL, gamma_expiring_coin_per_pct REAL,
  vega_usd REAL, theta_usd_day REAL, equity_usd REAL, unknown_orders INTEGER NOT NULL,
  shocks TEXT NOT NULL, vega_by_tenor_usd TEXT NOT NULL, doubts TEXT NOT NULL
) STRICT;
CREATE INDEX exposure_newest ON exposure (run, coin, seq);
CREATE TABLE margins (
  seq INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs (id),
  ts_ns INTEGER NOT NULL, coin TEXT NOT NULL, model TEXT NOT NULL, cash REAL, equity REAL,
  funds REAL, initial_margin REAL, maintenance_margin REAL, down REAL, up REAL,
  delta_venue REAL, delta_ours REAL
) STRICT;
CREATE INDEX margins_newest ON margins (run, coin, seq);
CREATE TABLE equity (
  seq INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs (id),
  ts_ns INTEGER NOT NULL, coin TEXT NOT NULL, hedged_usd REAL, unhedged_usd REAL,
  naive_usd REAL, split TEXT NOT NULL
) STRICT;
CREATE INDEX equity_newest ON equity (run, coin, seq);
CREATE TABLE states (
  seq INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs (id),
  ts_ns INTEGER NOT NULL, coin TEXT NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL,
  reasons TEXT NOT NULL
) STRICT;
CREATE INDEX states_newest ON states (run, coin, seq);
CREATE TABLE doubts (
  seq INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs (id),
  ts_ns INTEGER NOT NULL, coin TEXT NOT NULL, because TEXT NOT NULL, active INTEGER NOT NULL
) STRICT;
"""

_DEEDS: Final = """
CREATE TABLE intents (
  seq INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs (id), ledger INTEGER NOT NULL,
  label TEXT NOT NULL, instrument TEXT NOT NULL, quantity TEXT NOT NULL, unit TEXT NOT NULL,
  price TEXT NOT NULL, time_in_force TEXT NOT NULL, post_only INTEGER NOT NULL,
  reduce_delta INTEGER NOT NULL, decision TEXT NOT NULL, purpose TEXT NOT NULL,
  created_ns INTEGER NOT NULL, valid_until_ns INTEGER NOT NULL, UNIQUE (ledger, label)
) STRICT;
CREATE TABLE transitions (
  seq INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs (id), ledger INTEGER NOT NULL,
  ts_ns INTEGER NOT NULL, label TEXT NOT NULL, instrument TEXT NOT NULL, before TEXT NOT NULL,
  after TEXT NOT NULL, evidence TEXT NOT NULL
) STRICT;
CREATE INDEX transitions_newest ON transitions (ledger, label, seq);
CREATE TABLE fills (
  seq INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs (id), ledger INTEGER NOT NULL,
  trade_id TEXT NOT NULL, label TEXT NOT NULL, instrument TEXT NOT NULL, quantity TEXT NOT NULL,
  unit TEXT NOT NULL, price TEXT NOT NULL, fee REAL, fee_unit TEXT NOT NULL,
  maker INTEGER NOT NULL, ts_ns INTEGER NOT NULL, UNIQUE (ledger, trade_id, label)
) STRICT;
CREATE TABLE accounts (
  seq INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs (id), ledger INTEGER NOT NULL,
  ts_ns INTEGER NOT NULL, after_fill INTEGER NOT NULL, positions TEXT NOT NULL,
  balances TEXT NOT NULL
) STRICT;
CREATE INDEX accounts_newest ON accounts (ledger, seq);
"""

_CHAIN: Final = """
CREATE TABLE acts (
  seq INTEGER PRIMARY KEY, run INTEGER NOT NULL, place TEXT NOT NULL, name TEXT NOT NULL, body TEXT
) STRICT;
CREATE TABLE chain (
  seq INTEGER PRIMARY KEY, run INTEGER NOT NULL, at_ns INTEGER NOT NULL, upto TEXT NOT NULL,
  link TEXT NOT NULL
) STRICT;
"""

_PAID: Final = """
CREATE TABLE paid (
  seq INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs (id),
  ts_ns INTEGER NOT NULL, label TEXT NOT NULL, decision TEXT NOT NULL, coin TEXT NOT NULL,
  instrument TEXT NOT NULL, purpose TEXT NOT NULL, post_only INTEGER NOT NULL, quantity REAL,
  filled REAL, as_maker REAL, unit TEXT NOT NULL, mid REAL, average REAL, shown_bps REAL,
  slippage_bps REAL, slippage_usd REAL, fee_usd REAL, seconds REAL
) STRICT;
"""


def _kept(table: str) -> str:
    """Return what refuses to change or to remove a row of a table."""
    refusal = f"BEGIN SELECT RAISE(ABORT, 'a row of {table} is never changed or removed'); END;\n"
    return "".join(
        f"CREATE TRIGGER {table}_no_{deed} BEFORE {deed.upper()} ON {table} {refusal}"
        for deed in ("update", "delete")
    )


SINCE_3: Final = _CHAIN + _PAID + "".join(map(_kept, (*CHAINED, "chain")))
SINCE_4: Final = """
CREATE TABLE attribution (
  seq INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs (id),
  ts_ns INTEGER NOT NULL, start_ns INTEGER NOT NULL, coin TEXT NOT NULL, delta REAL, gamma REAL,
  theta REAL, vega REAL, vanna REAL, volga REAL, charm REAL, basis REAL, funding REAL, fees REAL,
  slippage REAL, translation REAL, unexplained REAL, total REAL, hedges REAL, equity_before REAL,
  equity REAL, "index" REAL, unpriced INTEGER NOT NULL
) STRICT;
CREATE INDEX attribution_newest ON attribution (coin, start_ns);
CREATE TABLE breaches (
  seq INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs (id),
  ts_ns INTEGER NOT NULL, start_ns INTEGER NOT NULL, coin TEXT NOT NULL, kind TEXT NOT NULL,
  worst REAL, seconds REAL, state TEXT NOT NULL, since_ns INTEGER NOT NULL, over INTEGER NOT NULL
) STRICT;
"""
TABLES: Final = _META + _THOUGHTS + _DEEDS + SINCE_3 + SINCE_4
