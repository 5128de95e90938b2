"""From arrival to reply: what is let in is queued once, what is not is audited."""

import json

import pytest

from bot.monitor.mqtt import audit as audit_module
from bot.monitor.mqtt.audit import ANYBODY, Audit
from bot.monitor.mqtt.commands import ANSWER_S, FORGET_S, Commands
from bot.monitor.mqtt.link import Arrived
from tests.monitor.mqtt.parts import Clock, Queue, Said, door_in
from tests.monitor.mqtt.signing import signed


class Desk:
    """Commands with all their parts in reach."""

    def __init__(self, folder):
        """Put them together."""
        self.clock, self.queue, self.said = Clock(), Queue(), Said()
        self.replies: list[dict[str, object]] = []
        door = door_in(folder, self.clock)
        audit = Audit(self.queue, self.said, self.clock.s)
        self.commands = Commands(door, self.queue, audit, self.said, self._replied, self.clock.s)

    def _replied(self, command_id, told):
        assert told["id"] == command_id
        self.replies.append(dict(told))

    def send(self, cmd="pause", *, verb=None, retained=False, lost=0, **changed):
        """Let a signed command arrive and return its payload."""
        payload = signed(cmd, now_ms=self.clock.ms, **changed)
        self.arrive(payload, verb or cmd, retained=retained, lost=lost)
        return payload

    def arrive(self, payload, verb="pause", *, retained=False, lost=0):
        """Let a payload arrive on the topic of a verb."""
        self.commands.take(verb, Arrived("", payload, retained, lost))

    def nonce(self):
        """Ask for a challenge and return what it is answered with."""
        self.send("challenge")
        return self.replies.pop()["nonce"]


@pytest.fixture
def desk(tmp_path):
    """Return such a desk."""
    return Desk(tmp_path)


def test_a_pause_is_queued_with_who_and_why_and_answered_when_the_bot_has(desk):
    """Under a name that the journal takes once."""
    payload = desk.send(args={"coin": "BTC", "why": "news"})
    name = f"desk:{json.loads(payload)['id']}"
    assert desk.queue.queued == [("pause", "BTC", "mqtt:desk", "news", {}, name)]
    desk.commands.tick()
    assert desk.replies == []
    desk.queue.outcomes[name] = (True, "PAUSED")
    desk.commands.tick()
    (reply,) = desk.replies
    found = {name: reply[name] for name in ("v", "verb", "accepted", "outcome")}
    assert found == {"v": 1, "verb": "pause", "accepted": True, "outcome": "PAUSED"}
    desk.commands.tick()
    assert len(desk.replies) == 1


def test_a_target_is_queued_with_its_number_after_a_challenge(desk):
    """As the command line queues it."""
    args = {"coin": "BTC", "target": "-0.25"}
    desk.send("target", args=args)
    assert desk.queue.queued == []
    desk.send("target", args=args, nonce=desk.nonce())
    (queued,) = desk.queue.queued
    assert (queued[0], queued[1], queued[4]) == ("target", "BTC", {"target": -0.25})


def test_the_same_again_gets_the_same_reply_and_has_no_second_effect(desk, tmp_path):
    """Also while the bot has not answered, and after a restart of the monitor."""
    payload = desk.send()
    desk.arrive(payload)
    assert desk.replies == []
    (name,) = desk.queue.outcomes
    desk.queue.outcomes[name] = (True, "PAUSED")
    desk.commands.tick()
    desk.arrive(payload)
    after = Desk(tmp_path)
    after.queue.outcomes[name] = (True, "PAUSED")
    after.arrive(payload)
    assert [one["outcome"] for one in desk.replies] == ["PAUSED", "PAUSED"]
    assert desk.replies[0] == desk.replies[1] == after.replies[0]
    assert len(desk.queue.queued) == 1
    assert after.queue.queued == []
    assert [row[4] for row in desk.queue.refusals] == [
        "expected an id of its own, found the same again"
    ] * 2


def test_the_same_again_after_a_restart_waits_for_the_bot_or_is_not_known(desk, tmp_path):
    """It is never said to be refused while the bot may still obey it."""
    pause, challenge = desk.send(), desk.send("challenge")
    (name,) = desk.queue.outcomes
    after = Desk(tmp_path)
    after.queue.outcomes[name] = None
    after.arrive(pause)
    after.arrive(challenge, "challenge")
    (reply,) = after.replies
    assert (reply["verb"], reply["accepted"], "nonce" in reply) == ("challenge", False, False)
    after.queue.outcomes[name] = (True, "PAUSED")
    after.commands.tick()
    assert after.replies[-1]["outcome"] == "PAUSED"
    assert after.queue.queued == []


def test_the_same_challenge_again_has_no_second_nonce(desk):
    """It is answered as before."""
    payload = desk.send("challenge")
    desk.arrive(payload, "challenge")
    first, second = desk.replies
    assert first == second
    assert len(desk.commands.door._nonces) == 1


def test_another_command_with_the_id_of_one_before_is_told_so(desk):
    """Not what became of that one."""
    desk.send(id="the-same-id")
    (name,) = desk.queue.outcomes
    desk.queue.outcomes[name] = (True, "PAUSED")
    desk.commands.tick()
    desk.send("halt", id="the-same-id")
    assert [one["accepted"] for one in desk.replies] == [True, False]


@pytest.mark.parametrize("spoilt", [{"secret": "y" * 40}, {"key_id": "nobody"}, {"cmd_": 1}])
def test_who_has_no_key_gets_no_answer_and_a_row(desk, spoilt):
    """Nothing that helps to find one."""
    if "cmd_" in spoilt:
        desk.arrive(b"{}")
    else:
        desk.send(**spoilt)
    assert desk.replies == []
    assert desk.queue.queued == []
    ((verb, who, why, arguments, why_not),) = desk.queue.refusals
    assert (verb, who, why) == ("pause", ANYBODY, "")
    assert set(arguments) == {"fault"}
    assert why_not.startswith("expected ")


def test_who_has_a_key_is_told_why_not(desk):
    """And the row says whose key it was."""
    desk.send("resume", args={"why": "back"})
    (reply,) = desk.replies
    assert reply["accepted"] is False
    assert str(reply["outcome"]).startswith("refused: expected the unused nonce of a challenge")
    ((verb, who, why, arguments, _),) = desk.queue.refusals
    assert (verb, who, why) == ("resume", "mqtt:desk", "back")
    assert arguments["fault"] == "no_challenge"


def test_a_topic_that_is_no_verb_is_not_written_down_as_one(desk):
    """Anybody may have chosen its text."""
    desk.arrive(b"{}", "x" * 5_000)
    assert [row[0] for row in desk.queue.refusals] == [""]


def test_without_a_bot_nothing_stays_behind(desk):
    """It is refused, and the file that says where is not told."""
    desk.queue.fault = "expected a running bot in /secret/place, found none"
    desk.send()
    (reply,) = desk.replies
    assert (reply["accepted"], "/secret" in str(reply["outcome"])) == (False, False)
    desk.queue.fault = ""
    desk.commands.tick()
    assert len(desk.replies) == 1


def test_what_loosens_is_taken_back_where_the_bot_does_not_answer(desk):
    """What stops stays, is told to wait, and answered later."""
    desk.send("resume", nonce=desk.nonce())
    desk.send("pause")
    resume, pause = desk.queue.outcomes
    desk.clock.ms += round(ANSWER_S * 1_000) + 1
    desk.commands.tick()
    assert desk.queue.withdrawn == [resume]
    assert [one["verb"] for one in desk.replies] == ["resume", "pause"]
    assert [str(one["outcome"]).split(":")[0] for one in desk.replies] == ["withdrawn", "waits"]
    desk.commands.tick()
    assert len(desk.replies) == 2
    desk.queue.outcomes[pause] = (True, "PAUSED")
    desk.commands.tick()
    assert desk.replies[-1]["outcome"] == "PAUSED"
    desk.send("halt")
    desk.clock.ms += round(FORGET_S * 1_000) + 1
    desk.commands.tick()
    desk.commands.tick()
    assert desk.commands._open == {}


def test_a_flood_of_garbage_leaves_ten_rows_a_minute_and_one_that_counts(desk):
    """In the journal and in the log."""
    for _ in range(5_000):
        desk.arrive(b"garbage")
        desk.arrive(b"{}")
    desk.arrive(b"x" * 20_000, lost=7)
    assert len(desk.queue.refusals) == 10
    desk.clock.ms += 61_000
    desk.commands.tick()
    assert len(desk.queue.refusals) == 11
    *_, (verb, who, _, arguments, why_not) = desk.queue.refusals
    assert (verb, who) == ("", ANYBODY)
    faults = {"lost": 7, "not_json": 4_995, "shape": 4_995, "too_large": 1}
    assert arguments == {"faults": faults}
    assert why_not.startswith("9998 more within a minute (lost 7, ")
    assert [event for event, _, _ in desk.said] == ["mqtt.refused"] * 11
    desk.clock.ms += 61_000
    desk.commands.tick()
    assert len(desk.queue.refusals) == 11


def test_a_key_that_is_known_fills_no_disk_either(desk):
    """And keeps nobody's rows from being written."""
    for _ in range(1_000):
        desk.send("resume")
    assert len(desk.queue.refusals) == audit_module.MOST[True]
    desk.arrive(b"garbage")
    assert len(desk.queue.refusals) == audit_module.MOST[True] + 1
    desk.commands.close()
    assert desk.queue.refusals[-1][3] == {"faults": {"no_challenge": 980}}


def test_a_journal_that_cannot_be_written_is_told_once_a_minute(desk):
    """The log has each of the ten."""
    desk.queue.fault = "expected room on the disk, found it full"
    for _ in range(100):
        desk.arrive(b"garbage")
    events = [event for event, _, _ in desk.said]
    assert (events.count("mqtt.refused"), events.count("mqtt.not_audited")) == (10, 1)


def test_a_fault_of_ours_keeps_nobody_out(desk, monkeypatch):
    """The next command is heard."""
    with monkeypatch.context() as patched:
        patched.setattr(desk.commands.door, "judge", lambda *_, **__: 1 / 0)
        desk.send()
    desk.send()
    assert len(desk.queue.queued) == 1
    assert desk.queue.refusals[0][3] == {"fault": "fault"}
