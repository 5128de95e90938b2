"""The parts of a door without a broker: clocks that tests set, a queue that only remembers."""

from bot.domain.errors import JournalError
from bot.monitor.mqtt import Key
from bot.monitor.mqtt.door import Door
from bot.monitor.mqtt.seen import NAME, Seen
from tests.monitor.mqtt.signing import SECRET

NOW_MS = 1_767_000_000_000
OTHER = "another-secret-that-is-long-enough-0123"


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self):
        self.ms = NOW_MS

    def now_ms(self):
        """Return wall time."""
        return self.ms

    def s(self):
        """Return seconds that nobody sets."""
        return self.ms / 1_000


class Queue:
    """A command queue that keeps what is asked of it."""

    def __init__(self):
        self.queued, self.refusals, self.outcomes = [], [], {}
        self.withdrawn, self.fault = [], ""

    def submit(self, verb, coin, *, who, why, arguments, name=None):
        """Queue a command, or raise the fault that is set."""
        if self.fault:
            raise JournalError(self.fault)
        if name in self.outcomes:
            raise JournalError(
                "expected rows that keep the journal's rules, found one that does not"
            )
        self.queued.append((verb, coin, who, why, dict(arguments), name))
        self.outcomes[name] = None
        return name

    def refused(self, verb, *, who, why, arguments, why_not):
        """Keep a refusal."""
        if self.fault:
            raise JournalError(self.fault)
        self.refusals.append((verb, who, why, dict(arguments), why_not))

    def outcome(self, name):
        """Return what was set."""
        if name not in self.outcomes:
            raise JournalError(f"expected a command {name!r}, found none")
        return self.outcomes[name]

    def withdraw(self, name):
        """Take it back."""
        self.withdrawn.append(name)
        return True


class Said(list):
    """What was told."""

    def __call__(self, event, level="info", **fields):
        """Keep what is told."""
        self.append((event, level, fields))


def door_in(folder, clock, keys=None):
    """Return a door whose memory lies in a folder."""
    secrets = {"desk": SECRET, "night": OTHER} if keys is None else keys
    made = {name: Key(secret) for name, secret in secrets.items()}
    return Door(made, Seen(folder / NAME), now_ms=clock.now_ms, clock_s=clock.s)
