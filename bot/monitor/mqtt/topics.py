"""Where things are told: the topics of one instance, all below `deltaband/<instance>`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

ROOT: Final = "deltaband"


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one instance."""

    instance: str

    @property
    def availability(self) -> str:
        """Return where `online` or `offline` is kept."""
        return f"{ROOT}/{self.instance}/availability"

    @property
    def state(self) -> str:
        """Return where the newest state is kept."""
        return f"{ROOT}/{self.instance}/state"

    @property
    def commands(self) -> str:
        """Return what is subscribed to: every command, and nothing else."""
        return f"{ROOT}/{self.instance}/cmd/#"

    def event(self, kind: str) -> str:
        """Return where what happened is told."""
        return f"{ROOT}/{self.instance}/event/{kind}"

    def reply(self, command_id: str) -> str:
        """Return where a command is answered."""
        return f"{ROOT}/{self.instance}/reply/{command_id}"

    def verb(self, topic: str) -> str:
        """Return the verb that a command's topic names."""
        return topic.removeprefix(f"{ROOT}/{self.instance}/cmd/")
