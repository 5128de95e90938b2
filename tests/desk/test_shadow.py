"""A second delta in the shadow: what it would have done, if calmer, and that it sends nothing."""

import ast
import math
from dataclasses import replace
from pathlib import Path
from typing import get_type_hints

import numpy as np
import pytest

from bot.book.book import UnderlyingRules
from bot.book.kinds import DeltaKind, DeltaRule
from bot.book.numeraire import Numeraire
from bot.desk import shadow
from bot.desk.shadow import FEWEST, Pairs, Shadow
from bot.domain.commands import Note, Place
from bot.domain.events import InstrumentsListed
from bot.domain.records import Decision, ExposureSample
from bot.domain.units import NS_PER_S
from bot.journal.digest import Digest
from bot.strategy.bands import Band, Landing, TradeTo
from bot.strategy.delta import DeltaPolicy
from bot.strategy.policies import Fixed
from tests.builders.books import NOW, PERPETUAL, OptionRow, chain, contract_of
from tests.builders.scripted_desk import CALL, PUT, ScriptedDesk, desk_rules, noted, placed

MODEL = DeltaRule(DeltaKind.MODEL)
STRIKES = tuple(range(46_000, 76_000, 2_000))
NARROW = DeltaPolicy(Band(-0.05, 0.0, 0.05), Fixed(0.005), Landing(TradeTo.TARGET))


def leaning(ratio):
    """Return the smile's delta at a skew-stickiness ratio."""
    return DeltaRule(DeltaKind.SMILE, ratio)


def rules(second, numeraire="usd", **more):
    """Return rules of a book on the model's delta with another one in its shadow."""
    measured = UnderlyingRules(
        "BTC", Numeraire(numeraire), "exclude", ("perpetual", "future"), shadow=second
    )
    return desk_rules(measure=measured, **more)


def smile(k):
    """Return a volatility that leans hard on the strike."""
    return 0.6 - 0.8 * k + 0.3 * k * k


class Leaning(ScriptedDesk):
    """A desk on a market whose volatility moves with its price at a ratio of `ratio`."""

    ratio = 2.0

    def to(self, index):
        """Move the price, and every strike's volatility with it; orders fill at once."""
        moved = math.log(index / 60_000.0)
        for row in self.rows:
            k = math.log(row.instrument.strike / 60_000.0)
            lean = -0.8 + 0.6 * k
            row.vol = smile(k) + (self.ratio - 1.0) * lean * moved
        self.fill(self.market(index))

    def fill(self, asked):
        """Fill orders, and those that they lead to."""
        while orders := placed(asked):
            asked = [c for order in orders for c in self.completes(order)]


def leaning_desk(second, positions, **more):
    """Return a desk with a smile of many strikes, running and hedged."""
    rows = [OptionRow(contract_of(k, call=call)) for k in STRIKES for call in (True, False)]
    desk = Leaning(rules=rules(second, delta=NARROW, **more), rows=rows, positions=dict(positions))
    desk.begins()
    for _ in range(3):
        desk.wait(0.4).to(60_000.0)
    desk.wait(60.0).to(60_000.0)  # a first sample to compare with
    return desk


def day(desk, samples, seed=1):
    """Let so many minutes pass on a path of small moves."""
    draw = np.random.Generator(np.random.PCG64(seed))
    for step in 2e-3 * draw.standard_normal(samples):
        desk.wait(60.0).to(desk.index * math.exp(step))
    return desk.core.shadows["BTC"]


PUTS = {contract_of(54_000, call=False).name: "-10", contract_of(62_000).name: "5"}


@pytest.mark.parametrize("numeraire", ["usd", "coin"])
def test_where_volatility_moves_with_the_price_its_delta_is_calmer_and_the_wrong_one_is_not(
    numeraire,
):
    """The market's R is 2: a delta at 2 leaves next to nothing, at 0 four times as much."""
    right = day(leaning_desk(leaning(2.0), PUTS, **_in(numeraire)), FEWEST + 10)
    wrong = day(leaning_desk(leaning(0.0), PUTS, **_in(numeraire)), FEWEST + 10)
    assert right.pairs.count == wrong.pairs.count > FEWEST
    assert right.pairs.ratio < 0.2
    assert 2.5 < wrong.pairs.ratio < 4.5


def _in(numeraire):
    return {"numeraire": numeraire}


def test_the_same_delta_in_the_shadow_does_what_is_really_done():
    """The model beside itself: the same trades, the same profits, at every sample."""
    desk = leaning_desk(MODEL, PUTS)
    twin = day(desk, FEWEST + 10)
    real = [c.intent for c in desk.commands if isinstance(c, Place)]
    assert len(real) > 20
    hedge = float(desk.positions[PERPETUAL])
    assert twin.hedge[PERPETUAL] == pytest.approx(hedge, abs=900.0)  # half the band
    assert twin.pairs.ratio == pytest.approx(1.0, abs=0.02)
    exposure = twin.exposure(desk.core.floor, desk.now_ns)
    assert abs(exposure.delta) <= 0.0051


def test_a_shadow_can_send_nothing():
    """By type, by what its module knows, and in fact."""
    assert get_type_hints(Shadow.look)["return"] == list[Note]
    assert get_type_hints(Shadow.see)["return"] is type(None)
    names = {
        alias.name
        for node in ast.walk(ast.parse(Path(shadow.__file__).read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert not names & {"Place", "Intent", "Command", "OrderTable", "Cancel"}
    desk = leaning_desk(leaning(2.0), PUTS)
    mark = len(desk.commands)
    desk.says("pause")
    day(desk, 30)
    assert placed(desk.commands[mark:]) == []


@pytest.mark.parametrize("second", [leaning(2.0), MODEL, DeltaRule(DeltaKind.VENUE)])
def test_what_is_really_done_is_the_same_with_and_without_a_shadow(second):
    """Every command but the shadow's own notes, and the digest."""
    heard = []
    for other in (None, second):
        desk = leaning_desk(other, PUTS)
        for step in 2e-3 * np.random.Generator(np.random.PCG64(5)).standard_normal(60):
            desk.wait(60.0).to(desk.index * math.exp(step))
        digest = Digest()
        told = []
        for command in desk.commands:
            record = command.record if isinstance(command, Note) else None
            if record is not None:
                digest.record(record)
            if isinstance(record, ExposureSample):
                kept = {n: x for n, x in record.shocks.items() if not n.startswith("shadow_")}
                told.append(repr(replace(record, shocks=kept)))
            elif getattr(record, "kind", "") != "shadow":
                told.append(repr(command))
        heard.append((told, digest.hexdigest()))
    assert heard[0] == heard[1]


def test_its_trades_are_decisions_of_their_own_kind():
    """With the reason, the trade, the cost and ids of their own."""
    desk = leaning_desk(leaning(2.0), PUTS)
    found = day(desk, 30)
    told = [d for d in noted(desk.commands, Decision) if d.kind == "shadow"]
    assert len(told) == found.trades > 5
    assert [d.id for d in told] == [f"BTC-1-shadow-{i + 1}" for i in range(len(told))]
    assert sum(d.cost_usd for d in told) == pytest.approx(found.cost_usd)
    for made in told:
        (trade,) = made.trades
        coins = trade.quantity / trade.limit
        assert made.delta_after_coin == pytest.approx(made.delta_coin + coins)
        assert not made.policy_lower <= made.delta_coin <= made.policy_upper
        # Half a dollar of spread, from half to three times of it by what the desk found.
        spread = made.cost_usd / abs(coins) - 5e-4 * trade.limit
        assert 0.24 < spread < 1.51
        assert made.refused == ()
    assert found.turnover_coin == pytest.approx(
        sum(abs(d.delta_after_coin - d.delta_coin) for d in told)
    )


def test_it_begins_with_the_hedge_that_the_book_has():
    """Nothing is apart then; what differs is traded in the shadow alone."""
    desk = leaning_desk(None, PUTS)
    real = float(desk.positions[PERPETUAL])
    late = Shadow.of(rules(leaning(2.0), delta=NARROW))
    assert late is not None
    assert late.figures(desk.core.floor, desk.now_ns)["trades"] == 0
    assert late.since_ns == 0
    late.look(desk.core.floor, desk.now_ns)
    assert late.since_ns == desk.now_ns
    assert late.trades == 0  # no volatility has leaned yet: without slopes it is the model's
    assert late.hedge == {PERPETUAL: real}


def test_what_a_person_trades_is_in_both_books():
    """A future bought by hand is not the shadow's hedge, and not a difference."""
    desk = leaning_desk(MODEL, {})
    found = desk.core.shadows["BTC"]
    before = found.exposure(desk.core.floor, desk.now_ns).delta
    desk.positions[PERPETUAL] = "600"
    for _ in range(3):
        desk.wait(6.0).told()
        desk.market()
    after = found.exposure(desk.core.floor, desk.now_ns).delta
    assert after - before == pytest.approx(0.01, abs=1e-6)
    assert found._hedge_coin(desk.core.floor, found.exposure(desk.core.floor, desk.now_ns)) == (
        pytest.approx(0.01, abs=1e-6)
    )


def test_options_traded_between_two_samples_are_no_profit():
    """That pair is left out, the next one counts again."""
    desk = leaning_desk(MODEL, PUTS)
    found = day(desk, 5)
    assert found.pairs.count == 5
    desk.positions[CALL.name.replace("65000", "64000")] = "-3"
    desk.wait(3.0).told()
    desk.wait(3.0).told()
    desk.wait(54.0).to(desk.index)
    assert found.pairs.count == 5
    day(desk, 2)
    assert found.pairs.count == 7


def test_a_gap_in_time_is_no_sample():
    """An hour without a look is an outage, not a minute."""
    desk = leaning_desk(MODEL, PUTS)
    found = day(desk, 5)
    desk.wait(3_600.0).to(desk.index * 1.05)
    assert found.pairs.count == 5
    assert found.real_usd == found.apart_usd == 0.0


@pytest.mark.parametrize("verb", ["pause", "halt"])
def test_while_nothing_may_be_sent_the_shadow_stands_still_too(verb):
    """Both are compared over the same hours."""
    desk = leaning_desk(leaning(2.0), PUTS)
    found = day(desk, 5)
    trades = found.trades
    desk.says(verb)
    day(desk, 20)
    assert found.trades == trades
    assert found.pairs.count > 20


def test_asking_how_it_stands_changes_nothing():
    """Readers ask at any time of the wall clock: decisions must not depend on it."""
    asked, left = leaning_desk(leaning(2.0), PUTS), leaning_desk(leaning(2.0), PUTS)
    draw = np.random.Generator(np.random.PCG64(9))
    for step in 2e-3 * draw.standard_normal(40):
        for desk in (asked, left):
            desk.wait(60.0).to(desk.index * math.exp(step))
        asked.core.sample("BTC", asked.now_ns + NS_PER_S)
        asked.core.preview("BTC", asked.now_ns)
    one, other = asked.core.shadows["BTC"], left.core.shadows["BTC"]
    assert replace(one, mark=None) == replace(other, mark=None)
    assert list(map(repr, asked.commands)) == list(map(repr, left.commands))


def test_figures_reach_samples_and_previews():
    """The sample has numbers; the preview whose delta it is and since when."""
    desk = leaning_desk(leaning(2.0), PUTS)
    found = day(desk, 3)
    shown = desk.core.preview("BTC", desk.now_ns)["shadow"]
    assert isinstance(shown, dict)
    assert (shown["kind"], shown["skew_stickiness"], shown["by_model"]) == ("smile", 2.0, 0)
    assert shown["since"].startswith("2026-01-05T08:00:0")
    assert (shown["trades"], shown["samples"]) == (found.trades, 3)
    assert shown["variance_ratio"] is None
    sample = noted(desk.commands, ExposureSample)[-1]
    assert sample.shocks["shadow_samples"] == 2.0  # the third came with the chain after it
    assert math.isnan(sample.shocks["shadow_variance_ratio"])
    real = desk.core.sample("BTC", desk.now_ns)
    lean = sample.shocks["shadow_delta_coin"] - sample.delta_coin
    apart = sample.shocks["shadow_hedge_coin"] - float(desk.positions[PERPETUAL]) / desk.index
    assert abs(lean) < 0.02 < abs(apart)
    assert real.shocks["shadow_hedge_coin"] == pytest.approx(
        sample.shocks["shadow_hedge_coin"], abs=1e-9
    )
    assert ScriptedDesk().started().core.preview("BTC", desk.now_ns)["shadow"] is None


def test_without_an_index_nothing_is_known_and_nothing_begins():
    """Until a price is there."""
    desk = ScriptedDesk(rules=rules(leaning(2.0)))
    desk.begins()
    found = desk.core.shadows["BTC"]
    assert found.since_ns == 0
    shown = found.shown(desk.core.floor, desk.now_ns)
    assert (shown["delta_coin"], shown["hedge_coin"], shown["since"]) == (None, None, None)


def test_a_future_that_has_gone_leaves_the_shadow_too():
    """An expired hedge is no difference, whether it is still listed or not."""
    name = "BTC-6JAN26"
    desk = ScriptedDesk(rules=rules(MODEL), futures=(PERPETUAL, name)).started()
    desk.wait(1.0).market()
    found = desk.core.shadows["BTC"]
    found.hedge[name] = 60_000.0
    held = found.exposure(desk.core.floor, desk.now_ns).delta
    assert held == pytest.approx(1.0, abs=1e-3)
    desk.wait(2 * 86_400.0)
    assert found.exposure(desk.core.floor, desk.now_ns).delta == pytest.approx(0.0, abs=1e-9)
    traded = [i for n, i in desk.core.floor.book.instruments.items() if n != name]
    desk.core.floor.book.instruments.pop(name)
    desk.handle(InstrumentsListed(desk.now_ns, "BTC", tuple(traded)))
    assert found.exposure(desk.core.floor, desk.now_ns).delta == pytest.approx(0.0, abs=1e-9)


def test_the_legs_that_no_smile_reaches_are_told():
    """Two strikes make none: a notice in the sample, no doubt that stops anything."""
    measured = UnderlyingRules("BTC", Numeraire.USD, "exclude", ("perpetual",), greeks=leaning(2.0))
    desk = ScriptedDesk(
        rules=desk_rules(measure=measured), positions={CALL.name: "-1", PUT.name: "-1"}
    ).started()
    sample = desk.core.sample("BTC", desk.now_ns)
    (notice,) = sample.doubts
    assert str(notice) == "delta_by_model(smile: legs=2)"
    assert str(desk.stands()) == "RUNNING"
    told = desk.core.preview("BTC", desk.now_ns)["reasons"]
    assert isinstance(told, list)
    assert str(notice) in told


def test_the_ratio_is_of_weighted_variances_and_needs_enough_pairs():
    """Halving weights; a mean is no variance."""
    draw = np.random.Generator(np.random.PCG64(2))
    real, other = draw.standard_normal((2, 4_000)) * np.array([[2.0], [1.0]]) + 50.0
    pairs = Pairs(0.5 ** (1 / 500))
    for i, (a, b) in enumerate(zip(real, other, strict=True)):
        assert math.isnan(pairs.ratio) == (i < FEWEST)
        pairs.add(float(a), float(b))
    weight = pairs.kept ** np.arange(4_000)[::-1]

    def variance(series):
        mean = np.average(series, weights=weight)
        return np.average((series - mean) ** 2, weights=weight)

    assert pairs.ratio == pytest.approx(variance(other) / variance(real), rel=1e-2)
    still = Pairs(0.9)
    for _ in range(FEWEST + 1):
        still.add(1.0, 1.0)
    assert math.isnan(still.ratio)


def test_it_looks_once_a_second_and_never_before_an_order():
    """What is really sent leaves first."""
    desk = leaning_desk(leaning(2.0), PUTS)
    found, floor = desk.core.shadows["BTC"], desk.core.floor
    found.hedge[PERPETUAL] += 30_000.0
    now_ns = desk.now_ns + NS_PER_S
    assert len(found.look(floor, now_ns)) == 1
    found.hedge[PERPETUAL] += 30_000.0
    assert found.look(floor, now_ns + NS_PER_S - 1) == []
    assert len(found.look(floor, now_ns + NS_PER_S)) == 1
    asked = desk.wait(60.0).market(61_500.0)
    assert placed(asked)
    assert found.looked_ns == now_ns + NS_PER_S
    desk.fill(asked)
    assert found.looked_ns == desk.now_ns


def test_where_no_order_can_leave_the_shadow_waits_too():
    """A venue that cannot be reached trades for nobody."""
    desk = leaning_desk(leaning(2.0), PUTS)
    found, floor = desk.core.shadows["BTC"], desk.core.floor
    found.hedge[PERPETUAL] += 30_000.0
    floor.barred = "lost"
    assert found.look(floor, desk.now_ns + NS_PER_S) == []
    floor.barred = ""
    assert len(found.look(floor, desk.now_ns + 2 * NS_PER_S)) == 1


def test_the_greeks_of_legs_add_up_to_the_delta_that_is_traded():
    """Readers see whose delta it is, leg by leg."""
    measured = UnderlyingRules("BTC", Numeraire.USD, "exclude", ("perpetual",), greeks=leaning(2.0))
    rows = [OptionRow(contract_of(k, call=c)) for k in STRIKES for c in (True, False)]
    desk = Leaning(
        rules=desk_rules(measure=measured, delta=NARROW), rows=rows, positions=dict(PUTS)
    )
    desk.begins()
    for _ in range(3):
        desk.wait(0.4).to(60_000.0)
    legs = desk.core.greek_rows(desk.now_ns)
    total = sum(float(str(row["delta_coin"])) for row in legs)
    assert total == pytest.approx(desk.core.sample("BTC", desk.now_ns).delta_coin, abs=1e-9)
    assert abs(total) < 0.01


def test_the_unwinding_of_a_settlement_is_the_policys_in_the_shadow_too():
    """The same steps on the same schedule as in truth, with the same delta."""
    end = 40 * 60
    short = contract_of(59_000, expiry_ns=NOW + end * NS_PER_S)
    desk = Leaning(
        rules=rules(MODEL, delta=replace(NARROW, width=Fixed(0.04))),
        rows=[OptionRow(short)], positions={short.name: "-1"},
    )  # fmt: skip
    desk.ratio = 1.0
    desk.begins()
    while desk.now_ns < NOW + (end - 31) * NS_PER_S:
        desk.wait(5.0)
        desk.fill(desk.market(60_000.0))
    found = desk.core.shadows["BTC"]
    steps = [
        d for d in noted(desk.commands, Decision)
        if d.kind == "shadow" and "settlement_unwind" in str(d.reasons[0])
    ]  # fmt: skip
    assert 20 < len(steps) <= 60
    left = float(desk.positions.get(PERPETUAL, 0))
    assert found.hedge[PERPETUAL] == pytest.approx(left, abs=2_500.0)
    assert left < 4_000.0


def test_its_cooldown_is_counted_from_its_own_trades():
    """Inside the owner's band a second hedge waits, as a real one would."""
    desk = leaning_desk(MODEL, PUTS)
    found = desk.core.shadows["BTC"]
    found.rules = replace(found.rules, delta=replace(NARROW, cooldown_s=10.0))
    found.hedge[PERPETUAL] += 1_200.0
    trades = []
    for _ in range(14):
        desk.wait(1.0).market()
        trades.append(found.trades)
        if len(trades) == 1:
            found.hedge[PERPETUAL] += 1_200.0
    first = trades[0]
    assert trades == [*[first] * 10, *[first + 1] * 4]


def test_a_chain_that_the_book_refused_closes_no_pair():
    """It says nothing of the options."""
    desk = leaning_desk(MODEL, PUTS)
    found, floor = desk.core.shadows["BTC"], desk.core.floor
    late = chain(desk.rows, ts_ns=desk.now_ns + 70 * NS_PER_S)
    found.see(floor, late)
    assert found.pairs.count == 0
