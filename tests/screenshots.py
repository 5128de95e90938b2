"""`python -m tests.screenshots [FOLDER]`: the dashboard of a demo run, as pictures for the pages.

A paper run on the demo's seed is followed at 60 market seconds a second until its first option
settles, some 80 seconds; then a desk's screen and a phone's are kept as PNG files.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

TOP = Path(__file__).parents[1]
DOCS = TOP / "docs"
RUN = ("paper", "--for", "3h", "--seed", "7")
WANTED = "07:47"
PATIENCE_S = 240.0
DESK: dict[str, Any] = {"viewport": {"width": 1480, "height": 1556}, "color_scheme": "dark"}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 1240}, "color_scheme": "light", "device_scale_factor": 2,
    "is_mobile": True, "has_touch": True,
}  # fmt: skip


def address(run: subprocess.Popen[str]) -> str:
    """Return where the run's page is."""
    assert run.stderr is not None
    for line in run.stderr:
        if line.startswith("dashboard: "):
            return line.split()[1]
    raise SystemExit("expected the run to say where its dashboard is, found no such line")


def until(page: Any, clock: str) -> None:
    """Wait until the market's clock on the page has come so far."""
    deadline = time.monotonic() + PATIENCE_S
    while page.locator("#clock").inner_text().partition(" ")[2][:5] < clock:
        if time.monotonic() > deadline:
            raise SystemExit(f"expected the market to reach {clock}, found it slower")
        page.wait_for_timeout(500)


def main(folder: Path) -> None:
    """Take both pictures."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        command = [sys.executable, "-m", "bot", *RUN, "--set", f"state_dir={home}"]
        run = subprocess.Popen(
            command, cwd=TOP, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        try:
            url = address(run)
            desk, phone = (browser.new_context(**how).new_page() for how in (DESK, PHONE))
            desk.goto(url)
            until(desk, WANTED)
            desk.screenshot(path=folder / "dashboard-desktop.png")
            phone.goto(url)
            phone.wait_for_timeout(4_000)
            phone.screenshot(path=folder / "dashboard-phone.png")
        finally:
            browser.close()
            run.terminate()
            run.wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS)
