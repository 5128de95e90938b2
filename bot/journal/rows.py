"""Records as rows: which table takes which record, and the text of what is nested.

A column has the name of the field that it holds. Tuples and mappings become JSON; NaN becomes
NULL (null inside JSON). Exact amounts are text, so that reading one back gives the same Decimal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from operator import attrgetter
from typing import Any, Final, TypeAlias, get_type_hints

import orjson

from bot.domain.orders import Intent, TimeInForce
from bot.domain.positions import Balance, Fill, Position
from bot.domain.records import (
    Attribution,
    Breach,
    Decision,
    Doubt,
    ExposureSample,
    HedgeDone,
    MarginSample,
    OrderTransition,
    Paid,
    StateChange,
)
from bot.domain.units import Quantity, Unit

Row: TypeAlias = tuple[Any, ...]
_PLAIN: Final = (str, int, float, bool)


def to_json(item: object) -> str:
    """Return JSON text; NaN and infinity become null, exact amounts strings."""
    return orjson.dumps(item, default=_nested, option=orjson.OPT_SERIALIZE_NUMPY).decode()


def from_json(text: str | None) -> Any:  # noqa: ANN401  JSON
    """Return what JSON text holds; None for no text."""
    return None if text is None else orjson.loads(text)


def _nested(item: object) -> object:
    if isinstance(item, Mapping):
        return dict(item)
    if isinstance(item, Decimal):
        return str(item)
    if isinstance(item, (set, frozenset)):
        return sorted(item)
    raise TypeError(f"expected a value that JSON can hold, found {type(item).__name__}: {item!r}")


@dataclass(frozen=True, slots=True)
class Table:
    """How a kind of record is written: the statement, and the values that follow the run."""

    sql: str
    values: Callable[[Any], Row]


def insert(table: str, columns: tuple[str, ...], conflict: str = "") -> str:
    """Return the statement that adds a row; names come from this package alone."""
    names = ", ".join(f'"{name}"' for name in columns)
    marks = ", ".join("?" * len(columns))
    return f"INSERT INTO {table} ({names}) VALUES ({marks}) {conflict}".strip()  # noqa: S608  no user text


def _table(name: str, kind: type) -> Table:
    names = tuple(field.name for field in fields(kind))
    hints = get_type_hints(kind)
    nested = tuple(
        i
        for i, field in enumerate(names)
        if not (isinstance(hints[field], type) and issubclass(hints[field], _PLAIN))
    )
    take = attrgetter(*names)

    def values(record: object) -> Row:
        row = list(take(record))
        for i in nested:
            row[i] = to_json(row[i])
        return tuple(row)

    return Table(insert(name, ("run", *names)), values)


TABLES: Final[Mapping[type, Table]] = {
    Decision: _table("decisions", Decision),
    HedgeDone: _table("hedges", HedgeDone),
    Paid: _table("paid", Paid),
    ExposureSample: _table("exposure", ExposureSample),
    MarginSample: _table("margins", MarginSample),
    Attribution: _table("attribution", Attribution),
    Breach: _table("breaches", Breach),
    StateChange: _table("states", StateChange),
    Doubt: _table("doubts", Doubt),
}

_TRANSITION = ("ts_ns", "label", "instrument", "before", "after", "evidence")
_INTENT = (
    *("label", "instrument", "quantity", "unit", "price", "time_in_force", "post_only"),
    *("reduce_delta", "decision", "purpose", "created_ns", "valid_until_ns"),
)
_FILL = (
    *("trade_id", "label", "instrument", "quantity", "unit", "price", "fee", "fee_unit"),
    *("maker", "ts_ns"),
)
INSERT_TRANSITION: Final = insert("transitions", ("run", "ledger", *_TRANSITION))
INSERT_INTENT: Final = insert("intents", ("run", "ledger", *_INTENT))
INSERT_FILL: Final = insert(
    "fills", ("run", "ledger", *_FILL), "ON CONFLICT (ledger, trade_id, label) DO NOTHING"
)
SELECT_INTENT: Final = ", ".join(_INTENT)
SELECT_FILL: Final = ", ".join(_FILL)


def transition_row(moved: OrderTransition) -> Row:
    """Return a transition as the columns after run and ledger."""
    return (
        *(moved.ts_ns, moved.label, moved.instrument),
        *(moved.before, moved.after, moved.evidence),
    )


def intent_row(intent: Intent) -> Row:
    """Return an intent as the columns after run and ledger."""
    return (
        *(intent.label, intent.instrument, str(intent.quantity.value), intent.quantity.unit),
        *(str(intent.price), intent.time_in_force, intent.post_only, intent.reduce_delta),
        *(intent.decision, intent.purpose, intent.created_ns, intent.valid_until_ns),
    )


def read_intent(row: Row) -> Intent:
    """Return the intent that `SELECT_INTENT` read."""
    label, instrument, quantity, unit, price, force, post_only, reduce_delta, *rest = row
    decision, purpose, created_ns, valid_until_ns = rest
    return Intent(
        label=label,
        instrument=instrument,
        quantity=Quantity(Decimal(quantity), Unit(unit)),
        price=Decimal(price),
        time_in_force=TimeInForce(force),
        post_only=bool(post_only),
        reduce_delta=bool(reduce_delta),
        decision=decision,
        purpose=purpose,
        created_ns=created_ns,
        valid_until_ns=valid_until_ns,
    )


def fill_row(fill: Fill) -> Row:
    """Return a fill as the columns after run and ledger."""
    return (
        *(fill.trade_id, fill.label, fill.instrument, str(fill.quantity.value)),
        *(fill.quantity.unit, str(fill.price), fill.fee, fill.fee_unit, fill.maker, fill.ts_ns),
    )


def read_fill(row: Row) -> Fill:
    """Return the fill that `SELECT_FILL` read."""
    trade_id, label, instrument, quantity, unit, price, fee, fee_unit, maker, ts_ns = row
    return Fill(
        trade_id=trade_id,
        label=label,
        instrument=instrument,
        quantity=Quantity(Decimal(quantity), Unit(unit)),
        price=Decimal(price),
        fee=float("nan") if fee is None else fee,
        fee_unit=fee_unit,
        maker=bool(maker),
        ts_ns=ts_ns,
    )


def read_position(item: Mapping[str, Any]) -> Position:
    """Return the position that JSON holds."""
    quantity = Quantity(Decimal(item["quantity"]["value"]), Unit(item["quantity"]["unit"]))
    return Position(item["instrument"], quantity, item["tag"], item["account"])


def read_balance(item: Mapping[str, Any]) -> Balance:
    """Return the balance that JSON holds; what was not a number is NaN again."""
    figures = ("cash", "equity", "initial_margin", "maintenance_margin")
    values = [float("nan") if item[name] is None else float(item[name]) for name in figures]
    cash, equity, initial, maintenance = values
    return Balance(item["coin"], cash, equity, initial, maintenance)
