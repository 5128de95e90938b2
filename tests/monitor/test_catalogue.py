"""The catalogue of events holds against the code from both sides, and the page against it."""

import ast
from collections import defaultdict
from dataclasses import fields, replace
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import get_args

import pytest

from bot.domain.events import Settled
from bot.domain.orders import LIFE, Intent, OrderState
from bot.domain.positions import Fill, Position
from bot.domain.reasons import Because, Reason
from bot.domain.records import (
    Attribution,
    Breach,
    CommandOutcome,
    Decision,
    Doubt,
    ExposureSample,
    HedgeDone,
    MarginSample,
    OrderTransition,
    Paid,
    Parked,
    Standing,
    StateChange,
    Word,
)
from bot.domain.states import State
from bot.domain.units import Quantity, Unit
from bot.monitor.catalogue import EVENTS, FIELDS, FIGURES, LINE, SUFFIXES
from bot.monitor.catalogue.page import renewed
from bot.monitor.levels import LEVELS, PAGED, WHOLE
from bot.monitor.narrate import narrate
from bot.monitor.telling import Banner, Item, Moved, Telling
from bot.venues.deribit.flaws import Flaw
from tests.journal.records import (
    CALL,
    PERP,
    T0,
    changed_state,
    decision,
    fill,
    gamma_decision,
    hedge_done,
    intent,
    moved,
    paid,
    sample,
    twins,
)
from tests.monitor.said import SOURCE, calls

PAGE = Path(__file__).parents[2] / "docs" / "logs.md"
FAMILIES = {
    "venue.{}": {f"venue.{flaw}" for flaw in Flaw},
    "watchdog.{}": {"watchdog.connected", "watchdog.connection_lost"},
}
EVERYWHERE = {one.name for one in LINE}
RATE = Because(Reason.ORDER_RATE, "BTC", {"per_min": 60.0})
UNSOLVED = Because(Reason.SOLVER_FAILED, "no answer within 3 s")
SEEN = dict.fromkeys(
    (
        *("bid", "ask", "mark", "vol", "quote_age_s", "quote_heard_age_s"),
        *("chain_age_s", "chain_heard_age_s"),
    ),
    0.5,
)


def every_item() -> list[Item | Moved]:
    """Return an item of every type in every variant that changes its name or level."""
    leg = Position(CALL, Quantity(Decimal("-2.5"), Unit.COIN))
    items: list[Item | Moved] = [
        *(intent(), fill(), paid(), hedge_done(), sample(), Settled(T0, PERP, 90_000.0)),
        MarginSample(T0, "BTC", "standard", *(1.0,) * 9),
        Attribution(T0, T0, "BTC", *(1.0,) * 18, 0),
        *(
            Breach(T0, T0, "BTC", "delta", 0.1, seconds, State.RUNNING, T0, over=True)
            for seconds in (1.0, 9.0)
        ),
        Moved(T0, "BTC", 90_000.0, 86_000.0, 60.0),
        CommandOutcome(T0, "c1", accepted=True, outcome="PAUSED"),
        Parked(T0, "BTC", leg, Decimal("-2.5"), T0, T0),
        Parked(
            T0, "BTC", replace(leg, quantity=Quantity(Decimal(0), Unit.COIN)), Decimal(0), T0, T0
        ),
    ]
    kinds = ("delta", "unwind", "gamma", "flatten", "shadow")
    for kind, refused, delta in product(kinds, ((), (RATE,), (UNSOLVED,)), (0.0, 5.0)):
        made = gamma_decision() if kind == "gamma" else decision()
        items.append(replace(made, kind=kind, refused=refused, delta_coin=delta, snapshot=SEEN))
    items += [moved(1, step.before, step.after, step.evidence) for step in LIFE]
    items.append(moved(1, OrderState.SENT, OrderState.REJECTED, "11054 post_only_reject"))
    items += [changed_state(State.RUNNING, after) for after in State]
    for active, reason in product((True, False), (Reason.ORDER_RATE, *PAGED)):
        items.append(Doubt(T0, "BTC", Because(reason, "BTC", {"age_s": 1.0}), active=active))
    loud = {Word.REVIEW: (Reason.RUNAWAY, Reason.OPERATOR)}
    for active, word in product((True, False), Word):
        for reason in loud.get(word, (Reason.OPERATOR,)):
            items.append(Standing(T0, "BTC", word, T0, active=active, because=Because(reason)))
    return items


def every_telling() -> list[Telling]:
    """Return each of them with all that may belong to it."""
    made = replace(decision(), snapshot=SEEN)
    return [
        *(Telling(item, cause="d1") for item in every_item()),
        Telling(hedge_done(), made, twins()),
        *(
            Telling(item, repeated=3)
            for item in every_item()
            if isinstance(item, Doubt) or (isinstance(item, Decision) and item.refused)
        ),
    ]


def told() -> dict[str, tuple[set[str], set[str]]]:
    """Return levels and fields of every event that a record can make."""
    found: dict[str, tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
    for telling in every_telling():
        event, level, line = narrate(telling)
        levels, names = found[event]
        levels.add(level)
        names |= set(line) - ({"age_s"} if EVENTS[event].figures else set())
    return dict(found)


def test_every_type_of_item_is_among_the_variants():
    """A new record type must be told, and catalogued."""
    kinds = {
        *(Decision, HedgeDone, Paid, OrderTransition, StateChange, ExposureSample, MarginSample),
        *(Attribution, Breach, Doubt, CommandOutcome, Standing, Parked, Intent, Fill, Settled),
    }
    assert set(get_args(Item)) == kinds
    assert {type(item) for item in every_item()} == kinds | {Moved}


def test_what_records_make_is_in_the_catalogue_with_its_levels_and_fields_and_nothing_else():
    """Name by name, level by level, field by field."""
    for event, (levels, names) in told().items():
        assert event in EVENTS
        assert levels == set(EVENTS[event].levels), event
        assert names == EVENTS[event].names, event


def test_every_call_says_a_catalogued_event_with_catalogued_fields_and_levels():
    """Of the whole source, by its syntax."""
    found = list(calls())
    assert len(found) > 25
    for call in found:
        for event in FAMILIES.get(call.event, {call.event}):
            assert event in EVENTS, call
            one = EVENTS[event]
            assert call.fields <= one.names | EVERYWHERE, call
            if "{}" not in call.event:
                assert {level for level in call.levels if level} <= set(one.levels), call


def test_no_event_of_the_catalogue_is_beyond_reach():
    """Each is made of a record, or said somewhere."""
    said = {event for call in calls() for event in FAMILIES.get(call.event, {call.event})}
    assert set(told()) | said == set(EVENTS)


def test_families_are_put_together_where_the_catalogue_expects_them():
    """A name with a part that is put in has its parts listed here."""
    assert {call.event for call in calls() if "{}" in call.event} == set(FAMILIES)


def test_the_start_of_a_run_has_the_fields_of_its_banner():
    """They are spread from it."""
    banner = {field.name for field in fields(Banner)}
    assert banner - EVERYWHERE == EVENTS["run.started"].names


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_every_event_says_when_how_loud_and_each_field_its_unit(event):
    """A field without a unit says what kind of value it is."""
    assert event.when.endswith(".")
    assert event.levels
    assert set(event.levels) <= set(LEVELS)
    assert len(event.fields) == len(event.names)
    assert not event.names & EVERYWHERE
    for one in event.fields:
        field = FIELDS[one] if isinstance(one, str) else one
        assert field.unit
        assert field.meaning


UNITS = {  # the longer end first
    "_usd_day": "USD per day",
    "_coin_per_pct": "coin per 1 %",
    "_usd": "USD",
    "_coin": "coin",
    "_bps": "basis points",
    "_pct": "per cent",
    "_ns": "ns since 1970 UTC",
    "_ms": "ms",
    "_s": "s",
    "_time": "ISO 8601 UTC",
}


def test_an_ending_means_the_same_unit_everywhere():
    """But for what is by something more: vega by the point, a price by the coin."""
    own = [field for event in EVENTS.values() for field in event.own]
    by_more = {"vega_usd": "USD per volatility point", "price_usd": "USD per coin"}
    ended = 0
    for field in (*FIELDS.values(), *own):
        end = next((end for end in UNITS if field.name.endswith(end)), None)
        if end is not None:
            ended += 1
            assert field.unit in {UNITS[end], by_more.get(field.name)}, field
    assert ended > 50


def test_every_described_field_is_in_some_event():
    """And what is never left out is an event."""
    used = {one for event in EVENTS.values() for one in event.fields if isinstance(one, str)}
    assert used == set(FIELDS)
    assert set(EVENTS) >= WHOLE


def figures() -> dict[str, str]:
    """Return the names of all figures that reasons are given by name, and where."""
    found = {}
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Because":
                for part in node.args:
                    for key in part.keys if isinstance(part, ast.Dict) else ():
                        if isinstance(key, ast.Constant):
                            found[str(key.value)] = f"{path.name}:{node.lineno}"
    return found


def test_the_figures_of_reasons_name_their_units():
    """By their ends, or in the table of those that do not."""
    found = figures()
    assert len(found) > 15
    strange = {n: at for n, at in found.items() if not n.endswith(SUFFIXES) and n not in FIGURES}
    assert strange == {}


def test_the_page_shows_the_catalogue_as_it_is():
    """`python -m bot.monitor.catalogue docs/logs.md` writes it."""
    page = PAGE.read_text(encoding="utf-8")
    assert renewed(page) == page


def test_a_page_without_its_marks_is_refused():
    """Rather than written over."""
    with pytest.raises(ValueError, match="expected the marks"):
        renewed("# Logs\n")
