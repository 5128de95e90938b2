"""What a run goes on from: also after a kill in the first moments of the one before."""

import pytest

import config
from bot.cli.exits import VerbError
from bot.cli.recall import past_of, recall
from bot.domain.orders import OrderState
from bot.journal import Journal
from bot.wiring.desks import desk_rules, new_core
from bot.wiring.live import CADENCE
from tests.journal.records import T0, intent, moved, run_start

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
    rules = tuple(desk_rules(settings, coin, CADENCE) for coin in settings.underlying)
    core = new_core(settings, rules, 2, {})
    recall(core, journal, past, T0)
    journal.close()
    assert [o.state for o in core.floor.orders] == [OrderState.UNKNOWN]


def test_a_run_that_did_nothing_leaves_nothing_to_go_on_from(tmp_path, settings):
    """Neither an account nor an order."""
    killed(tmp_path, ordered=False)
    journal = Journal.open(tmp_path, "demo")
    with pytest.raises(VerbError, match="an earlier run to resume"):
        past_of(journal, settings)
    journal.close()
