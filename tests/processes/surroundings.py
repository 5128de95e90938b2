"""Everything that looks at a bot at once, each of it well or in the worst way: for a bot beside it.

    broker    a real mosquitto: well, stopped, hung (SIGSTOP), or one that refuses the login
    webhook   takes alerts, or takes the connection and never answers
    logs      a log file on a disk that has room, or on one that is full
    metrics   scraped each second
    readers   ten that hear the dashboard's stream, and a browser where there is one

What it asks of the bot is in `settings`; what the bot does must not depend on any of it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.monitor.mqtt.broker import PASSWORDS, PROGRAM, Mosquitto, free_port

TOP: Final = Path(__file__).parents[2]
FULL: Final = Path("/dev/full")
BROKERS: Final = ("well", "stopped", "hung", "refusing")


@dataclass(slots=True)
class Surroundings:
    """Settings that name everybody (`--set` arguments), the environment, and what was counted."""

    settings: list[str] = field(default_factory=list)
    environ: dict[str, str] = field(default_factory=dict)
    alerts: list[bytes] = field(default_factory=list)
    scraped: int = 0
    streamed: int = 0

    @property
    def arguments(self) -> tuple[str, ...]:
        """Return them as the command line has them."""
        return tuple(part for text in self.settings for part in ("--set", text))


@contextmanager
def surroundings(
    folder: Path,
    *,
    broker: str = "well",
    webhook: bool = True,
    full_disk: bool = False,
    readers: int = 0,
) -> Iterator[Surroundings]:
    """Set up what the settings name; the bot's state lies in `folder/state`.

    `webhook` answers, the log's disk is full or not, `readers` look at a dashboard, and a browser.
    """
    around = Surroundings()
    with ExitStack() as stack:
        stack.enter_context(_broker(folder, broker, around))
        stack.enter_context(_webhook(around) if webhook else _silence(around))
        stack.enter_context(_scraper(around))
        if readers:
            stack.enter_context(_dashboard(folder / "state", readers, around))
        around.settings.append(f'logs.file="{_log(folder, full=full_disk)}"')
        yield around


def _log(folder: Path, *, full: bool) -> Path:
    """Return a log file; a full disk is the system's own."""
    return FULL if full else folder / "bot.log"


@contextmanager
def _broker(folder: Path, how: str, around: Surroundings) -> Iterator[None]:
    """Offer a broker in one of the ways of `BROKERS`; none where mosquitto is not installed."""
    if PROGRAM is None:
        yield
        return
    home = folder / "broker"
    home.mkdir()
    broker = Mosquitto(home)
    if how == "refusing":
        assert PASSWORDS is not None
        known = broker.passwords(deltaband="another")
        broker.configure(["allow_anonymous false", f"password_file {known}"])
        around.settings.append('mqtt.username="deltaband"')
        around.environ["DELTABAND_MQTT_PASSWORD"] = "not-that-one"
    around.settings.append(f'mqtt.url="mqtt://127.0.0.1:{broker.port}"')
    if how != "stopped":
        broker.start()
    if how == "hung":
        broker.freeze()
    try:
        yield
    finally:
        broker.stop()


@contextmanager
def _webhook(around: Surroundings) -> Iterator[None]:
    """Take alerts over HTTP."""

    class Handler(BaseHTTPRequestHandler):
        """Takes a POST."""

        def do_POST(self) -> None:
            """Keep the body."""
            around.alerts.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    around.settings.append(f'alerts.urls=["json://127.0.0.1:{server.server_port}/"]')
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def _silence(around: Surroundings) -> Iterator[None]:
    """Take connections and never answer."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:
        port = server.getsockname()[1]
        around.settings.append(f'alerts.urls=["json://127.0.0.1:{port}/"]')
        yield


@contextmanager
def _scraper(around: Surroundings) -> Iterator[None]:
    """Scrape the metrics each second, as Prometheus would."""
    address, done = f"127.0.0.1:{free_port()}", threading.Event()
    around.settings.append(f'metrics.listen="{address}"')

    page = f"http://{address}/metrics"

    def scrape() -> None:
        while not done.wait(1.0):
            with suppress(OSError), urllib.request.urlopen(page, timeout=2.0) as shown:
                around.scraped += bool(shown.read())

    thread = threading.Thread(target=scrape, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(5.0)


@contextmanager
def _dashboard(state: Path, readers: int, around: Surroundings) -> Iterator[None]:
    """Serve the page, let some hear its stream, and a browser draw it."""
    command = [sys.executable, "-m", "bot", "dashboard", "--json", "--listen", "127.0.0.1:0"]
    own = {k: v for k, v in os.environ.items() if not k.startswith("DELTABAND_")}
    server = subprocess.Popen(
        [*command, "--set", f"state_dir={state}"],
        cwd=TOP, env=own, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert server.stdout is not None
    url = json.loads(server.stdout.readline())["url"]

    done = threading.Event()

    def listen() -> None:
        while not done.wait(0.5):  # a stream ends where a bot comes; a browser asks again, too
            with suppress(OSError), urllib.request.urlopen(f"{url}stream", timeout=60.0) as stream:
                for _ in stream:
                    around.streamed += 1

    threads = [threading.Thread(target=listen, daemon=True) for _ in range(readers)]
    for thread in threads:
        thread.start()
    try:
        with _browser(url):
            yield
    finally:
        done.set()
        server.terminate()
        try:
            server.wait(15)
        finally:
            server.kill()
            server.wait()
            server.stdout.close()
        for thread in threads:
            thread.join(10.0)


@contextmanager
def _browser(url: str) -> Iterator[None]:
    """Let a browser draw a page as a desk would see it, where there is one."""
    program = shutil.which("chromium")
    if program is None:
        yield
        return
    with TemporaryDirectory() as profile:
        process = subprocess.Popen(
            [
                *(program, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
                *(f"--user-data-dir={profile}", "--remote-debugging-port=0", url),
            ],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            _emptied(Path(profile))


def _emptied(folder: Path) -> None:
    """Wait until a killed browser writes no more."""
    for _ in range(50):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            folder.mkdir()
            return
        time.sleep(0.1)
