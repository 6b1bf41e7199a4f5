"""Keys that sign checkpoints, derived for this use alone (HKDF, RFC 5869) from the installation's secrets."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field

from research.errors import NotReady

_SALT = b"prowzi checkpoint v1"


def _derive(secret: str) -> bytes:
    if not secret:
        raise NotReady("SECRET_KEY and SECRET_KEY_FALLBACKS must not be empty: anybody could sign with that.")
    extracted = hmac.new(_SALT, secret.encode(), hashlib.sha256).digest()
    return hmac.new(extracted, b"sign\x01", hashlib.sha256).digest()


def _key_id(key: bytes) -> str:
    return hashlib.sha256(b"key id" + key).hexdigest()[:8]


@dataclass(frozen=True)
class KeyRing:
    """One key signs; older ones still read, so that a changed secret loses nothing (B52)."""

    current: str  # key id
    keys: dict[str, bytes] = field(repr=False)  # key id -> key

    @classmethod
    def from_secrets(cls, current: str, *previous: str) -> KeyRing:
        derived = [_derive(secret) for secret in (current, *previous)]
        return cls(_key_id(derived[0]), {_key_id(key): key for key in derived})

    def sign(self, data: bytes) -> bytes:
        return hmac.new(self.keys[self.current], data, hashlib.sha256).digest()

    def knows(self, key_id: str) -> bool:
        return key_id in self.keys

    def verifies(self, key_id: str, data: bytes, tag: bytes) -> bool:
        expected = hmac.new(self.keys[key_id], data, hashlib.sha256).digest()
        return hmac.compare_digest(expected, tag)
