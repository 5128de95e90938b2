"""The page in a real browser: what a desk sees, and what no journal can make it do."""

import json
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from bot.domain.reasons import Because, Reason
from bot.domain.records import Standing, StateChange, Word
from bot.domain.states import State
from bot.domain.units import NS_PER_S
from bot.journal.equity import Pnl, TwinPnl
from bot.journal.lock import MONITOR, Lock
from tests.journal.records import T0, breach, decision, hedge_done, run_start, sample
from tests.monitor.dashboard.bots import Bot, explain, hedge, measured, shown, write

TOP = Path(__file__).parents[3]
CHROMIUM = shutil.which("chromium")
PATIENCE_MS = 30_000
LOUD = {"error", "warning"}
CANARY = '<img src=x onerror="window.hurt=1"><script>window.hurt=1</script>$x$'

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium on this machine"),
]


@pytest.fixture(scope="module")
def browser():
    """Return a real browser for all tests of this module."""
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


class Dashboard:
    """The command, serving a state folder until it is ended."""

    def __init__(self, state, *args, port=0):
        """Start it and hear where it is."""
        command = [sys.executable, "-m", "bot", "dashboard", "--json"]
        command += ["--listen", f"127.0.0.1:{port}", "--set", f"state_dir={state}", *args]
        self.process = subprocess.Popen(command, cwd=TOP, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = json.loads(self.process.stdout.readline())["url"]
        self.port = int(self.url.rpartition(":")[2].strip("/"))

    def end(self):
        """End it as a person would; harmless when repeated."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        if self.process.stdout is not None:
            self.process.stdout.close()


@pytest.fixture
def serve():
    """Return a starter of dashboards that end with the test."""
    started = []

    def start(*args, **more):
        started.append(Dashboard(*args, **more))
        return started[-1]

    yield start
    for one in started:
        one.end()


@pytest.fixture
def live(tmp_path):
    """Return a starter of bots on one journal that end with the test."""
    bots = []

    def start(*deeds, instance="demo"):
        bots.append(Bot(tmp_path, *deeds, instance=instance))
        return bots[-1]

    yield start
    for bot in bots:
        bot.end()


@pytest.fixture
def look(browser):
    """Return an opener of pages, whose faults fail the test at its end."""
    contexts, faults = [], []

    def open_at(url, *, clean=True, **how):
        context = browser.new_context(
            viewport=how.pop("viewport", {"width": 1440, "height": 900}), **how
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        if clean:
            page.on("console", lambda m: faults.extend([m.text] * (m.type in LOUD)))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(url)
        return page

    yield open_at
    for context in contexts:
        context.close()
    assert faults == []


def hover(page, selector):
    """Point at something in a chart and return what its label says."""
    page.locator(selector).first.scroll_into_view_if_needed()
    page.wait_for_timeout(1_200)  # until nothing is drawn anew under the pointer
    box = page.locator(selector).first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    label = page.locator(f"{selector.split()[0]} .hoverlayer .hovertext")
    label.first.wait_for()
    return label.first.text_content()


def demo_views(journal):
    """Show what the demo book's bot would: views a real core has made."""
    for name, body in shown(120.0).items():
        journal.view(name, T0, body)


def test_every_panel_renders_and_nothing_complains(tmp_path, live, serve, look):
    """A whole book on a desk's screen, without one word in the browser's console."""
    live(demo_views, hedge(5), hedge(400, kind="unwind"))
    page = look(serve(tmp_path).url)
    page.wait_for_selector(".coin[data-coin=ETH]")
    for panel in ("exposure", "map", "smile", "expiry"):
        page.locator(f"#{panel}").scroll_into_view_if_needed()
        page.wait_for_selector(f"#{panel} .js-plotly-plot .main-svg")
    for panel, text in (
        ("#hedges", "delta above owner"), ("#book", "12JAN26"), ("#orders", "none: nothing rests"),
        ("#expiry", "5JAN26"), ("#health", "heartbeat"), ("#smile", "fitted"),
        ("#margin", "not told this account's margin yet"),
    ):  # fmt: skip
        page.locator(panel).scroll_into_view_if_needed()
        page.wait_for_selector(f"{panel}:has-text({json.dumps(text)})")
    assert "delta above owner" in hover(page, "#exposure .points path.point")
    assert "vol ×" in hover(page, "#map .heatmaplayer")
    assert page.locator("#stale").is_hidden()
    assert page.locator("#pulse").inner_text() == "RUNNING"


def test_the_days_profit_is_a_cascade_of_its_causes(tmp_path, live, serve, look):
    """Each bar begins where the one before it ended; what is nothing has none."""
    live(demo_views, hedge(5))
    explain(
        tmp_path,
        60,
        gamma=-12.0,
        theta=9.0,
        delta=1.0,
        fees=-0.5,
        unexplained=0.1,
        translation=-5.0,
    )
    page = look(serve(tmp_path).url)
    page.locator("#attribution").scroll_into_view_if_needed()
    page.wait_for_selector("#attribution .cascade")
    assert page.locator("#attribution .cascade").inner_text().split("\n") == [
        *("delta", "+$60", "gamma", "−$720", "theta", "+$540", "fees", "−$30"),
        *("unexplained", "+$6.00", "total", "−$144"),
    ]
    said = page.locator("#attribution").inner_text()
    assert "translation of the account's coins −$300, equity in all −$444" in said


def test_what_settles_at_eight_is_of_the_day_that_ends(tmp_path, live, serve, look):
    """Its step began before: the new day has the minutes that began in it."""
    live(demo_views, hedge(5))
    eight = T0 + 90 * 60 * NS_PER_S
    explain(tmp_path, 1, start_ns=eight - 58 * NS_PER_S, gamma=-5_000.0)
    explain(tmp_path, 3, start_ns=eight + 2 * NS_PER_S, gamma=-2.0)
    page = look(serve(tmp_path).url)
    page.locator("#attribution").scroll_into_view_if_needed()
    page.wait_for_selector("#attribution .cascade")
    assert page.locator("#attribution .cascade").inner_text().split("\n") == [
        *("gamma", "−$6.00", "total", "−$6.00"),
    ]


def test_strip_and_cascade_tell_one_profit_over_all_runs_of_the_day(tmp_path, serve, look):
    """A run that goes on begins its twins at nothing: neither figure follows them."""

    def made(n, usd):
        told = TwinPnl(T0 + n * 60 * NS_PER_S, "BTC", Pnl(usd), Pnl(-usd), Pnl(0.0))
        return lambda journal: journal.equity(told)

    write(tmp_path, measured(1), made(1, 10.0), made(10, 90.0))
    write(tmp_path, measured(900), made(15, 0.0), made(20, -30.0), fresh=False)
    explain(tmp_path, 10, gamma=8.0, translation=3.0)
    explain(tmp_path, 5, start_ns=T0 + 15 * 60 * NS_PER_S, gamma=-36.0, unexplained=0.2)
    page = look(serve(tmp_path, "--instance", "demo").url)
    page.wait_for_selector(".coin[data-coin=BTC]:has-text('P&L since')")
    assert "−$99" in page.locator(".coin[data-coin=BTC]").inner_text()
    page.locator("#attribution").scroll_into_view_if_needed()
    page.wait_for_selector("#attribution .cascade")
    assert page.locator("#attribution .cascade .whole").all_inner_texts() == ["total", "−$99"]
    assert "without the unexplained −$100" in page.locator("#attribution").inner_text()
    page.wait_for_selector("#attribution .annotation-text:has-text('hedged +$60')")


def test_a_hedge_is_seen_within_two_seconds(tmp_path, live, serve, look, record_property):
    """From the commit to the row on the page; what was measured is printed."""
    bot = live(hedge(5))
    page = look(serve(tmp_path).url)
    page.wait_for_selector("#hedges .hedge")
    took = []
    for n in range(100, 105):
        begun = time.monotonic()
        bot.tell(hedge(n))
        at = (T0 + n * 1_000_000_000 + 400_000_000) // 1_000_000
        page.wait_for_selector(f"#hedges .hedge[data-t='{at}']")
        took.append(time.monotonic() - begun)
    worst = max(took)
    record_property("hedge_seen_s", worst)
    sys.stdout.write(f"a hedge was seen after at most {worst:.2f} s\n")
    assert page.locator("#hedges .hedge").count() == 6


def test_the_page_outlives_the_bot_and_finds_it_again(tmp_path, serve, look):
    """Killed: what was last known, marked with its age. Back: live, without a reload."""

    def start():
        command = [sys.executable, "-m", "bot", "paper", "--no-dashboard", "--for", "3h"]
        command += ["--set", f"state_dir={tmp_path}", "--set", "kernels=numpy"]
        return subprocess.Popen(
            command, cwd=TOP, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    bot = start()
    try:
        while not (tmp_path / "demo" / "journal.sqlite").exists():
            time.sleep(0.1)
        page = look(serve(tmp_path, "--instance", "demo").url)
        page.evaluate("window.same = true")
        page.wait_for_selector("#pulse.inside")
        page.wait_for_selector(".coin[data-coin=BTC] .delta")
        bot.kill()
        bot.wait()
        page.wait_for_selector("#pulse.lost")
        assert "STALE" in page.locator("#stale").inner_text()
        assert "cut off" in page.locator("#stale").inner_text()
        assert page.locator(".coin[data-coin=BTC].dim").count() == 1
        page.wait_for_selector("#exposure .js-plotly-plot .main-svg")
        bot = start()
        page.wait_for_selector("#pulse.inside")
        assert page.locator("#stale").is_hidden()
        assert page.evaluate("window.same") is True
    finally:
        bot.kill()
        bot.wait()


def test_the_strip_says_that_nobody_is_told(tmp_path, live, serve, look):
    """The page is where somebody looks; whoever waits for an alarm does not."""

    def tells(journal):
        journal.end_run({})
        journal.begin_run(run_start(settings={"mqtt": {"url": "mqtt://127.0.0.1"}}))

    live(tells)
    page = look(serve(tmp_path).url)
    page.wait_for_selector("#stale:has-text('NOBODY IS TOLD how it stands')")
    page.wait_for_selector("#pulse.inside")
    assert page.locator(".coin.dim").count() == 0
    monitor = Lock(tmp_path / "demo" / MONITOR, "the only one", "")
    page.wait_for_selector("#stale", state="hidden")
    monitor.release()


def test_the_page_outlives_the_dashboard(tmp_path, live, serve, look):
    """It asks again until somebody answers, and is told everything anew."""
    bot = live(hedge(5))
    first = serve(tmp_path)
    page = look(first.url, clean=False)
    page.wait_for_selector("#hedges .hedge")
    first.end()
    page.wait_for_selector("#pulse:has-text('dashboard lost')")
    serve(tmp_path, port=first.port)
    bot.tell(hedge(50))
    page.wait_for_selector("#pulse.inside")
    page.wait_for_function("document.querySelectorAll('#hedges .hedge').length === 2")


def test_nothing_from_a_journal_is_ever_markup(tmp_path, live, serve, look):
    """In reasons, instruments, words of operators and names of runs."""

    def hostile(journal):
        because = Because(Reason.OPERATOR, CANARY, {CANARY: 1.0})
        journal.record(decision(7, reasons=(because,), refused=(because,)))
        journal.record(hedge_done(7, reason=CANARY, kind="delta"))
        journal.record(StateChange(T0, "BTC", State.RUNNING, State.PAUSED, (because,)))
        journal.view("positions", T0, [{"instrument": CANARY, "quantity": 1.0, "tag": CANARY}])
        journal.view("greeks", T0, [
            {"instrument": f"BTC-{CANARY}", "quantity": 1.0, "delta_coin": 0.5, "vol": None,
             "forward": None, "gamma_coin_per_pct": 0.0, "vega_usd": 0.0, "theta_usd_day": 0.0}
        ])  # fmt: skip
        journal.view(
            "feeds",
            T0,
            {
                "BTC": {
                    "index_ns": T0,
                    "chain_ns": T0,
                    "windows": {},
                    "quotes_ns": {CANARY: T0},
                    "refused": [],
                    "state": "RUNNING",
                    "barred": CANARY,
                }
            },
        )

    live(hostile)
    page = look(serve(tmp_path).url)
    page.wait_for_selector("#hedges .hedge")
    for panel in ("health", "book", "exposure", "orders"):
        page.locator(f"#{panel}").scroll_into_view_if_needed()
        page.wait_for_timeout(400)
    page.wait_for_selector("#exposure .js-plotly-plot .main-svg")
    label = hover(page, "#exposure .points path.point")
    assert "<script>window.hurt" in label
    assert "<script>window.hurt" in page.locator("#hedges").inner_text()
    assert page.evaluate("window.hurt === undefined")
    assert page.locator("main img, main script").count() == 0


def test_the_whole_book_is_the_sum_of_its_rows(tmp_path, live, serve, look):
    """Whatever else has moved on meanwhile; without one leg's figure there is no sum."""
    live(demo_views)
    page = look(serve(tmp_path).url)
    page.wait_for_selector("#book tr:has-text('collateral, marks')")  # comes last

    def cell(row, column):
        text = page.locator(f"#book tr:has-text({json.dumps(row)}) td").nth(column).inner_text()
        return None if text == "–" else float(text.replace("−", "-"))

    options, whole = cell("options", -4), cell("whole book", 2)
    future, others = cell("BTC-PERPETUAL", 2), cell("collateral, marks", 2)
    assert whole == pytest.approx(options + future + others, abs=6e-4)
    page.evaluate(
        """async () => {
            const { store } = await import("/js/store.js");
            store.parts.legs.find((leg) => leg.instrument === "BTC-PERPETUAL").delta_coin = null;
            document.querySelector("#book button:last-of-type").click();
        }"""
    )
    page.wait_for_selector("#book tr:has-text('whole book') td:text-is('–')")
    assert cell("options", -4) == pytest.approx(options)


def test_what_delta_may_be_is_shaded_where_it_is_not_known_alone(tmp_path, live, serve, look):
    """Two moments of doubt are two shapes: between them delta was known."""
    live(demo_views)
    page = look(serve(tmp_path).url)
    page.wait_for_selector("#exposure")
    shapes = page.evaluate(
        """async () => (await import("/js/panels/exposure.js")).doubtful(
            [0, 1, 2, 3, 4, 5], [0, -1, 0, 0, -2, -3], [0, 0, 0, 0, 0, null], [0, 1, 0, 0, 2, 3])"""
    )
    assert shapes == {
        "x": [0, 1, 2, 1, None, 3, 4, 5, 5, 4],
        "y": [0, 1, 0, -1, None, 0, 2, 3, -3, -2],
    }


def test_a_reason_of_any_length_takes_three_lines(tmp_path, live, serve, look):
    """And the whole of it shows on pointing at it."""
    why = "because " * 2_000

    def talkative(journal):
        because = Because(Reason.OPERATOR, why, {})
        journal.record(hedge_done(7, reason=why, kind="delta"))
        journal.record(StateChange(T0, "BTC", State.RUNNING, State.PAUSED, (because,)))

    live(talkative)
    page = look(serve(tmp_path).url)
    page.wait_for_selector("#hedges .hedge")
    page.locator("#health").scroll_into_view_if_needed()
    page.wait_for_selector("#health .log div[title]")
    for one in page.locator("#health .log div, #hedges .hedge .why").all():
        box = one.bounding_box()
        assert box is None or box["height"] < 70
    assert len(page.locator("#health .log div[title]").first.get_attribute("title")) > 10_000


def test_a_word_opens_the_page_once(tmp_path, serve, look):
    """A form, a cookie that scripts cannot read, and the word is nowhere to be seen."""
    write(tmp_path, measured(1), hedge(5))
    token = tmp_path / "token"
    token.write_text("correct-horse-battery")
    token.chmod(0o600)
    url = serve(tmp_path, "--instance", "demo", "--set", f"dashboard.token_file={token}").url
    page = look(url)
    page.fill("#token", "a guess that is wrong")
    page.click("button")
    page.wait_for_selector("text=That is another word")
    page.fill("#token", "correct-horse-battery")
    page.click("button")
    page.wait_for_selector("#hedges .hedge")
    assert "token" not in page.url
    assert page.evaluate("document.cookie") == ""
    page.reload()
    page.wait_for_selector("#hedges .hedge")


@pytest.mark.parametrize("width", [390, 768, 1180])
def test_no_width_needs_scrolling_sideways(tmp_path, live, serve, look, width):
    """A phone in the hand, a tablet, a laptop."""
    live(demo_views, hedge(5))
    page = look(serve(tmp_path).url, viewport={"width": width, "height": 844})
    page.wait_for_selector(".coin[data-coin=ETH]")
    for panel in ("map", "book", "orders", "health", "expiry"):
        page.locator(f"#{panel}").scroll_into_view_if_needed()
        page.wait_for_timeout(300)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    coins = page.locator(".coin .value")
    assert all(coins.nth(i).is_visible() for i in range(coins.count()))


def test_the_keyboard_reaches_everything(tmp_path, live, serve, look):
    """Underlying, panels, help, theme, instance."""
    live(demo_views, hedge(5))
    live(measured(1), instance="other")
    page = look(serve(tmp_path).url + "?instance=demo", color_scheme="dark")
    page.wait_for_selector(".coin[data-coin=BTC][aria-pressed=true]")
    page.keyboard.press("c")
    page.wait_for_selector(".coin[data-coin=ETH][aria-pressed=true]")
    for key, panel in (("m", "map"), ("h", "health"), ("e", "exposure"), ("j", "hedges")):
        page.keyboard.press(key)
        assert page.evaluate("document.activeElement.id") == panel
    page.keyboard.press("?")
    page.wait_for_selector("dialog[open]:has-text('the next underlying')")
    page.keyboard.press("Escape")
    page.keyboard.press("t")
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    page.wait_for_selector("#instances button[aria-pressed=true]:has-text('demo')")
    page.keyboard.press("i")
    page.wait_for_selector("#instances button[aria-pressed=true]:has-text('other')")
    page.wait_for_selector("#board .coin[data-coin=BTC]")
    assert page.locator("#board .coin").count() == 1


def test_without_a_journal_the_page_says_what_is_missing(tmp_path, serve, look):
    """An empty state is a sentence, and the page waits."""
    with suppress(FileExistsError):
        (tmp_path / "demo").mkdir()
    page = look(serve(tmp_path, "--instance", "demo").url)
    page.wait_for_selector("#stale:has-text('no bot has run')")
    page.locator("#exposure").scroll_into_view_if_needed()
    assert "No exposure has been measured yet" in page.locator("#exposure").inner_text()


def kept(seconds, at_s=0):
    """Return the deed that shows the demo book's views of a market second."""

    def deed(journal):
        for name, body in shown(seconds).items():
            journal.view(name, T0 + at_s * NS_PER_S, body)

    return deed


def below(page, panel):
    """Tell whether a panel lies out of sight, below the screen."""
    return page.locator(panel).bounding_box()["y"] > page.viewport_size["height"] + 300


def test_what_is_out_of_sight_is_drawn_and_kept_up_to_date(tmp_path, live, serve, look):
    """A print of the whole page is not the page of an hour ago."""
    bot = live(kept(120.0))
    page = look(serve(tmp_path).url, viewport={"width": 800, "height": 600})
    page.wait_for_selector("#expiry:has-text('5JAN26')", state="attached")
    page.wait_for_selector("#expiry .js-plotly-plot .main-svg", state="attached")
    page.wait_for_selector("#expiry:has-text('as of 06:32:00 UTC')", state="attached")
    assert below(page, "#expiry")
    bot.tell(kept(300.0, 180))
    page.wait_for_selector("#expiry:has-text('as of 06:35:00 UTC')", state="attached")
    assert below(page, "#expiry")


def test_a_breach_that_goes_on_is_one_line_that_says_so(tmp_path, live, serve, look):
    """And one that a dead run left behind is none that goes on."""

    def part(n, *, over=False, since=0):
        start_ns = T0 + n * 600 * NS_PER_S
        ends = {"start_ns": start_ns, "ts_ns": start_ns + 600 * NS_PER_S, "seconds": 600.0}
        told = breach(**ends, since_ns=T0 + since * 600 * NS_PER_S, over=over)
        return lambda journal: journal.record(told)

    bot = live(*(part(n) for n in range(3)))
    page = look(serve(tmp_path).url)
    lines = page.locator("#health .log div", has_text="outside for")
    page.wait_for_selector("#health :text('outside for 30 min, still')", state="attached")
    assert lines.count() == 1
    bot.tell(part(3, over=True), part(5, since=5))
    page.wait_for_selector("#health :text('outside for 10 min, still')", state="attached")
    assert [text.partition(" ")[2] for text in lines.all_inner_texts()] == [
        "delta outside for 10 min, still, at worst by +0.2000 BTC",
        "delta outside for 40 min, at worst by +0.2000 BTC",
    ]
    bot.end()
    page.wait_for_selector("#health :text('10 min, to the end of its run')", state="attached")


def switched(word, why="over the holidays", *, coin="BTC", active=True):
    """Return the deed of a word that stands for a coin, or no longer."""
    stands = Standing(T0, coin, word, None, active, Because(Reason.OPERATOR, why))
    return lambda journal: journal.record(stands)


def state(after, coin=""):
    """Return the deed of a coin that is in another state, or the whole bot."""
    return lambda journal: journal.record(StateChange(T0, coin, State.RUNNING, after, ()))


def test_a_bot_that_runs_is_no_comfort_while_a_coin_is_off_or_outside(tmp_path, live, serve, look):
    """The dot at the top is blue only where every underlying is hedged and inside."""
    feed = {"index_ns": T0, "chain_ns": T0, "windows": {}, "quotes_ns": {}, "refused": [],
            "state": "RUNNING", "barred": ""}  # fmt: skip
    bot = live(lambda j: j.view("feeds", T0, {"BTC": feed}))
    page = look(serve(tmp_path).url)
    pulse, health = page.locator("#pulse"), page.locator("#health")
    health.scroll_into_view_if_needed()

    def seen(kind, words, orders):
        page.wait_for_selector(f"#pulse.{kind}:text-is({json.dumps(words)})")
        page.wait_for_selector(f"#health .fact:has-text('orders'):has-text({json.dumps(orders)})",
                               state="attached")  # fmt: skip

    seen("inside", "RUNNING", "may leave")
    bot.tell(switched(Word.OFF))
    seen("near", "BTC is off", "off: nothing is sent")
    assert "may leave" not in health.inner_text()
    bot.tell(measured(2, delta_coin=0.4, delta_low_coin=0.4, delta_high_coin=0.4))
    seen("outside", "BTC is off, has delta outside", "off: nothing is sent")
    bot.tell(switched(Word.OFF, active=False))
    seen("outside", "BTC has delta outside", "may leave")
    bot.tell(measured(3), state(State.PAUSED, "BTC"))
    seen("near", "BTC is paused", "paused: nothing is sent")
    bot.tell(state(State.REDUCE_DELTA_ONLY, "BTC"))
    seen("near", "BTC only reduces delta", "only what reduces delta")
    bot.tell(state(State.RUNNING, "BTC"))
    seen("inside", "RUNNING", "may leave")
    bot.end()
    page.wait_for_selector("#health:has-text('no bot sends any')", state="attached")
    assert pulse.inner_text() == "STALE"


def test_an_empty_book_and_one_that_has_not_come_are_two_words(tmp_path, live, serve, look):
    """Only a bot that told its book can say that nothing expires."""
    bot = live(measured(1))
    page = look(serve(tmp_path).url)
    page.wait_for_selector(".coin[data-coin=BTC]")
    page.wait_for_selector("#expiry:has-text('Waiting for the bot')", state="attached")
    page.wait_for_timeout(3_000)
    assert "No option is held" not in page.locator("#expiry").inner_text()
    one = sample()
    bot.tell(lambda j: j.view("exposure", T0, {"BTC": one}), lambda j: j.view("greeks", T0, []))
    page.wait_for_selector("#expiry:has-text('No option is held')", state="attached")
