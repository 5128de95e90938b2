"""What every test shares: the recorded data's folder, hypothesis profiles and an honest summary.

A test that reads recorded market data asks for `data_dir`. Without DELTABAND_DATA it is skipped
with that reason; with it, a missing folder or a skipped data test is a failure, so that a green
run on a machine that has the data says that the data was read.
"""

import os
import signal
import threading
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

DATA = "DELTABAND_DATA"
HERE = Path(__file__).parent
LONG = frozenset({"cli", "lab", "simulation", "wire"})

settings.register_profile("dev", deadline=None)
settings.register_profile(
    "ci", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ci" if os.environ.get("CI") else "dev")

# A shell that starts a command in the background lets it ignore SIGINT, a supervisor perhaps more,
# and so would everything that is started from here: the programs under test must hear them.
if threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for ignored in (signal.SIGHUP, signal.SIGTERM, signal.SIGUSR1):
        signal.signal(ignored, signal.SIG_DFL)


STOPS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol():
    """Give every test the signals that the one before found, and so every program it starts.

    A run of the bot ends with its process: it leaves its stop signals ignored behind it.
    """
    found = {number: signal.getsignal(number) for number in STOPS}
    try:
        return (yield)
    finally:
        for number, handler in found.items():
            signal.signal(number, handler)


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items):
    """Begin with the folders whose tests take longest, so that no worker is left alone with one."""
    found = yield
    items.sort(key=lambda item: item.path.relative_to(HERE).parts[0] not in LONG)
    return found


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Return the folder of recorded data, or skip where DELTABAND_DATA names none."""
    named = os.environ.get(DATA)
    if not named:
        pytest.skip(f"needs recorded data ({DATA})")
    folder = Path(named).resolve()
    if not folder.is_dir():
        pytest.fail(f"{DATA} must name a folder, found {named!r}", pytrace=False)
    return folder


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """Turn the skip of a data test into a failure where the data is said to be there."""
    report = yield
    reads_data = "data_dir" in item.fixturenames or item.get_closest_marker("data")
    if report.skipped and not hasattr(report, "wasxfail") and reads_data and os.environ.get(DATA):
        report.outcome = "failed"
        report.longrepr = f"{DATA} is set, so this test must run, but it skipped: {_reason(report)}"
    return report


def pytest_terminal_summary(terminalreporter):
    """Close with one line per reason to skip, so that nothing stays untested unseen."""
    reasons = Counter(_reason(report) for report in terminalreporter.stats.get("skipped", ()))
    for reason, count in sorted(reasons.items()):
        terminalreporter.write_line(f"skipped: {reason} ({count})")


def _reason(report) -> str:
    """Return why a report was skipped, without pytest's prefix."""
    where = report.longrepr
    text = where[2] if isinstance(where, tuple) else str(where)
    return text.removeprefix("Skipped: ").strip() or "no reason given"
