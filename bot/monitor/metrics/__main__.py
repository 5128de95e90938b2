"""`python -m bot.monitor.metrics docs/metrics.md`: write the catalogue's tables into the page."""

import sys
from pathlib import Path

from bot.monitor.metrics.catalogue import renewed

if __name__ == "__main__":
    page = Path(sys.argv[1])
    page.write_text(renewed(page.read_text(encoding="utf-8")), encoding="utf-8")
