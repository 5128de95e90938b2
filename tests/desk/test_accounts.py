"""A book over several accounts: each compared by itself, none flat because it is not seen."""

from decimal import Decimal

import pytest

from bot.book.measure import measure
from bot.book.scope import Scope
from bot.domain.deribit import parse
from bot.domain.events import AccountSight, PositionsReport
from bot.domain.positions import Balance, Position
from bot.domain.reasons import Reason
from bot.domain.records import Doubt, StateChange
from bot.domain.states import State
from tests.builders.scripted_desk import (
    CALL,
    ScriptedDesk,
    desk_rules,
    noted,
    placed,
)

ACROSS = "sub1"
PERPETUAL = "BTC-PERPETUAL"


class Across(ScriptedDesk):
    """A desk whose owner also holds something in an account that is only read."""

    def __post_init__(self) -> None:
        """Build the core for both accounts."""
        super().__post_init__()
        self.core.floor.book.holdings.also = frozenset({ACROSS})
        self.across: dict[str, str] = {}

    def told(self, positions=None):
        """Report both accounts."""
        held = self.positions if positions is None else positions
        rows = tuple(
            Position(name, parse(name).quantity(Decimal(size)), account=account)
            for account, of in (("main", held), (ACROSS, self.across))
            for name, size in of.items()
            if Decimal(size)
        )
        balances = (Balance("BTC", 5.0, 5.0, 0.1, 0.05),)
        return self.handle(PositionsReport(self.now_ns, rows, balances))


def _across(rules=None, **held):
    desk = Across() if rules is None else Across(rules=rules)
    desk.across = {CALL.name: "-1", **held}
    return desk


def _delta(desk):
    return measure(desk.core.floor.book, "BTC", desk.now_ns).delta


def _goes_on(desk, seconds):
    for _ in range(round(seconds * 2)):
        desk.wait(0.5).market()
        desk.tick()
    return desk


def test_what_is_held_elsewhere_is_hedged_in_the_trading_account():
    """One order, for the sum of both."""
    desk = _across().started()
    (order,) = placed(desk.commands)
    assert order.instrument == PERPETUAL
    assert order.quantity.value > 0  # short a call: long the perpetual


@pytest.mark.parametrize("accounts,part", [({"main"}, 2.0), ({ACROSS}, -1.0), (set(), 1.0)])
def test_a_scope_tells_accounts_apart_that_hold_the_same(accounts, part):
    """Two calls here and one short there: each, or both together."""
    rules = desk_rules()
    scope = Scope(accounts=frozenset(accounts))
    measured = rules.measure.__class__(
        **{name: getattr(rules.measure, name) for name in rules.measure.__slots__}
        | {"scope": scope}
    )
    desk = _across(desk_rules(measure=measured))
    desk.positions = {CALL.name: "2"}
    desk.begins()
    desk.market()
    one = _across(desk_rules())
    one.across = {CALL.name: "1"}
    one.begins()
    one.market()
    assert _delta(desk) == pytest.approx(part * _delta(one))
    rows = {(row["account"], row["hedged"]) for row in desk.core.position_rows()}
    assert rows == {(name, not accounts or name in accounts) for name in ("main", ACROSS)}


def test_a_jump_elsewhere_is_doubted_under_its_account_while_our_order_is_out():
    """An order in flight here explains nothing there; the second look adopts it."""
    desk = _across().started()
    (order,) = placed(desk.commands)
    desk.completes(order)
    _goes_on(desk, 3.0)
    desk.across[CALL.name] = "-4"
    doubts = noted(desk.told(), Doubt)
    assert [(d.because.subject, d.coin, d.active) for d in doubts] == [
        (f"{CALL.name}@{ACROSS}", "BTC", True)
    ]
    assert desk.stands() is State.RECONCILING
    desk.wait(1.0).told()
    _goes_on(desk, 1.0)
    again = [o for o in placed(desk.commands) if o.label != order.label]
    assert again
    assert again[0].quantity.value > 0


def test_a_perpetual_elsewhere_is_not_taken_for_our_hedge():
    """Ours is what our orders filled; the owner's own is in the other account."""
    desk = _across(**{PERPETUAL: "-7000"}).started()
    (order,) = placed(desk.commands)
    desk.completes(order)
    desk.told()
    rows = desk.core.position_rows()
    held = {(r["instrument"], r["tag"], r["account"]): r["quantity"] for r in rows}
    assert held[PERPETUAL, "hedge", "main"] == float(order.quantity)
    assert held[PERPETUAL, "book", ACROSS] == -7_000.0


def test_an_account_that_cannot_be_seen_is_a_doubt_and_not_flat():
    """Its positions stay, only what surely shrinks delta is sent, and it clears by itself."""
    desk = _across().started()
    (order,) = placed(desk.commands)
    desk.completes(order)
    _goes_on(desk, 3.0)
    before = desk.core.position_rows()
    changes = noted(desk.handle(AccountSight(desk.now_ns, ACROSS, seen=False)), StateChange)
    assert [change.after for change in changes] == [State.REDUCE_DELTA_ONLY]
    assert [(b.reason, b.subject) for b in changes[0].reasons] == [(Reason.ACCOUNT_UNSEEN, ACROSS)]
    _goes_on(desk, 60.0)
    assert desk.stands() is State.REDUCE_DELTA_ONLY
    assert desk.core.position_rows() == before
    desk.handle(AccountSight(desk.now_ns, ACROSS, seen=True))
    _goes_on(desk, 8.0)
    assert desk.stands() is State.RUNNING


def test_a_trade_by_hand_is_parked_in_the_trading_account_alone():
    """Of the same instrument in both, what was traded elsewhere is hedged at once."""
    desk = _across(desk_rules(hold_s=60.0)).started()
    (order,) = placed(desk.commands)
    desk.completes(order)
    _goes_on(desk, 3.0)
    desk.positions[CALL.name], desk.across[CALL.name] = "2", "-4"
    desk.told()
    desk.wait(1.0).told()
    _goes_on(desk, 1.0)
    (part,) = desk.core.floor.book.parked
    assert (part.position.quantity.value, part.position.account) == (Decimal(2), "main")
    again = [o for o in placed(desk.commands) if o.label != order.label]
    assert again
    assert again[0].quantity.value > 0


def test_margin_is_about_what_the_trading_account_holds():
    """The owner's perpetual elsewhere frees nothing here."""
    desk = _across(**{PERPETUAL: "-7000"}).started()
    (order,) = placed(desk.commands)
    desk.completes(order)
    assert desk.core.floor.book.holdings.total(PERPETUAL) == order.quantity.value
