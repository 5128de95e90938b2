"""The command `deltaband` whose loop hangs for ever as soon as a file is there.

    hanging_command.py FILE [ARGUMENT]...

What it does on each event is the program's own; before that it looks for the file.
"""

import sys
import time
from pathlib import Path
from unittest import mock

from bot.cli import main
from bot.domain.events import Event
from bot.stepper import Stepper


def command() -> int:
    """Run the arguments as the command would."""
    hang, *arguments = sys.argv[1:]
    step = Stepper.step

    def step_or_hang(self: Stepper, event: Event) -> None:
        while Path(hang).exists():
            time.sleep(0.05)
        step(self, event)

    with mock.patch.object(Stepper, "step", step_or_hang):
        return main(arguments)


if __name__ == "__main__":
    sys.exit(command())
