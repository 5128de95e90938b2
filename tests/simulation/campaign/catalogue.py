"""Every fault of the catalogue: what it is, and where it is reached.

`SIMULATION` faults strike in the campaign and are counted there by their code; `WIRE` faults need
sockets and ccxt's own code, `PROCESS` faults a real process, file or signal: the tests that reach
them are named. What cannot happen to this program says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Reached(StrEnum):
    """Where a fault is reached."""

    SIMULATION = "simulation"
    WIRE = "wire"
    PROCESS = "process"
    TESTS = "tests"
    ABSENT = "not applicable"


@dataclass(frozen=True, slots=True)
class Entry:
    """A fault: its code, what happens, where it is reached, and by what (or why it is not)."""

    code: str
    what: str
    reached: Reached
    by: str = ""


_S, _W, _P = Reached.SIMULATION, Reached.WIRE, Reached.PROCESS
_T, _N = Reached.TESTS, Reached.ABSENT
CATALOGUE: tuple[Entry, ...] = (
    Entry("F01", "an order is booked and its acknowledgement lost", _S),
    Entry(
        "F02",
        "the connection drops after booking, and the client repeats",
        _W,
        "tests/wire/adapter/test_defects.py, tests/wire/test_turbulence.py",
    ),
    Entry(
        "F03",
        "a library repeats failed calls by itself",
        _W,
        "tests/wire/adapter/test_venue.py: a label is sent once",
    ),
    Entry(
        "F04",
        "a retry timer is still armed when the answer comes",
        _N,
        "there are no retries of orders and no timers that send one",
    ),
    Entry("F05", "every query says not found while the order works", _S),
    Entry("F06", "a request never arrives", _S),
    Entry("F07", "an order is not visible to queries yet", _S),
    Entry("F08", "a stream event comes before the reply", _S, "counted with F20"),
    Entry(
        "F09",
        "a reply without an id or with a malformed one",
        _W,
        "tests/wire/adapter/test_fuzz.py",
    ),
    Entry("F10", "a reply is matched to the wrong request", _W, "tests/wire/adapter/test_text.py"),
    Entry(
        "F11",
        "a duplicate client id is rejected",
        _N,
        "labels are unique by construction and the venue does not ask for it",
    ),
    Entry("F12", "a post-only price is moved silently", _W, "tests/wire/adapter/test_venue.py"),
    Entry("F13", "a task is cancelled between send and answer", _P, "tests/processes"),
    Entry("F14", "the process is killed, at any effect and while it recovers", _S),
    Entry(
        "F15",
        "two bots on one account",
        _W,
        "tests/wire/test_two_bots.py, tests/desk/test_rivals.py",
    ),
    Entry(
        "F16",
        "a loop that orders again and again",
        _T,
        "tests/desk/test_attempts.py; planted: tests/simulation/test_mutants.py",
    ),
    Entry("F17", "a fill is lost while the stream is healthy", _S),
    Entry("F18", "fills while the connection is down", _S, "counted with F32"),
    Entry("F19", "a report or fill comes twice", _S),
    Entry("F20", "reports overtake each other, fills come before the answer", _S),
    Entry("F21", "an order is filled in part and then cancelled", _S),
    Entry("F22", "a cancellation arrives after the fill", _S),
    Entry("F23", "a restart with open positions", _S, "counted with F14"),
    Entry("F24", "the list of positions is empty", _S),
    Entry("F25", "the list of positions is old", _S),
    Entry("F26", "a person trades in the account", _S),
    Entry("F27", "the exchange liquidates a part", _S),
    Entry("F28", "two legs change at once", _S),
    Entry(
        "F29",
        "reconciliation differs from run to run",
        _T,
        "tests/simulation/test_campaign.py plays a seed twice",
    ),
    Entry("F30", "positions come late after a start", _S),
    Entry("F31", "data freezes while the connection lives", _S),
    Entry("F32", "nothing passes in either direction", _S),
    Entry("F33", "data flows and its time stands still", _S),
    Entry("F34", "a resubscription that stays silent", _S),
    Entry(
        "F35",
        "a subscription that fails takes others with it",
        _W,
        "tests/wire/adapter/test_expiry.py",
    ),
    Entry("F36", "old data comes again as if it were new", _S),
    Entry(
        "F37",
        "checksums that fail for ever",
        _N,
        "the venue's books have change ids and no checksums",
    ),
    Entry("F38", "a crossed book", _S),
    Entry("F39", "a one-sided or empty book", _S),
    Entry("F40", "prices and sizes that are no numbers", _S),
    Entry("F41", "absurd volatilities", _S),
    Entry("F42", "a flash print of index and mark", _S),
    Entry("F43", "the index of another coin", _S),
    Entry("F44", "the forwards of another underlying; a slow consumer (make bench ONLY=wire)", _S),
    Entry(
        "F45",
        "malformed messages",
        _W,
        "tests/wire/adapter/test_text.py, tests/wire/adapter/test_fuzz.py",
    ),
    Entry(
        "F46",
        "contract size and kind of settlement mistaken",
        _T,
        "tests/domain/test_instruments.py, tests/wire/adapter/test_reading.py",
    ),
    Entry(
        "F47",
        "amounts rounded up, to zero or through floats",
        _T,
        "tests/execution/test_rounding.py",
    ),
    Entry("F48", "a residual below the smallest order", _T, "tests/simulation/test_settlement.py"),
    Entry(
        "F49",
        "ticks and lots change in mid-session",
        _W,
        "tests/desk/test_grid_changes.py, tests/wire/test_listing.py",
    ),
    Entry("F50", "an instrument is not listed any more", _S),
    Entry("F51", "expiry and settlement on an average", _S),
    Entry("F52", "settlement in progress", _S, "counted with F51"),
    Entry("F53", "maintenance", _S),
    Entry("F54", "new expiries and strikes", _S),
    Entry("F55", "time zones", _T, "times are integers in UTC: tests/domain/test_units.py"),
    Entry("F56", "no time or no volatility left", _T, "tests/greeks/test_hard_inputs.py"),
    Entry("F57", "too many requests", _S),
    Entry("F58", "a storm of reconnections", _W, "tests/wire/adapter/test_parts.py"),
    Entry("F59", "the venue's clock and ours drift apart", _W, "tests/wire/test_doctor.py"),
    Entry("F60", "the wall clock jumps", _W, "tests/wire/test_clock_steps.py"),
    Entry(
        "F61",
        "names that do not resolve, certificates that do not hold",
        _W,
        "tests/wire/adapter/test_bad_input.py",
    ),
    Entry("F62", "a token that expires", _W, "tests/wire/adapter/test_venue.py"),
    Entry("F63", "a key that is revoked", _W, "tests/wire/test_keys.py"),
    Entry("F64", "one report of an order is lost; an answer that says nothing", _S),
    Entry("F65", "the order lane is not ready", _S),
    Entry("F66", "orders take seconds to arrive", _S),
    Entry("F67", "a background task dies", _W, "tests/wire/test_task_death.py"),
    Entry("F68", "the loop is blocked", _P, "tests/watchdog, make bench ONLY=wire"),
    Entry("F69", "a kill switch in the same loop", _P, "tests/watchdog, make bench ONLY=wire"),
    Entry("F70", "memory that grows", _P, "make soak, tests/processes/test_soak.py"),
    Entry("F71", "the disk is full", _S),
    Entry("F72", "the journal is locked by others", _S),
    Entry("F73", "a damaged journal", _T, "tests/journal/test_faults.py"),
    Entry("F74", "logs that fill the disk", _T, "tests/monitor/test_logs.py"),
    Entry("F75", "secrets in logs", _T, "tests/monitor/test_redact.py"),
    Entry("F76", "settings that another version wrote", _T, "tests/config/test_load.py"),
    Entry("F77", "test and real systems mistaken", _W, "tests/wire/test_environment.py"),
    Entry("F78", "SIGTERM amid a hedge; restart loops", _P, "tests/processes"),
    Entry(
        "F79",
        "a hijacked dependency",
        _N,
        "dependencies are pinned by hash; nothing at run time can tell",
    ),
    Entry("F80", "remote commands repeated or retained", _T, "tests/monitor/mqtt/test_door.py"),
    Entry("F81", "a message broker that is down", _P, "tests/monitor/mqtt/test_outages.py"),
    Entry("F82", "forged remote commands", _T, "tests/monitor/mqtt/test_door.py"),
    Entry("F83", "resume while an order is unknown", _S),
    Entry("F84", "alerts that storm or stay away", _T, "tests/monitor/alerts"),
    Entry(
        "F85",
        "a kill switch fired by bad data",
        _T,
        "no automatic halt looks at prices: tests/risk/test_machine.py",
    ),
    Entry("F86", "funds that do not suffice", _S),
    Entry(
        "F87",
        "our own orders meet each other",
        _T,
        "one order stands on an instrument at a time: tests/risk/test_gate.py",
    ),
)
"""In the order of their codes."""
