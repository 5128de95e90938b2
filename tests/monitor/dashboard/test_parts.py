"""What a reader is told: what he lacks, made of what is true by then."""

import orjson

from bot.monitor.dashboard.parts import Parts, Seen
from bot.monitor.dashboard.series import Series


def told(parts: Parts, seen: Seen) -> dict[str, object] | None:
    """Return the next message."""
    news = parts.news(seen)
    return None if news is None else orjson.loads(news)


def test_each_reader_gets_what_is_newer_than_his():
    """One that was quick and one that comes later."""
    parts, quick = Parts(), Seen()
    parts.put("now", {"a": 1})
    assert told(parts, quick) == {"reset": True, "now": {"a": 1}}
    assert told(parts, quick) is None
    parts.put("map", [1])
    assert told(parts, quick) == {"map": [1]}
    assert told(parts, Seen()) == {"reset": True, "now": {"a": 1}, "map": [1]}


def test_a_slow_reader_skips_to_the_newest():
    """A thousand changes are one message, not a queue."""
    parts, slow = Parts(), Seen()
    told(parts, slow)
    for n in range(1_000):
        parts.put("now", {"n": n})
    assert told(parts, slow) == {"now": {"n": 999}}
    assert told(parts, slow) is None


def test_what_did_not_change_is_no_news():
    """The same body again has the same version."""
    parts, seen = Parts(), Seen()
    assert parts.put("now", {"a": 1})
    told(parts, seen)
    assert not parts.put("now", {"a": 1})
    assert told(parts, seen) is None


def test_another_book_begins_anew_for_everybody():
    """Nothing of the old one is left to be mistaken for the new one's."""
    parts, seen = Parts(), Seen()
    parts.series["points"] = Series(("t", "x"))
    parts.series["points"].add("BTC", (1, 1.0))
    parts.put("map", [1])
    told(parts, seen)
    parts.begin_anew()
    parts.put("now", {})
    assert told(parts, seen) == {"reset": True, "now": {}}
