"""What a soak is judged by, and a thin week in one process in which every table is counted."""

from contextlib import closing
from dataclasses import astuple, replace
from types import SimpleNamespace

import numpy as np
import pytest

import config
from bot import wiring
from bot.cli.oddities import Oddities
from bot.domain.units import NS_PER_S
from bot.journal import Durability, Journal, RunStart
from bot.lab.scorecard import Promise, Scorecard
from bot.lab.witness import Witness
from bot.monitor import Logs
from bot.sim.later import LaterMarket
from bot.sim.ports import Cadence
from bot.stepper import Stepper
from tests.processes.growth import growing, sizes
from tests.processes.soak import Sample, judge, slope, watched
from tests.struck import struck

STEP_S = 3_600
HOURS = 24
DAYS = np.arange(HOURS, 7 * HOURS) / HOURS  # of a week after its first day, an hour apart
# How much is remembered at most, by its place: so little here that it is reached on the first day.
BOUNDS = {
    "bot.book.trades.KEPT": 2,
    "bot.execution.orders.ENDED": 4,
    "bot.monitor.story._REMEMBERED": 4,
    "bot.monitor.story._UNDER_WAY": 4,
    "bot.lab.scorecard.bands.REMEMBERED": 4,
    "bot.lab.scorecard.minutes.KEPT": 12,
    "bot.lab.scorecard.minutes.MINUTES_PER_DAY": 12,
}
# What holds more after each day all the same, and why that comes to nothing.
ALLOWED = {
    "steps.venue.exchange._clearing.delivered[]": "a price a day, for who asks the exchange later",
    "steps.venue.exchange.market._market._path._jumps._jumps": "jumps, a few a day, for a summary",
}


class Thin(LaterMarket):
    """The same path, looked at once an hour: a week of it passes in seconds."""

    @property
    def cadence(self):
        """Return how seldom it speaks."""
        return Cadence(*[float(STEP_S)] * 3)

    def next_time(self, now_ns):
        """Return the next hour's time."""
        return self.start_ns if now_ns < self.start_ns else now_ns + STEP_S * NS_PER_S

    def chain_due(self, coin, now_ns):
        """Tell that options come with every look."""
        return bool(coin and now_ns)


def look(number, **parts):
    """Return the look of an hour of a week at a bot that is as it should be."""
    usual = Sample(number / HOURS, 250_000_000, 12, 3, 1_000, number * 50_000, 3_000_000, number)
    return replace(usual, **parts)


def week(**parts):
    """Return a week of looks, an hour apart; each part is a function of the day."""
    days = np.arange(7 * HOURS) / HOURS
    return [
        look(number, **{name: int(part(day)) for name, part in parts.items()})
        for number, day in enumerate(days)
    ]


def wandering(generator, per_hour, spread):
    """Return a noise of so much left after an hour, and of such a deviation."""
    noise = np.zeros(len(DAYS))
    noise[0] = spread * generator.standard_normal()
    for hour in range(1, len(DAYS)):
        fresh = spread * np.sqrt(1.0 - per_hour**2) * generator.standard_normal()
        noise[hour] = per_hour * noise[hour - 1] + fresh
    return noise


def naive_bound(values):
    """Return the bound of who takes neighbouring hours for independent ones."""
    found, covariance = np.polyfit(DAYS, values, 1, cov="unscaled")
    rest = values - np.polyval(found, DAYS)
    return found[0] + 1.655 * np.sqrt(rest @ rest / (len(DAYS) - 2) * covariance[0, 0])


def test_a_flat_noisy_memory_passes_and_one_of_two_megabytes_a_day_does_not():
    """Noise of a megabyte from hour to hour hides neither."""
    noise = np.random.default_rng(1).normal(0.0, 1.0, len(DAYS))
    flat, grown = slope(DAYS, 250.0 + noise), slope(DAYS, 250.0 + noise + 2.0 * DAYS)
    assert abs(flat.slope) < 0.2
    assert flat.slope < flat.bound < 1.0
    assert grown.slope == pytest.approx(flat.slope + 2.0)
    assert grown.bound > grown.slope > 1.5


def test_memory_that_wanders_for_hours_is_not_taken_for_a_line():
    """Of memory that grows by the limit few series pass; counting hours as independent, many."""
    generator = np.random.default_rng(2)
    series = [DAYS + wandering(generator, 0.9, 2.0) for _ in range(400)]
    passes = np.mean([slope(DAYS, one).bound < 1.0 for one in series])
    assert passes < 0.1
    assert np.mean([naive_bound(one) < 1.0 for one in series]) > 0.2


def test_too_short_a_time_is_no_verdict():
    """Two blocks of time make a line and no error of it."""
    with pytest.raises(ValueError, match="three blocks of time, found 2"):
        slope(np.array([1.0, 1.1, 2.0]), np.array([1.0, 2.0, 1.0]))


def test_a_week_as_it_should_be_passes():
    """The growth of the journal is told and no fault: it is the operator's."""
    verdict = judge(week(memory=lambda day: 250e6 - 1e5 * day + 40e6 * min(day, 0.9)))
    assert verdict.broken == []
    assert "journal 1.2 MB a market day" in verdict.lines


@pytest.mark.parametrize(
    "part, course, words",
    [
        ("memory", lambda day: 250e6 + 2e6 * day, "resident memory"),
        ("files", lambda day: 12 + (day > 6.5), "descriptors: 12 at most on the first day, 13"),
        ("threads", lambda day: 3 + (day > 6.5), "threads: 3 at most on the first day, 4"),
        ("log", lambda day: 11e6 * day, "log 11.000 MB"),
        ("wal", lambda day: 5e6 * day, "write-ahead log"),
    ],
)
def test_each_thing_that_grows_is_named(part, course, words):
    """A leak of each kind alone breaks the verdict, by its own line alone."""
    struck("F70")
    (broken,) = judge(week(**{part: course})).broken
    assert words in broken


def test_a_run_is_seen_from_outside(tmp_path):
    """Market time moves, the figures are those of a process that has its journal open."""
    with watched(tmp_path, 0.1 / HOURS, 7, "--set", "kernels=numpy") as run:
        samples = list(run.samples(every_s=0.05))
        assert run.process.wait() == 0
    days = [sample.day for sample in samples]
    assert days == sorted(days)
    assert 0.0 <= days[-1] <= 0.1 / HOURS
    seen = [max(column) for column in zip(*map(astuple, samples), strict=True)]
    most = Sample(*seen)
    assert most.memory > 50_000_000
    assert most.files > 3
    assert most.threads >= 1
    assert most.journal > 0
    assert most.wal > 0
    assert most.cpu_s > 0.5


def test_no_table_grows_from_day_to_day(tmp_path, monkeypatch):
    """Expired instruments leave, ended orders leave, queues are empty again, memories are full."""
    for place, most in BOUNDS.items():
        monkeypatch.setattr(place, most)
    monkeypatch.setattr("bot.stepper.WAKE_NS", 60 * NS_PER_S)
    settings = bitcoin_alone()
    whole = wiring.market(settings, 7)
    market = Thin(whole, whole.start_ns + 900 * NS_PER_S)  # looked at amid settlement windows
    journal = Journal.open(tmp_path, "week", durability=Durability.BATCH)
    with closing(journal), (tmp_path / "log").open("w") as log:
        steps = wired(settings, market, journal, log)
        looks = [after(steps, market.start_ns, day) for day in (3, 4, 5, 6, 7)]
        struck("F70", 7)
    assert steps.core.floor.names.sequence > 100
    assert looks[-1]["steps.core.floor.orders._ended"] == 4
    assert growing(looks).keys() == ALLOWED.keys()


def test_what_grows_is_found_where_it_is():
    """A list in a table, an array, what a function holds; what comes and goes is none."""
    kept, held = {"a": [1]}, [1]
    root = SimpleNamespace(table=kept, array=np.zeros(1), call=lambda: held, queue=[1, 2])
    looks = [sizes({"root": root})]
    for count in (2, 3):
        kept["a"].append(count)
        held.append(count)
        root.array, root.queue = np.zeros(count), [1] * (count % 2)
        looks.append(sizes({"root": root}))
    assert growing(looks) == {
        "root.array": (8, 16, 24),
        "root.table[]": (1, 2, 3),
        "root.call~": (1, 2, 3),
    }


def bitcoin_alone():
    """Return the settings of the demo's book in BTC."""
    demo = config.load(environ={}).settings
    rows = [row for row in demo.paper.position if row.coin == "BTC"]
    paper = demo.paper.model_copy(update={"position": rows, "collateral": {"BTC": 5.0}})
    underlying = {"BTC": demo.underlying["BTC"]}
    return demo.model_copy(update={"underlying": underlying, "paper": paper})


def wired(settings, market, journal, log):
    """Return what takes the events of a paper run, with everybody who watches it."""
    graph = wiring.paper(settings, market, seed=7)
    journal.begin_run(
        RunStart(
            mode="paper",
            market="synthetic",
            seed=7,
            version="test",
            market_start_ns=market.start_ns,
            settings={},
            fresh=True,
        )
    )
    score = Scorecard(Promise(r.measure, r.delta.owner, r.gamma.band) for r in graph.rules)
    voice = Logs(log, json=True, wait=True)
    core = graph.core

    def views(now_ns):
        yield "plan", {coin: core.preview(coin, now_ns) for coin in core.rules}
        yield "positions", core.position_rows()
        yield "greeks", core.greek_rows(now_ns)

    return Stepper(
        core,
        graph.venue,
        journal,
        market.start_ns,
        observers=(Witness(score, journal, voice), Oddities(core, graph.settings, voice)),
        views=views,
        account=lambda: (tuple(core.floor.book.holdings.positions.values()), ()),
    )


def after(steps, start_ns, day):
    """Go on until so many days have passed; return what everything holds then."""
    until_ns, count = start_ns + day * HOURS * STEP_S * NS_PER_S, 0
    while (event := steps.venue.next_event(until_ns)) is not None:
        steps.step(event)
        steps.tell()
        count += 1
        if count % 64 == 0:
            steps.beat()
    steps.show()
    steps.beat()
    return sizes({"steps": steps})
