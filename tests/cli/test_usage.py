"""Wrong usage: one line that says what was expected and found, and exit code 2."""

import pytest
import typer

import bot.cli.options as lengths
import bot.cli.trading as words

FOR = "--for: expected a time such as 90s, 15m, 6h or 2d, found '6x'"
SPEED = "--speed: expected a number above 0 or max, found '0'"
SEED = "--seed: expected a whole number from 0 to 9223372036854775807, found '-1'"
FROM = "--from: expected a time such as 2026-02-05T00:00Z, found '2026-13-01'"
COINS = "level: expected an amount of coins such as -0.25, found "
INSTANCE = "--instance: expected 1 to 16 small letters, digits or hyphens, found '../x'"


@pytest.mark.parametrize(
    "argv,said",
    [
        ("pln", "expected a verb, found pln (the nearest is plan)"),
        ("target BTC nan", f"{COINS}'nan'"),
        ("target BTC ten", f"{COINS}'ten'"),
        ("plan --jsn", "expected an option of this verb, found --jsn (the nearest is --json)"),
        ("status x y", "expected no further argument, found x y"),
        ("paper --for 6x", FOR),
        ("paper --speed 0", SPEED),
        ("paper --seed -1", SEED),
        ("paper --from 2026-13-01", FROM),
        ("status --instance ../x", INSTANCE),
    ],
)
def test_wrong_usage_is_one_line_and_code_2(deltaband, argv, said):
    """No traceback, no usage screen: the one thing that is wrong, and where help is."""
    done = deltaband(*argv.split())
    verb = "" if argv == "pln" else f" {argv.split()[0]}"
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"error: {said}; see deltaband{verb} --help\n"


@pytest.mark.parametrize(
    "argv,said",
    [
        ("paper --for", "expected a value after --for, found none"),
        ("paper --json=1", "expected --json without a value, found one"),
        (
            "paper --from 2026-02-05",
            "--from: expected it beside --market replay:FOLDER, found synthetic",
        ),
        (
            "paper --market cards",
            'market: expected synthetic, replay:FOLDER or venue, found "cards" [--market]',
        ),
        ("status --set x", 'expected a.b=value, found "x" [--set]'),
        (
            "plan -c absent.toml",
            "expected a readable TOML file, found No such file or directory [file absent.toml]",
        ),
    ],
)
def test_wrong_settings_are_one_line_and_code_2(deltaband, argv, said):
    """Options that do not fit each other and settings that cannot be used."""
    done = deltaband(*argv.split())
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"error: {said}\n")


@pytest.mark.parametrize(
    "text,seconds",
    [
        ("90s", 90.0),
        ("15m", 900.0),
        ("6h", 21_600.0),
        ("2d", 172_800.0),
        ("1h30m", 5_400.0),
        ("0.5s", 0.5),
    ],
)
def test_spans_are_read_in_seconds(text, seconds):
    """Each unit, and several in one."""
    assert lengths.span_s(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "6", "0s", "-6h", "6 h", "h", "1e3s", "6H", "٣s", f"{'9' * 400}d"]
)
def test_what_is_no_span_is_refused(text):
    """A number without its unit could mean anything."""
    with pytest.raises(typer.BadParameter, match="expected a time such as 90s"):
        lengths.span_s(text)


@pytest.mark.parametrize("text,speed", [("60", 60.0), ("0.5", 0.5), ("max", float("inf"))])
def test_paces_are_numbers_or_max(text, speed):
    """Infinity stands for as fast as the machine can."""
    assert words.pace(text) == speed


@pytest.mark.parametrize("text", ["", "nan", "inf", "-1", "0", "1e999", "fast"])
def test_what_is_no_pace_is_refused(text):
    """Infinity has one name."""
    with pytest.raises(typer.BadParameter, match="expected a number above 0 or max"):
        words.pace(text)


@pytest.mark.parametrize(
    "text,utc",
    [
        ("2026-02-05", "2026-02-05T00:00:00Z"),
        ("2026-02-05T12:30", "2026-02-05T12:30:00Z"),
        ("2026-02-05T12:30:00Z", "2026-02-05T12:30:00Z"),
        ("2026-02-05T12:30+02:00", "2026-02-05T10:30:00Z"),
    ],
)
def test_moments_without_a_zone_are_utc(text, utc):
    """The machine's zone plays no part."""
    assert words.moment(text) == utc


@pytest.mark.parametrize("text", ["", "noon", "2026-02-30", "0001-01-01T00:00+10:00"])
def test_what_is_no_moment_is_refused(text):
    """Also a time before the calendar began."""
    with pytest.raises(typer.BadParameter, match="expected a time such as 2026"):
        words.moment(text)
