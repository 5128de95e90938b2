"""`python -m bot`: the same as the command `deltaband`."""

import sys

from bot.cli import main

if __name__ == "__main__":
    sys.exit(main())
