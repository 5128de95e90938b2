"""Addresses of brokers and webhooks: what carries a secret is refused, and not repeated."""

import pytest
from pydantic import ValidationError

from bot.monitor.alerts.troubles import RARELY
from config.schema.telling import Alerts, Mqtt

SECRET = "s3cr3t-t0ken"


@pytest.mark.parametrize(
    "url",
    [
        f"mqtt://user:{SECRET}@127.0.0.1:1",
        f"mqtts://host/?password={SECRET}",
        f"http://{SECRET}.example",
        SECRET,
        "",
    ],
)
def test_a_brokers_address_holds_no_secret(url):
    """Its user and password have places of their own."""
    with pytest.raises(ValidationError) as caught:
        Mqtt(url=url)
    (error,) = caught.value.errors()
    assert "expected mqtt://HOST[:PORT] or mqtts://HOST[:PORT]" in error["msg"]
    assert SECRET not in error["msg"]


@pytest.mark.parametrize(
    "url",
    [
        f"tgram://123456:{SECRET}/42",
        f"json://user:{SECRET}@host/",
        f"jsons://host/path?token={SECRET}",
        f"https://hooks.example/{SECRET}",
        SECRET,
    ],
)
def test_an_address_of_an_alert_that_may_hold_a_secret_belongs_into_its_file(url):
    """Settings are journalled and shown."""
    with pytest.raises(ValidationError) as caught:
        Alerts(urls=(url,))
    (error,) = caught.value.errors()
    assert "belongs into urls_file" in error["msg"]
    assert SECRET not in error["msg"]


def test_what_holds_none_is_taken():
    """With a port, without, encrypted or not."""
    assert Mqtt(url="mqtts://broker.example").url == "mqtts://broker.example"
    assert Mqtt(url="mqtt://[::1]:1883").url == "mqtt://[::1]:1883"
    assert Alerts(urls=("json://127.0.0.1:9/x", "jsons://desk.example/a/b")).urls[0]


def test_what_is_said_of_reminders_is_what_alerts_do():
    """They tell delta, not gamma, and all else that lasts; some of it seldom."""
    said = Alerts.model_fields["remind_s"].description or ""
    assert "gamma" not in said
    assert "What lasts" in said
    assert RARELY == 12.0
    assert "twelve times as seldom" in said
