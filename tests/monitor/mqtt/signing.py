"""Commands as an operator signs them, written apart from the code that checks them."""

import hashlib
import hmac
import itertools
import json
import time

SECRET = "correct-horse-battery-staple-0123456789"
_numbers = itertools.count(1)


def fields(cmd="pause", *, args=None, key_id="desk", now_ms=None, **changed):
    """Return the fields of a command of now that nobody has signed."""
    number = next(_numbers)
    ts = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    made = {
        "v": 1,
        "cmd": cmd,
        "args": {} if args is None else args,
        "id": f"command-{number:06d}",
        "seq": ts * 1_000 + number,
        "ts": ts,
        "exp": ts + 8_000,
        "nonce": "",
        "key_id": key_id,
    }
    return made | changed


def mac(body, secret=SECRET):
    """Return the signature of an envelope."""
    said = {name: value for name, value in body.items() if name != "mac"}
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hmac.new(secret.encode(), text.encode("utf-8"), hashlib.sha256).hexdigest()


def sealed(body, secret=SECRET):
    """Return an envelope with its signature."""
    return body | {"mac": mac(body, secret)}


def packed(body):
    """Return an envelope as it travels."""
    return json.dumps(body, ensure_ascii=False).encode()


def signed(cmd="pause", *, secret=SECRET, **changed):
    """Return a signed command as it travels."""
    return packed(sealed(fields(cmd, **changed), secret))
