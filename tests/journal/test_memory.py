"""What a restart finds of the day that was begun: fees, the gamma budget, where equity started."""

import pytest

from bot.domain.positions import HEDGE_TAG, OWNER_TAG, Position
from bot.domain.units import NS_PER_S
from bot.journal import Journal, Reader
from bot.journal.memory import SavedAccount
from tests.journal.records import (
    T0,
    decision,
    fill,
    gamma_decision,
    hedge_done,
    intent,
    run_start,
    sample,
)


def _written(state):
    """Leave a run behind that paid two fees and bought gamma once."""
    with_index = 100_000.0
    journal = Journal.open(state, "demo")
    journal.begin_run(run_start())
    journal.record(sample(0, equity_usd=0.0))
    journal.record(sample(1, equity_usd=450_000.0, index=90_000.0))
    journal.record(sample(2, equity_usd=440_000.0, index=90_000.0))
    journal.record(decision(1, index=with_index))
    journal.record(gamma_decision(2, index=with_index))
    for n in (1, 2):
        journal.intent(intent(n))
    journal.fill(fill(1, fee=1e-4))
    journal.fill(fill(2, fee=7.0, fee_unit="USD"))
    journal.record(hedge_done(1))
    journal.record(hedge_done(2, kind="gamma", fee_usd=7.0, slippage_usd=20.0))
    journal.record(hedge_done(3, kind="gamma", fee_usd=1.0, slippage_usd=-50.0))
    journal.end_run({})
    journal.close()


def test_what_a_day_has_spent_is_found_again(tmp_path):
    """Fees at their decision's index; gamma by what was paid; the first equity that was known."""
    _written(tmp_path)
    journal = Journal.open(tmp_path, "demo")
    spent = journal.spent(T0)["BTC"]
    journal.close()
    assert spent.fees_usd == pytest.approx(10.0 + 7.0)
    assert spent.gamma_usd == pytest.approx(27.0 + 1.0)
    assert spent.start_equity == pytest.approx(5.0)
    assert spent.start_index == 90_000.0


def test_what_was_spent_on_another_day_or_account_does_not_count(tmp_path):
    """Neither what came before the day, nor what a fresh ledger has nothing to do with."""
    _written(tmp_path)
    journal = Journal.open(tmp_path, "demo")
    assert journal.spent(T0 + 3_600 * NS_PER_S) == {}
    journal.begin_run(run_start())
    assert journal.spent(T0) == {}
    journal.close()


def test_fills_of_a_purpose_are_those_of_its_orders_on_this_account(tmp_path):
    """From a time on where one is told; the same label on the account before is another order."""
    journal = Journal.open(tmp_path, "demo")
    journal.begin_run(run_start())
    journal.intent(intent(2, purpose="gamma"))
    journal.begin_run(run_start())
    for n, purpose in ((1, "gamma"), (2, "delta"), (3, "gamma")):
        journal.intent(intent(n, purpose=purpose))
    for n in (3, 2, 1, 4):
        journal.fill(fill(n))
    journal.commit()
    assert journal.fills(purpose="gamma") == (fill(3), fill(1))
    assert journal.fills(fill(1).ts_ns + 1, "gamma") == (fill(3),)
    assert journal.fills(fill(3).ts_ns) == (fill(3), fill(4))
    assert journal.fills(purpose="edge") == ()
    journal.close()


def test_fills_since_the_account_was_saved_are_the_trading_account_s():
    """Added to our hedge there; the same instrument in another account is another position."""
    coins = fill(1).quantity
    name = fill(1).instrument
    kept = (
        Position(name, coins, HEDGE_TAG, "desk"),
        Position(name, -coins, OWNER_TAG, "sub1"),
    )
    saved = SavedAccount(T0, kept, (), (fill(2),))
    assert set(saved.positions_now("desk")) == {
        Position(name, coins + fill(2).quantity, HEDGE_TAG, "desk"),
        Position(name, -coins, OWNER_TAG, "sub1"),
    }


def test_a_reader_knows_what_a_run_called_its_trading_account(tmp_path):
    """Where no view is left: the saved account, with what was filled since."""
    journal = Journal.open(tmp_path, "demo")
    journal.begin_run(run_start(settings={"venue": {"deribit": {"account": "desk"}}}))
    journal.intent(intent(1))
    journal.account(T0, (), ())
    journal.fill(fill(1))
    journal.close()
    reader = Reader.open(tmp_path, "demo")
    (row,) = reader.positions()
    reader.close()
    assert (row["tag"], row["account"]) == (HEDGE_TAG, "desk")
