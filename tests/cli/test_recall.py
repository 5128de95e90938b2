"""What a run goes on from: also after a kill in the first moments of the one before."""

import pytest

import config
from bot.cli.exits import VerbError
from bot.cli.recall import past_of, recall
from bot.domain.deribit import parse
from bot.domain.orders import OrderState
from bot.domain.units import NS_PER_S
from bot.journal import Journal
from bot.strategy.options.churn import Traded
from bot.wiring.desks import desk_rules, new_core
from bot.wiring.live import CADENCE
from tests.journal.records import CALL, PERP, T0, fill, intent, moved, run_start

PUT, USDC = "BTC-12JAN26-88000-P", "BTC_USDC-12JAN26-92000-C"

SETS = (
    *('mode="sandbox"', 'market="venue"', 'instance="demo"'),
    *('underlying.BTC.numeraire="usd"', 'underlying.BTC.collateral_delta="exclude"'),
    *("underlying.BTC.delta.upper=0.1", "underlying.BTC.delta.lower=-0.1"),
)


@pytest.fixture
def settings():
    """Return settings of a sandbox run."""
    whole = config.load(sets=SETS, environ={}).settings
    return whole.model_copy(update={"underlying": {"BTC": whole.underlying["BTC"]}})


def _core(settings):
    rules = tuple(desk_rules(settings, coin, CADENCE) for coin in settings.underlying)
    return new_core(settings, rules, 2, {})


def killed(folder, *, ordered):
    """Leave the journal of a run that died before its account was written."""
    journal = Journal.open(folder, "demo")
    journal.begin_run(run_start(mode="sandbox", market="venue", fresh=True))
    if ordered:
        journal.intent(intent(1, label="db-demo-1-1"))
        journal.record(moved(1, OrderState.INTENDED, OrderState.SENT))
        journal.commit()
    journal.close()


def test_an_order_that_left_before_the_account_was_on_disk_is_not_forgotten(tmp_path, settings):
    """It is UNKNOWN until the venue speaks, as any other that a kill has left open."""
    killed(tmp_path, ordered=True)
    journal = Journal.open(tmp_path, "demo")
    past = past_of(journal, settings)
    core = _core(settings)
    recall(core, journal, past, T0)
    journal.close()
    assert [o.state for o in core.floor.orders] == [OrderState.UNKNOWN]


def test_what_was_traded_for_gamma_is_not_forgotten(tmp_path, settings):
    """The day's turnover, and when and how much of each option went which way, by real rows.

    Hours before the day began counts for the holding time alone; a hedge and another coin's
    option for nothing.
    """

    def at(hours):
        return T0 + round(hours * 3_600) * NS_PER_S

    traded = (
        ("gamma", CALL, "2", -2.0), ("gamma", CALL, "0.5", 2.0), ("gamma", PUT, "3", 2.5),
        ("gamma", PUT, "-1", 3.0), ("delta", PERP, "-1000", 3.0),
        ("gamma", "ETH-12JAN26-3000-C", "7", 3.0), ("gamma", USDC, "0.1", 3.5),
    )  # fmt: skip
    journal = Journal.open(tmp_path, "demo")
    journal.begin_run(run_start(mode="sandbox", market="venue", fresh=True))
    for n, (purpose, name, size, hours) in enumerate(traded, 1):
        what = {"instrument": name, "quantity": parse(name).quantity(size)}
        journal.intent(intent(n, purpose=purpose, **what))
        journal.fill(fill(n, ts_ns=at(hours), **what))
    journal.account(at(3.6), (), ())
    journal.close()
    journal = Journal.open(tmp_path, "demo")
    core = _core(settings)
    recall(core, journal, past_of(journal, settings), at(4.0))
    journal.close()
    assert core.floor.days["BTC"].gamma_coin == pytest.approx(0.5 + 3.0 + 1.0 + 0.1)
    assert core.gamma["BTC"].traded == {
        CALL: Traded(at(2.0), 2.5), PUT: Traded(at(3.0), -1.0), USDC: Traded(at(3.5), 0.1)
    }  # fmt: skip


def test_a_run_that_did_nothing_leaves_nothing_to_go_on_from(tmp_path, settings):
    """Neither an account nor an order."""
    killed(tmp_path, ordered=False)
    journal = Journal.open(tmp_path, "demo")
    with pytest.raises(VerbError, match="an earlier run to resume"):
        past_of(journal, settings)
    journal.close()
