"""Who may do what: keys, tokens with scopes and expiry, signatures, and replays refused.

Three ways in: `public/auth` with client credentials, a client signature or a refresh token; a
signed REST header; a bearer token. A signature older or newer than a minute is refused, and so is
one that was seen before. Over a WebSocket a repeat within 50 ms passes, because clients use the
millisecond as nonce and two of them may share one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from bot.domain.units import NS_PER_MS, NS_PER_S
from bot.sim.wire.rpc import BAD_CREDENTIALS, FORBIDDEN, UNAUTHORIZED, Params, RpcError, invalid

SKEW_NS: Final = 60 * NS_PER_S
SHARED_NONCE_NS: Final = 50 * NS_PER_MS
TOKEN_LIFE_S: Final = 900
_LONGEST: Final = 10  # digits of a token life
GRANTS: Final = ("client_credentials", "client_signature", "refresh_token")


@dataclass(frozen=True, slots=True)
class Key:
    """An API key and what it may do at most."""

    client_id: str
    secret: str
    scopes: frozenset[str]
    name: str = ""


TRADER: Final = Key(
    "deltaband-trader",
    "trader-secret-of-the-simulated-exchange",
    frozenset({"account:read", "trade:read_write", "wallet:read"}),
    "trades, cannot move money",
)
READER: Final = Key(
    "deltaband-reader",
    "reader-secret-of-the-simulated-exchange",
    frozenset({"account:read", "trade:read", "wallet:read"}),
    "reads only",
)
OWNER: Final = Key(
    "deltaband-owner",
    "owner-secret-of-the-simulated-exchange",
    frozenset({"account:read_write", "trade:read_write", "wallet:read_write"}),
    "may do everything, too wide for a bot",
)
KEYS: Final = (TRADER, READER, OWNER)


@dataclass(frozen=True, slots=True)
class Token:
    """What a caller has proven; `expires_ns` is on the exchange's clock."""

    key: Key
    scopes: frozenset[str]
    expires_ns: int
    access: str = ""
    refresh: str = ""
    session: str = ""

    def must_allow(self, scope: str, now_ns: int) -> None:
        """Raise RpcError where the token has expired or its scopes do not reach."""
        if now_ns >= self.expires_ns:
            raise RpcError(UNAUTHORIZED, {"reason": "token_expired"})
        if scope not in self.scopes and not (
            scope.endswith(":read") and f"{scope}_write" in self.scopes
        ):
            raise RpcError(FORBIDDEN, {"reason": f"scope {scope} required"})

    def reply(self, now_ns: int) -> dict[str, object]:
        """Return the result of `public/auth`."""
        where = f"session:{self.session}" if self.session else "connection"
        return {
            "access_token": self.access,
            "refresh_token": self.refresh,
            "expires_in": (self.expires_ns - now_ns) // NS_PER_S,
            "scope": " ".join(sorted({*self.scopes, where, "mainaccount"})),
            "token_type": "bearer",
            "sid": f"{self.key.client_id}.1",
        }


@dataclass(slots=True)
class Auth:
    """The exchange's memory of keys, tokens and nonces.

    `token_life_s` and `refuse_replays` may be changed while it runs.
    """

    keys: dict[str, Key]
    token_life_s: int = TOKEN_LIFE_S
    refuse_replays: bool = True
    _tokens: dict[str, Token] = field(default_factory=dict)
    _refresh: dict[str, Token] = field(default_factory=dict)
    _seen: dict[tuple[str, str], int] = field(default_factory=dict)
    _made: int = 0

    @classmethod
    def of(cls, keys: Iterable[Key]) -> Auth:
        """Return the memory of a few keys."""
        return cls({key.client_id: key for key in keys})

    def grant(self, params: Params, now_ns: int) -> Token:
        """Return a new token for `public/auth`; raises RpcError."""
        kind = params.choice("grant_type", GRANTS)
        if kind == "refresh_token":
            old = self._refresh.pop(params.text("refresh_token"), None)
            if old is None:
                raise RpcError(BAD_CREDENTIALS)
            self._tokens.pop(old.access, None)
            return self._issue(old.key, old.scopes, old.session, now_ns, self.token_life_s)
        key = self._key(params.text("client_id"))
        if kind == "client_credentials":
            if not hmac.compare_digest(params.text("client_secret"), key.secret):
                raise RpcError(BAD_CREDENTIALS)
        else:
            self._signed(params, key, now_ns)
        scopes, session, life_s = self._asked(key, params.text("scope", ""))
        return self._issue(key, scopes, session, now_ns, life_s)

    def header(self, value: str, signed: str, now_ns: int) -> Token:
        """Return what an Authorization header proves; `signed` is METHOD, URI and body by line."""
        kind, _, rest = value.partition(" ")
        if kind.lower() == "bearer":
            return self.bearer(rest.strip())
        if kind.lower() == "basic":
            return self._basic(rest.strip(), now_ns)
        if kind.lower() != "deri-hmac-sha256":
            raise RpcError(UNAUTHORIZED, {"reason": "unknown authorization"})
        parts = dict(part.strip().partition("=")[::2] for part in rest.split(","))
        key = self._key(parts.get("id", ""))
        stamp, nonce = parts.get("ts", ""), parts.get("nonce", "")
        self._fresh(stamp, now_ns)
        expected = signature(key.secret, f"{stamp}\n{nonce}\n{signed}")
        if not hmac.compare_digest(parts.get("sig", "").encode(), expected.encode()):
            raise RpcError(BAD_CREDENTIALS)
        self._once(key, f"{nonce}.{expected}", now_ns, 0)
        return Token(key, key.scopes, now_ns + SKEW_NS)

    def bearer(self, access: str) -> Token:
        """Return the token of an access text."""
        token = self._tokens.get(access)
        if token is None:
            raise RpcError(UNAUTHORIZED, {"reason": "invalid_token"})
        return token

    def revoke(self, token: Token) -> None:
        """Forget a token and its refresh token."""
        self._tokens.pop(token.access, None)
        self._refresh.pop(token.refresh, None)

    def _basic(self, encoded: str, now_ns: int) -> Token:
        try:
            client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise RpcError(BAD_CREDENTIALS) from None
        key = self._key(client_id)
        if not hmac.compare_digest(secret.encode(), key.secret.encode()):
            raise RpcError(BAD_CREDENTIALS)
        return Token(key, key.scopes, now_ns + SKEW_NS)

    def _key(self, client_id: str) -> Key:
        key = self.keys.get(client_id)
        if key is None:
            raise RpcError(BAD_CREDENTIALS)
        return key

    def _signed(self, params: Params, key: Key, now_ns: int) -> None:
        stamp = str(params.integer("timestamp"))
        self._fresh(stamp, now_ns)
        nonce, data = params.text("nonce", ""), params.text("data", "")
        expected = signature(key.secret, f"{stamp}\n{nonce}\n{data}")
        if not hmac.compare_digest(params.text("signature").encode(), expected.encode()):
            raise RpcError(BAD_CREDENTIALS)
        self._once(key, f"ws.{nonce}.{expected}", now_ns, SHARED_NONCE_NS)

    def _fresh(self, stamp: str, now_ns: int) -> None:
        if not (stamp.isascii() and stamp.isdigit()):
            raise invalid("timestamp", "must be milliseconds")
        if abs(int(stamp) * NS_PER_MS - now_ns) > SKEW_NS:
            raise RpcError(BAD_CREDENTIALS, {"reason": "timestamp_out_of_range"})

    def _once(self, key: Key, nonce: str, now_ns: int, grace_ns: int) -> None:
        """Refuse a signature that was seen before."""
        for old in [one for one, at in self._seen.items() if now_ns - at > 2 * SKEW_NS][:64]:
            del self._seen[old]
        first_ns = self._seen.get((key.client_id, nonce))
        self._seen.setdefault((key.client_id, nonce), now_ns)
        again = first_ns is not None and now_ns - first_ns >= grace_ns
        if again and self.refuse_replays:
            raise RpcError(BAD_CREDENTIALS, {"reason": "nonce_already_used"})

    def _asked(self, key: Key, scope: str) -> tuple[frozenset[str], str, int]:
        """Return the scopes, session name and life that a scope text asks for."""
        words: Mapping[str, str] = dict(word.partition(":")[::2] for word in scope.split())
        scopes = set()
        for held in key.scopes:
            area, _, right = held.partition(":")
            wished = words.get(area, right)
            if wished in {"read", "read_write"}:
                scopes.add(f"{area}:{right if wished == 'read_write' else 'read'}")
        life = words.get("expires", str(self.token_life_s))
        if not (life.isascii() and life.isdigit() and len(life) < _LONGEST):
            raise invalid("scope", "expires must be seconds")
        return frozenset(scopes), words.get("session", ""), int(life)

    def _issue(
        self, key: Key, scopes: frozenset[str], session: str, now_ns: int, life_s: int
    ) -> Token:
        self._made += 1
        access = signature(key.secret, f"access {self._made}")
        refresh = signature(key.secret, f"refresh {self._made}")
        token = Token(key, scopes, now_ns + life_s * NS_PER_S, access, refresh, session)
        self._tokens[access] = self._refresh[refresh] = token
        return token


def signature(secret: str, text: str) -> str:
    """Return the hex HMAC-SHA256 that the venue expects."""
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
