"""The lines of a run on an exchange: catalogued, and each order on them has its decision."""

import json

from bot.sim.wire.hub import Opening
from tests.monitor.catalogued import uncatalogued
from tests.wire.test_run import Bot, straddle


async def test_the_lines_of_a_run_on_an_exchange_are_catalogued(serve, tmp_path):
    """Debug lines, the connection's own and the file's among them; its key is on none."""
    server = await serve(Opening(seed=3, compress=60, positions=straddle("-2")))
    bot = Bot(server, tmp_path)
    file = tmp_path / "logs" / "{instance}.jsonl"
    sets = ("--set", f'logs.file="{file}"', "--set", 'logs.level="debug"')
    code, _, said = await bot.run_until('"event":"hedge.done"', "-v", *sets, then_s=1.0)
    assert code == 0, said[-2_000:]
    lines = [json.loads(line) for line in said.splitlines()]
    assert uncatalogued(lines) == []
    assert {"run.started", "order.intended", "order.executed", "run.finished"} <= {
        line["event"] for line in lines
    }
    orders = [line for line in lines if "label" in line]
    assert all(line["decision"] for line in orders)
    assert bot.key.secret not in said
    kept = (tmp_path / "logs" / "sand.jsonl").read_text().splitlines()
    assert [json.loads(line)["event"] for line in kept] == [line["event"] for line in lines]
