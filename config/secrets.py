"""Keys and passwords: the only values that are never settings.

Owns reading `DELTABAND_<VENUE>_KEY` and `_SECRET`, or the files that `_KEY_FILE` and
`_SECRET_FILE` name; an account that is only read has its own, as `DELTABAND_<VENUE>_<NAME>_KEY`,
and the watchdog may have one, as `DELTABAND_<VENUE>_WATCHDOG_KEY`. So it does the password of an
MQTT broker, the certificate shown to it, and the keys that sign commands.
Refuses a file that others may read or replace: group or other permission bits, another owner, a
symbolic link, a folder that others may write to, a place inside a git tree. One exception: a secret
that the system mounts read-only for a container (root's file, which nobody may write to) may be
readable by others there. No message repeats a secret.
"""

import hmac
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, Self

from config.errors import ConfigError, Origin, Problem
from config.schema.venue import in_capitals

PREFIX = "DELTABAND_"
MASK = "****"
LONGEST_BYTES = 4096
LONGEST_PEM = 65_536
SHORTEST_KEY = 16
SHORTEST_COMMAND_KEY = 32
MQTT_PASSWORD = PREFIX + "MQTT_PASSWORD"

_NAMED = re.compile(r"DELTABAND_[A-Z0-9][A-Z0-9_]*_(?:KEY|SECRET)")
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")
_VENUE = re.compile(r"[a-z0-9][a-z0-9_-]*")


class Secret:
    """A value that shows itself to `reveal` alone: masked in text, refused by pickle and copy."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Give the value to whoever signs with it."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> NoReturn:
        raise TypeError("expected a secret to stay in this process, found an attempt to pickle it")


@dataclass(frozen=True, slots=True)
class Credentials:
    """The pair that signs requests to one venue."""

    key: Secret
    secret: Secret


def stem(venue: str, account: str = "") -> str:
    """Give what the variables of a venue's key begin with; `account` names one that is only read.

    An account's letters are capitals there, and whatever is neither letter nor digit is `_`.
    """
    named = f"_{in_capitals(account)}" if account else ""
    return PREFIX + venue.upper().replace("-", "_") + named


def credentials(venue: str, environ: Mapping[str, str], account: str = "") -> Credentials | None:
    """Read the credentials of `venue` (its name in settings); None where none are given.

    `account` is an account beside the one that is traded in. ConfigError for half a pair, a value
    given both ways, an empty value and an unsafe file.
    """
    if not _VENUE.fullmatch(venue):
        raise _refused("venue", "a venue's name such as deribit", f'"{venue}"')
    begin = stem(venue, account)
    key = _one(f"{begin}_KEY", environ)
    secret = _one(f"{begin}_SECRET", environ)
    if key is None and secret is None:
        return None
    if key is None or secret is None:
        missing, there = ("_KEY", "_SECRET") if key is None else ("_SECRET", "_KEY")
        raise _refused(f"{begin}{missing}", f"it beside {begin}{there}", "nothing")
    return Credentials(key, secret)


def second_key(path: Path) -> Secret:
    """Read the secret that lifts what only a review ends; ConfigError for an unsafe file."""
    value = _from_file(path, "second_key_file").strip()
    if len(value) < SHORTEST_KEY:
        expected = f"a secret of at least {SHORTEST_KEY} characters"
        raise _refused("second_key_file", expected, f"{path}: {len(value)}")
    return Secret(value)


def lines(path: Path, name: str) -> tuple[Secret, ...]:
    """Read a file with a secret a line, for setting `name`; ConfigError for an unsafe file.

    Empty lines and those that begin with # are left out.
    """
    found = (line.strip() for line in _from_file(path, name).splitlines())
    return tuple(Secret(line) for line in found if line and not line.startswith("#"))


def mqtt_password(environ: Mapping[str, str]) -> Secret | None:
    """Read what the broker knows this bot by; ConfigError for an unsafe file."""
    return _one(MQTT_PASSWORD, environ)


def command_keys(path: Path) -> dict[str, Secret]:
    """Read the keys that sign commands, `key_id secret` a line; `#` begins a line of its own.

    ConfigError for an unsafe file, for a key that is too short to be one, and for none at all.
    """
    name, keys = "mqtt.command_key_file", dict[str, Secret]()
    for number, line in enumerate(_from_file(path, name, LONGEST_PEM).splitlines(), 1):
        parts = line.split()
        if not parts or parts[0].startswith("#"):
            continue
        where = f"{path}, line {number}"
        if len(parts) != 2 or not _KEY_ID.fullmatch(parts[0]):  # noqa: PLR2004  id and secret
            found = f"{where}: other words"
            raise _refused(name, "`key_id secret` with an id of at most 32 of A-Za-z0-9_-", found)
        key_id, secret = parts
        if len(secret) < SHORTEST_COMMAND_KEY:
            expected = f"a secret of at least {SHORTEST_COMMAND_KEY} characters"
            raise _refused(name, expected, f"{where}: {len(secret)}")
        if key_id in keys:
            raise _refused(name, "each key_id once", f"{where}: {key_id} again")
        keys[key_id] = Secret(secret)
    if not keys:
        raise _refused(name, "at least one key", f"{path}: none")
    return keys


def check_certificate(path: Path) -> None:
    """Raise ConfigError unless a certificate's file, with its private key, is its owner's alone."""
    _from_file(path, "mqtt.cert_file", LONGEST_PEM)


def dashboard_token(path: Path) -> Secret:
    """Read the word that opens the dashboard to others; ConfigError for an unsafe file."""
    value = _from_file(path, "dashboard.token_file").strip()
    if len(value) < SHORTEST_KEY:
        expected = f"a word of at least {SHORTEST_KEY} characters"
        raise _refused("dashboard.token_file", expected, f"{path}: {len(value)}")
    return Secret(value)


def on_read_only_mount(path: Path) -> bool:
    """Tell whether a secret's file is root's on a read-only mount, which nobody here can change."""
    try:
        return _mounted_by_root(path.stat(), os.statvfs(path))
    except OSError:
        return False


def names_a_key(variable: str) -> bool:
    """Tell whether a variable of the environment holds a key of an exchange, or names its file."""
    return _NAMED.fullmatch(variable.removesuffix("_FILE")) is not None


def exposed(environ: Mapping[str, str]) -> tuple[Secret, ...]:
    """Give every secret that the environment itself holds, for the redaction of logs."""
    named = sorted(name for name in environ if _NAMED.fullmatch(name) or name == MQTT_PASSWORD)
    return tuple(Secret(environ[name]) for name in named if environ[name])


def _one(name: str, environ: Mapping[str, str]) -> Secret | None:
    value, file = environ.get(name), environ.get(f"{name}_FILE")
    if value is not None and file is not None:
        raise _refused(name, f"either {name} or {name}_FILE", "both")
    if file is not None:
        value = _from_file(Path(file), f"{name}_FILE")
    if value is None:
        return None
    if not value.strip():
        raise _refused(name, "a value", "an empty one")
    return Secret(value.strip())


def _from_file(path: Path, name: str, longest: int = LONGEST_BYTES) -> str:
    """Read a secret's file, its checks made on the open file so that nobody can swap it between."""
    path = _on_its_mount(path)
    try:
        file = open(path, "rb", opener=_no_detour)  # noqa: SIM115 - Path.open takes no opener
    except OSError as fault:
        found = "a symbolic link" if path.is_symlink() else fault.strerror
        raise _refused(name, "a readable regular file", f"{path}: {found}") from fault
    with file:
        about = os.fstat(file.fileno())
        mounted = _mounted_by_root(about, os.fstatvfs(file.fileno()))
        unsafe = _unsafe(about, mounted=mounted) or _misplaced(path.absolute().parent)
        if unsafe is not None:
            raise _refused(name, unsafe.expected, f"{path}: {unsafe.found}")
        content = file.read(longest + 1)
    if len(content) > longest:
        raise _refused(name, f"at most {longest} bytes", f"{path}: more")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise _refused(name, "UTF-8 text", f"{path}: other bytes") from None


def _on_its_mount(path: Path) -> Path:
    """Return what a link on a read-only mount stands for there: some systems mount secrets so.

    Any other path is returned as it is, and a link is refused by who opens it.
    """
    try:
        if not path.is_symlink() or not os.statvfs(path.parent).f_flag & os.ST_RDONLY:
            return path
        whole = path.resolve(strict=True)
        return whole if whole.stat().st_dev == path.parent.stat().st_dev else path
    except OSError:
        return path


def _no_detour(path: str, flags: int) -> int:
    """Open without following a link and without waiting for a pipe's other end."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


@dataclass(frozen=True, slots=True)
class _Fault:
    expected: str
    found: str

    @classmethod
    def when(cls, condition: bool, expected: str, found: str) -> Self | None:  # noqa: FBT001
        return cls(expected, found) if condition else None


def _mounted_by_root(about: os.stat_result, mount: os.statvfs_result) -> bool:
    """Tell a read-only secret mount: root's file, and neither it nor its mount takes a write."""
    written = bool(stat.S_IMODE(about.st_mode) & 0o133)
    return about.st_uid == 0 and not written and bool(mount.f_flag & os.ST_RDONLY)


def _unsafe(about: os.stat_result, *, mounted: bool) -> _Fault | None:
    mode = stat.S_IMODE(about.st_mode)
    return (
        _Fault.when(not stat.S_ISREG(about.st_mode), "a regular file", "something else")
        or _Fault.when(
            bool(mode & 0o077) and not mounted,
            "a file for its owner alone (0600)",
            f"mode {mode:04o}",
        )
        or _Fault.when(
            about.st_uid not in {os.geteuid(), 0},
            f"a file of user {os.geteuid()} or of root",
            f"one of user {about.st_uid}",
        )
    )


def _misplaced(folder: Path) -> _Fault | None:
    mode = folder.stat().st_mode
    open_to_others = bool(mode & 0o022) and not mode & stat.S_ISVTX
    tree = next((above for above in (folder, *folder.parents) if (above / ".git").exists()), None)
    return _Fault.when(
        open_to_others,
        "a folder that only its owner may write to",
        f"its folder's mode {stat.S_IMODE(mode):04o}",
    ) or _Fault.when(tree is not None, "a file outside any git tree", f"it is inside {tree}")


def _refused(name: str, expected: str, found: str) -> ConfigError:
    layer = "environment" if name.startswith(PREFIX) else "setting"
    return ConfigError((Problem(name, expected, found, Origin(layer, name)),))
