"""Where a page may be served, to whom, and the word that opens it."""

import pytest
from pydantic import ValidationError

from config import ConfigError
from config.schema.dashboard import Dashboard, is_loopback, split_address
from config.secrets import dashboard_token

WORD = "correct-horse-battery"


@pytest.mark.parametrize(
    "text,host,port",
    [
        ("127.0.0.1:8787", "127.0.0.1", 8787),
        ("localhost:0", "localhost", 0),
        ("[::1]:80", "::1", 80),
        ("desk.example:65535", "desk.example", 65535),
    ],
)
def test_an_address_is_a_host_and_a_port(text, host, port):
    """An IPv6 host stands in brackets."""
    assert split_address(text) == (host, port)


@pytest.mark.parametrize("text", ["", ":", "x", "x:", ":80", "x:-1", "x:65536", "::1:80", "a b:1"])
def test_what_is_no_address_is_refused(text):
    """With an example of one."""
    with pytest.raises(ValueError, match=r"expected an address such as 127\.0\.0\.1:8787"):
        split_address(text)


@pytest.mark.parametrize(
    "host,alone",
    [
        *(("127.0.0.1", True), ("127.8.0.1", True), ("::1", True), ("localhost", True)),
        *(("0.0.0.0", False), ("::", False), ("192.168.0.2", False), ("localhost.evil", False)),
    ],
)
def test_loopback_is_this_machine_alone(host, alone):
    """All interfaces are not."""
    assert is_loopback(host) is alone


def test_beyond_loopback_a_word_is_needed(tmp_path):
    """Settings without one are refused as a whole."""
    with pytest.raises(ValidationError, match=r"because 0\.0\.0\.0:80 is not loopback"):
        Dashboard(listen="0.0.0.0:80")
    assert Dashboard(listen="0.0.0.0:80", token_file=tmp_path / "token").token_file is not None
    assert Dashboard().token_file is None


def test_a_word_comes_from_a_file_for_its_owner_alone(tmp_path):
    """Short ones and ones that others can read are refused, and never repeated."""
    tmp_path.chmod(0o700)
    file = tmp_path / "token"
    file.write_text(f"{WORD}\n")
    file.chmod(0o600)
    assert dashboard_token(file).reveal() == WORD
    file.chmod(0o640)
    with pytest.raises(ConfigError, match=r"dashboard\.token_file: .*0640") as caught:
        dashboard_token(file)
    assert WORD not in str(caught.value)
    file.chmod(0o600)
    file.write_text("too short")
    with pytest.raises(ConfigError, match=r"at least 16 characters, found .*: 9"):
        dashboard_token(file)
