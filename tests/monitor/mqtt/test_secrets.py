"""What a broker and operators are known by: files and versions that are not good enough."""

import ssl

import pytest

from bot.wiring.mqtt import _tls
from tests.monitor.mqtt.broker import Authority
from tests.monitor.mqtt.signing import SECRET


def test_the_versions_that_are_spoken_begin_with_1_2(tmp_path):
    """Whatever the system's own default is."""
    context = _tls(Authority(tmp_path).file, None)
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)


@pytest.mark.parametrize(
    "mode,content,found",
    [
        (0o644, "desk " + SECRET, "a file for its owner alone (0600), found"),
        (0o600, "desk short", "a secret of at least 32 characters, found"),
        (0o600, "# nobody\n", "at least one key, found"),
        (0o600, f"desk {SECRET}\ndesk {SECRET}x", "each key_id once, found"),
        (0o600, f"de/sk {SECRET}", "`key_id secret` with an id"),
        (0o600, SECRET, "`key_id secret` with an id"),
    ],
)
def test_a_file_of_keys_that_cannot_be_used_ends_the_monitor(deltaband, mode, content, found):
    """With what was expected, and without the secret."""
    path = deltaband.home / "keys"
    path.touch(mode=0o600)
    path.write_text(content, encoding="utf-8")
    path.chmod(mode)
    url = 'mqtt.url="mqtt://127.0.0.1:9"'
    done = deltaband("monitor", "--set", url, "--set", f'mqtt.command_key_file="{path}"')
    assert done.returncode == 2
    assert found in done.stderr
    assert SECRET not in done.stderr


def test_a_certificate_that_others_may_read_ends_the_monitor(deltaband, tmp_path):
    """There is a private key in it."""
    pair = Authority(tmp_path).sign("ours")
    path = deltaband.home / "ours.pem"
    path.write_bytes(b"".join(one.read_bytes() for one in pair))
    path.chmod(0o644)
    sets = ('mqtt.url="mqtts://localhost:9"', f'mqtt.cert_file="{path}"')
    done = deltaband("monitor", *[word for one in sets for word in ("--set", one)])
    assert (done.returncode, "0600" in done.stderr) == (2, True), done.stderr
    path.write_text("no certificate", encoding="utf-8")
    path.chmod(0o600)
    done = deltaband("monitor", *[word for one in sets for word in ("--set", one)])
    assert (done.returncode, "certificates as PEM" in done.stderr) == (2, True), done.stderr
