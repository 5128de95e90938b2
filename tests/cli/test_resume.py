"""A run that is resumed goes on with the day that was begun, not with a fresh one."""

import math
import sqlite3

import pytest

import config
from bot import wiring
from bot.cli import paper
from bot.domain.units import NS_PER_S


def test_the_days_counters_survive_a_restart(tmp_path, monkeypatch, capsys):
    """Fees, what gamma has cost, its turnover and holding times, and the day's first equity."""
    cores = []
    graph = wiring.paper

    def kept(*args, **options):
        made = graph(*args, **options)
        cores.append(made.core)
        return made

    monkeypatch.setattr(wiring, "paper", kept)
    loaded = config.load(sets=(f"state_dir={tmp_path}", "instance=again"))
    days = []
    for for_s, resume in ((120.0, False), (0.0, True)):
        paper.run_paper(
            loaded,
            for_s=for_s,
            speed=math.inf,
            seed=7,
            resume=resume,
            from_time=None,
            as_json=True,
        )
        days.append(cores[-1].floor.days["BTC"])
    capsys.readouterr()
    before, after = days
    assert before.fees_usd > 0.0
    assert after.fees_usd == pytest.approx(before.fees_usd, rel=1e-3)
    assert after.gamma_usd == pytest.approx(before.gamma_usd)
    assert after.gamma_coin == pytest.approx(before.gamma_coin)
    assert before.gamma_coin > 0.0
    traded, again = (core.gamma["BTC"].traded for core in cores)
    assert again.keys() == traded.keys()
    for name, last in traded.items():
        assert again[name].quantity == pytest.approx(last.quantity)
        assert 0 <= last.ts_ns - again[name].ts_ns < NS_PER_S
    # Equity is journalled with the samples, so its beginning is known to one sample's interval.
    db = sqlite3.connect(tmp_path / "again" / "journal.sqlite")
    first = db.execute(
        'SELECT equity_usd / "index", "index" FROM exposure'
        " WHERE coin = 'BTC' AND equity_usd > 0 ORDER BY seq LIMIT 1"
    ).fetchone()
    db.close()
    assert (after.start_equity, after.start_index) == pytest.approx(first)
