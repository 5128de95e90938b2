"""/healthz and /readyz, over a real socket."""

import json
from contextlib import closing

from bot.domain.states import State
from tests.journal.records import changed_state
from tests.monitor.metrics.bots import begin, feed, feeds, serving, stand


async def asked(served, path):
    """Return the status and the object of an answer."""
    status, kind, body = await served.get(path)
    assert kind.startswith("application/json")
    return status, json.loads(body)


async def test_a_bot_that_is_well_is_200_and_one_with_an_old_feed_503(tmp_path):
    """The object says which feed, of which coin, since when."""
    with closing(begin(tmp_path)) as journal:
        async with serving(tmp_path) as served:
            assert (await asked(served, "/healthz"))[0] == 503
            stand(journal)
            served.look()
            status, found = await asked(served, "/healthz")
            assert (status, found["healthy"], found["bot"]) == (200, True, "demo")
            stand(journal, feeds={"BTC": feeds(quote=feed(75.0, 2.0))})
            served.look()
            status, found = await asked(served, "/healthz")
    assert status == 503
    (problem,) = found["problems"]
    assert (problem["what"], problem["coin"], problem["age_s"]) == ("quote", "BTC", 75.0)
    assert problem["since"] == "2026-01-05T06:29:45.000Z"


async def test_a_halted_bot_is_well_and_not_ready(tmp_path):
    """A supervisor must not start it again for that."""
    with closing(begin(tmp_path)) as journal:
        stand(journal)
        async with serving(tmp_path) as served:
            served.look()
            assert (await asked(served, "/readyz"))[0] == 200
            journal.record(changed_state(State.RUNNING, State.HALTED))
            journal.commit()
            served.look()
            status, found = await asked(served, "/readyz")
            assert (status, found["ready"], found["state"]) == (503, False, "HALTED")
            status, found = await asked(served, "/healthz")
    assert (status, found["said"][0]) == (200, "HALTED")


async def test_a_bot_that_is_gone_is_503(tmp_path):
    """At once, and for the reason that it is gone."""
    journal = begin(tmp_path)
    stand(journal)
    journal.close()
    async with serving(tmp_path) as served:
        served.look()
        status, found = await asked(served, "/healthz")
        assert (status, [one["what"] for one in found["problems"]]) == (503, ["bot"])
        assert (await asked(served, "/readyz"))[0] == 503
