"""docs/orders.md says what the table of an order's life says."""

from pathlib import Path

from bot.domain.orders import LIFE, TERMINAL, TRANSITIONS, Mover, OrderState
from bot.execution.orders import ENDED
from bot.execution.working import Patience

PAGE = Path(__file__).parents[2] / "docs" / "orders.md"


def diagram():
    """Return the life of an order as the page draws it."""
    first = next(iter(OrderState))
    arrows = [f"    [*] --> {first}"]
    moves = [step for step in LIFE if step.before is not step.after]
    arrows += [f"    {step.before} --> {step.after}: {step.mover}" for step in moves]
    arrows += [f"    {state} --> [*]" for state in OrderState if state in TERMINAL]
    return "\n".join(["```mermaid", "stateDiagram-v2", *arrows, "```", ""])


def table():
    """Return the steps as the page lists them."""
    rows = [f"| {s.before} | {s.after} | {s.mover} | {s.evidence} |" for s in LIFE]
    return "\n".join(
        ["| from | to | moved by | on what evidence |", "|---|---|---|---|", *rows, ""]
    )


def test_the_page_shows_every_step_and_no_other():
    """The diagram and the table, word for word."""
    page = PAGE.read_text(encoding="utf-8")
    assert diagram() in page
    assert table() in page


def test_the_page_names_the_times_that_are_waited():
    """Its figures are the patience in force."""
    page, patience = PAGE.read_text(encoding="utf-8"), Patience()
    for figure in (
        f"no answer for {patience.ack_s:g} s",
        f"every {patience.longest_query_s:g} s",
        f"`unknown_s` ({patience.unknown_s:g} s)",
        f"`valid_until` + {patience.after_valid_s:g} s",
        f"over at least {patience.deny_span_s:g} s",
        f"newest {ENDED} orders",
    ):
        assert figure in page


def test_each_step_is_listed_once_and_the_transitions_are_the_steps():
    """The table is the only source."""
    pairs = [(step.before, step.after) for step in LIFE]
    assert len(set(pairs)) == len(pairs)
    assert {(a, b) for a, after in TRANSITIONS.items() for b in after} == set(pairs)
    assert set(TRANSITIONS) == set(OrderState)


def test_only_the_venue_moves_an_order_to_its_end():
    """Silence makes it unknown, and nothing else."""
    assert all(step.mover is Mover.VENUE for step in LIFE if step.after in TERMINAL)
    silent = {step.after for step in LIFE if step.mover is Mover.SILENCE}
    assert silent == {OrderState.UNKNOWN}
    assert all(step.evidence for step in LIFE)
