"""Keys to exchanges: where they may come from, and that they never show."""

import copy
import os
import pickle
import re
import traceback

import pytest

from config import ConfigError
from config.secrets import Secret, command_keys, credentials, exposed, mqtt_password, names_a_key

CANARY = "c4n4ry-5ecret"
MASKED = "{}"
PAIR = {"DELTABAND_DERIBIT_KEY": "k3y", "DELTABAND_DERIBIT_SECRET": CANARY}


@pytest.fixture
def stored(tmp_path):
    """Store a secret in a file for its owner alone."""
    tmp_path.chmod(0o700)
    path = tmp_path / "secret"
    path.write_text(f"{CANARY}\n", encoding="utf-8")
    path.chmod(0o600)
    return path


def refused(path) -> str:
    """Read an unsafe file and give the refusal, which must not repeat the secret."""
    environ = {"DELTABAND_DERIBIT_KEY": "k3y", "DELTABAND_DERIBIT_SECRET_FILE": str(path)}
    with pytest.raises(ConfigError) as caught:
        credentials("deribit", environ)
    assert CANARY not in "".join(traceback.format_exception(caught.value))
    return str(caught.value)


def test_a_pair_comes_from_the_environment_or_from_files(stored):
    """Both ways give the same; the end of line is no part of a secret."""
    direct = credentials("deribit", PAIR)
    filed = credentials(
        "deribit",
        {"DELTABAND_DERIBIT_KEY": "k3y", "DELTABAND_DERIBIT_SECRET_FILE": str(stored)},
    )
    assert direct == filed
    assert direct is not None
    assert direct.secret.reveal() == CANARY


def test_no_credentials_are_no_error():
    """Paper needs none."""
    assert credentials("deribit", {}) is None


@pytest.mark.parametrize(
    "environ, problem",
    [
        (
            {"DELTABAND_DERIBIT_KEY": "k3y"},
            "DELTABAND_DERIBIT_SECRET: expected it beside DELTABAND_DERIBIT_KEY, found nothing",
        ),
        (
            PAIR | {"DELTABAND_DERIBIT_KEY": " "},
            "DELTABAND_DERIBIT_KEY: expected a value, found an empty one",
        ),
        (
            PAIR | {"DELTABAND_DERIBIT_SECRET_FILE": "/x"},
            (
                "DELTABAND_DERIBIT_SECRET: expected either DELTABAND_DERIBIT_SECRET or "
                "DELTABAND_DERIBIT_SECRET_FILE, found both"
            ),
        ),
    ],
)
def test_half_a_pair_or_two_sources_are_refused(environ, problem):
    """Nobody guesses which key was meant."""
    with pytest.raises(ConfigError, match=re.escape(problem)):
        credentials("deribit", environ)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610])
def test_a_file_that_others_may_use_is_refused(stored, mode):
    """Any bit for the group or for others is one too many."""
    stored.chmod(mode)
    assert f"expected a file for its owner alone (0600), found {stored}: mode {mode:04o}" in (
        refused(stored)
    )


def test_a_link_a_folder_and_an_absent_file_are_refused(stored, tmp_path):
    """Only a regular file, reached directly, is read."""
    link = tmp_path / "link"
    link.symlink_to(stored)
    assert f"found {link}: a symbolic link" in refused(link)
    assert f"expected a readable regular file, found {tmp_path}: Is a directory" in refused(
        tmp_path
    )
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    assert f"expected a regular file, found {pipe}: something else" in refused(pipe)
    assert "No such file or directory" in refused(tmp_path / "absent")


def test_a_folder_that_others_may_write_to_is_refused(stored):
    """Who can replace the file can replace the key."""
    stored.parent.chmod(0o770)
    assert "expected a folder that only its owner may write to, found" in refused(stored)


def test_a_file_inside_a_git_tree_is_refused(stored):
    """A secret beside sources is a commit away from everybody."""
    (stored.parent / ".git").mkdir()
    assert "expected a file outside any git tree, found" in refused(stored)


def test_an_oversized_or_binary_file_is_refused(stored):
    """What is no key is not read as one."""
    stored.write_bytes(b"a" * 5000)
    assert "expected at most 4096 bytes" in refused(stored)
    stored.write_bytes(b"\xff\xfe\x00")
    assert "expected UTF-8 text" in refused(stored)


def test_a_secret_never_shows():
    """Not in text, not in a format, not in a container, not in a pickle or a copy."""
    pair = credentials("deribit", PAIR)
    assert pair is not None
    shown = [
        repr(pair),
        str(pair.secret),
        f"{pair.secret}",
        MASKED.format(pair.secret),
        repr([pair]),
    ]
    assert CANARY not in "".join(shown)
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="expected a secret to stay in this process"):
            attempt(pair.secret)


def test_what_the_environment_exposes_is_known_for_redaction():
    """Exactly the keys and secrets, not the names of files."""
    environ = PAIR | {"DELTABAND_DERIBIT_KEY_FILE": "/x", "DELTABAND_DATA": "y", "PATH": "z"}
    assert exposed(environ) == (Secret("k3y"), Secret(CANARY))


# --- keys of accounts that are only read ----------------------------------------------------------


@pytest.mark.parametrize(
    "account,spelt",
    [
        ("sub1", "SUB1"),
        ("a.b@c-d_e", "A_B_C_D_E"),
        ("x..y", "X__Y"),
        ("-key-", "_KEY_"),
    ],
)
def test_an_account_has_variables_of_its_own(account, spelt, stored):
    """In capitals, and everything else a line; the trading account's are not taken for them."""
    begin = f"DELTABAND_DERIBIT_{spelt}"
    environ = {f"{begin}_KEY": "k3y", f"{begin}_SECRET": CANARY}
    found = credentials("deribit", environ, account)
    assert found is not None
    assert found.secret.reveal() == CANARY
    assert credentials("deribit", environ) is None
    assert credentials("deribit", PAIR, account) is None
    filed = {f"{begin}_KEY": "k3y", f"{begin}_SECRET_FILE": str(stored)}
    assert credentials("deribit", filed, account) == found
    assert [secret.reveal() for secret in exposed(environ)] == ["k3y", CANARY]
    with pytest.raises(ConfigError, match=f"{begin}_KEY: expected it beside {begin}_SECRET"):
        credentials("deribit", {f"{begin}_SECRET": CANARY}, account)


def test_a_brokers_password_is_a_secret_like_others(stored):
    """By variable or file, never both; a process beside the bot is given it, and hides it."""
    assert mqtt_password({}) is None
    direct = mqtt_password({"DELTABAND_MQTT_PASSWORD": CANARY})
    assert direct == mqtt_password({"DELTABAND_MQTT_PASSWORD_FILE": str(stored)})
    both = {"DELTABAND_MQTT_PASSWORD": "x", "DELTABAND_MQTT_PASSWORD_FILE": str(stored)}
    with pytest.raises(ConfigError, match="found both"):
        mqtt_password(both)
    assert exposed({"DELTABAND_MQTT_PASSWORD": CANARY}) == (Secret(CANARY),)
    assert not names_a_key("DELTABAND_MQTT_PASSWORD")


def test_keys_of_commands_are_read_from_a_file_for_its_owner_alone(stored):
    """One a line, with remarks; longer than the keys of an exchange may be."""
    lines = [f"key-{n} {CANARY * 3}{n}" for n in range(150)]
    stored.write_text("\n".join(["# who may", "", *lines]), encoding="utf-8")
    keys = command_keys(stored)
    assert len(keys) == 150
    assert keys["key-7"].reveal() == f"{CANARY * 3}7"
    assert CANARY not in repr(keys)
    stored.chmod(0o640)
    with pytest.raises(ConfigError, match="0600"):
        command_keys(stored)
