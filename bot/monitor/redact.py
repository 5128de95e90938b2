"""What must never be told: secrets are cut out of every event, last of all, by three nets.

1. Names: the value of a field that is called like a secret.
2. Values: each known secret, plain and in the forms that it travels in (base64 at any offset,
   hex, URL-encoded, JSON-escaped), wherever it stands.
3. Patterns: an Authorization header, a signature, a token or a key amid other text.

Nothing of a secret is kept, no prefix and no length. Cutting too much is the accepted error.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from numbers import Integral, Real
from typing import Final
from urllib.parse import quote, quote_plus

MASK: Final = "[redacted]"
_SHORTEST: Final = 4  # a shorter secret would cut up ordinary words
_DEEPEST: Final = 12

_WORDS: Final = (
    r"secret|passw(?:or)?d|passphrase|token|api[-_ ]?key|access[-_ ]?key|private[-_ ]?key"
    r"|command[-_ ]?key|authorization|signature|listen[-_ ]?key|credential|cookie|client[-_ ]?id"
)
_NAME: Final = re.compile(rf"{_WORDS}|^(?:mac|key|sign|pass|pwd|auth|nonce)$", re.IGNORECASE)
_HINT: Final = re.compile(rf"{_WORDS}|\bsign\b|\bmac\b|bearer|basic|hmac|:/|-----", re.IGNORECASE)
_SCHEMES: Final = r"bearer|basic|digest|deri-hmac-sha256"
# `name: value`, `name=value`, `"name": "value"`, also where the JSON stands inside a string
_PAIR: Final = re.compile(
    rf"""(?P<name>[\w-]{{0,40}}(?:{_WORDS}|\bsign\b|\bmac\b)[\w-]{{0,40}}\\*["']?\s*[:=]\s*)
    (?:(?P<quoted>\\*["'])(?:(?!(?P=quoted)).)*(?P=quoted)?
      |(?:(?:{_SCHEMES})\s+)?[^\s"',;&}})\]\\]+(?:,[\w-]+=[^\s"',;&}})\]\\]+)*)""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_SCHEME: Final = re.compile(
    r"\b(?P<scheme>bearer\s|deri-hmac-sha256\s|basic\s(?=[\w+/=-]{12}))\s*[\w.+/=~,:-]{6,}",
    re.IGNORECASE,
)
_USERINFO: Final = re.compile(r"(:/{1,2})[^/\s@\"']+@")
_PEM: Final = re.compile(
    r"-----BEGIN [^-]*PRIVATE KEY-----.*?(?:-----END [^-]*-----|\Z)", re.DOTALL
)


class Redactor:
    """Cuts secrets out of values and texts; knows the secrets of this process."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """Learn the exact secrets; those of fewer than four characters are left to their names."""
        known = sorted({secret for secret in secrets if len(secret) >= _SHORTEST})
        forms = {form for secret in known for form in _forms(secret)}
        coded = {form for secret in known for form in _coded(secret)}
        parts = [_any_case(form) for form in sorted(forms, key=len, reverse=True)]
        # What stands beside a secret in the same base64 run shares its bits: cut that too.
        run = "[A-Za-z0-9+/_=-]"
        parts += [rf"{run}{{0,4}}{re.escape(form)}{run}*" for form in sorted(coded)]
        self._exact = re.compile("|".join(parts)) if parts else None

    def text(self, text: str) -> str:
        """Return a text without secrets, by value and by pattern."""
        text = self.exact(text)
        if not _HINT.search(text):
            return text
        text = _PEM.sub(MASK, text)
        text = _USERINFO.sub(rf"\1{MASK}@", text)
        text = _PAIR.sub(lambda found: f"{found['name']}{MASK}", text)
        return _SCHEME.sub(lambda found: f"{found['scheme']}{MASK}", text)

    def exact(self, text: str) -> str:
        """Return a text without the known secrets; what was JSON stays JSON."""
        return self._exact.sub(MASK, text) if self._exact else text

    def value(self, value: object, depth: int = 0) -> object:
        """Return a value of the same shape without secrets, its numbers plain numbers."""
        if is_dataclass(value) and not isinstance(value, type):
            value = {field.name: getattr(value, field.name) for field in fields(value)}
        elif isinstance(value, tuple) and hasattr(value, "_asdict"):
            value = value._asdict()
        if depth > _DEEPEST:
            value = MASK  # too deep to be sure
        match value:
            case None | bool():
                return value
            case Integral():
                return int(value)
            case Real() | Decimal():
                return float(value)
            case Mapping():
                return {self.text(str(n)): self._field(str(n), v, depth) for n, v in value.items()}
            case list() | tuple() | set() | frozenset():
                return [self.value(item, depth + 1) for item in value]
            case _:
                if isinstance(value, (bytes, bytearray)):
                    value = value.decode(errors="replace")
                return self.text(str(value))

    def _field(self, name: str, value: object, depth: int) -> object:
        if _NAME.search(name) and value not in (None, ""):
            return MASK
        return self.value(value, depth + 1)


def _forms(secret: str) -> set[str]:
    raw = secret.encode()
    escaped = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    percent = {quote(secret, safe=""), quote(secret), quote_plus(secret)}
    return {secret, repr(secret)[1:-1], raw.hex(), raw.hex().upper()} | escaped | percent


def _any_case(form: str) -> str:
    # Both %2F and %2f are in use.
    pattern = re.escape(form)
    return re.sub("%[0-9A-F]{2}", lambda code: f"(?i:{code[0]})", pattern)


def _coded(secret: str) -> set[str]:
    raw = secret.encode()
    found = {b64encode(raw).decode().rstrip("=")}
    for offset, first in enumerate((0, 2, 3)):
        # Base64 depends on where in its input the secret starts: leave out what neighbours decide.
        run = b64encode(b"\0" * offset + raw).decode().rstrip("=")
        found.add(run[first : len(run) - ((offset + len(raw)) % 3 > 0)])
    found |= {form.replace("+", "-").replace("/", "_") for form in found}
    return {form for form in found if len(form) >= _SHORTEST}
