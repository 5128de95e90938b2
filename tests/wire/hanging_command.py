"""The command `deltaband` whose loop hangs for ever as soon as a file is there.

    hanging_command.py FILE [ARGUMENT]...

What it does on each event is the program's own; before that it looks for the file.
"""

import sys
import time
from pathlib import Path

from bot.cli import main
from bot.stepper import Stepper


def command() -> int:
    """Run the arguments as the command would."""
    hang, *arguments = sys.argv[1:]
    step = Stepper.step

    def step_or_hang(self, event):
        while Path(hang).exists():
            time.sleep(0.05)
        step(self, event)

    Stepper.step = step_or_hang
    return main(arguments)


if __name__ == "__main__":
    sys.exit(command())
