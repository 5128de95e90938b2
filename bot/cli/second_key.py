"""The second key of the settings; its file is read each time it is needed."""

from pathlib import Path

from bot.journal.queue import Command
from bot.journal.second_key import Check, no_key, unproven
from config.errors import ConfigError
from config.secrets import second_key


def check_of(path: Path | None) -> Check:
    """Return how a bot checks what only the second key may ask."""
    if path is None:
        return no_key

    def check(command: Command) -> str:
        try:
            return unproven(second_key(path).reveal(), command)
        except ConfigError as error:
            return f"refused: {error}"

    return check
