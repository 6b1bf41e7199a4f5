"""Keys to the doors: API tokens and sign-in links. Only digests are kept; a secret is shown once.

A token reads `prowzi_<prefix>_<secret><checksum>`: the prefix finds its row, the secret has 256 random bits,
and the checksum tells a mistyped token from a foreign one without a look into the database.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import secrets
import string
import zlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db.models import QuerySet

from research.errors import InvalidInput, NotFound, UnknownChoice
from research.models import ApiToken, LoginLink

SCOPES = ("read", "write", "library", "tokens")  # `write` may read too; none = all that its owner may do
LINK_MINUTES = 15
LONGEST_LIFE = 3650  # days
USE_SECONDS = 60  # how exactly the last use is kept: a write for every request would be too much

_DIGITS = string.digits + string.ascii_lowercase
_TOKEN = re.compile(r"prowzi_([0-9a-z]{8})_[A-Za-z0-9_-]{43}[0-9a-z]{6}")
_NO_DIGEST = "0" * 64

logger = logging.getLogger("prowzi.security")


def create_token(
    *,
    owner: User,
    name: str = "",
    scopes: Iterable[str] = (),
    expires_days: int | None = None,
) -> tuple[ApiToken, str]:
    """The row, and the secret text that nobody can read again."""
    now = datetime.now(UTC)
    prefix = "".join(secrets.choice(_DIGITS) for _ in range(8))
    body = f"prowzi_{prefix}_{secrets.token_urlsafe(32)}"
    text = body + _checksum(body)
    token = ApiToken.objects.create(
        owner=owner,
        prefix=prefix,
        digest=_digest(text),
        name=_name(name),
        scopes=_scopes(scopes),
        created_at=now,
        expires_at=None if expires_days is None else now + _life(expires_days),
    )
    return token, text


def find_token(secret: str) -> ApiToken | None:
    """The living token of a living owner; None for everything else. Notes the use."""
    shape = _TOKEN.fullmatch(secret)
    if shape is None or not hmac.compare_digest(_checksum(secret[:-6]), secret[-6:]):
        _note_refusal("token_malformed")
        return None
    token = ApiToken.objects.select_related("owner").filter(prefix=shape[1]).first()
    known = token.digest if token else _NO_DIGEST
    same = hmac.compare_digest(known, _digest(secret))
    if token is None or not same:
        _note_refusal("token_unknown", shape[1])
        return None
    if not _is_alive(token):
        _note_refusal("token_dead", shape[1])
        return None
    _note_use(token)
    return token


def _note_refusal(code: str, prefix: str = "") -> None:
    logger.warning("token refused", extra={"code": code, "token": prefix})


def is_still_good(token: ApiToken) -> bool:
    """Whether a token that was let in a while ago would be let in again."""
    now = ApiToken.objects.select_related("owner").filter(pk=token.pk).first()
    return now is not None and _is_alive(now)


def token_json(token: ApiToken) -> dict[str, Any]:
    """What may be shown of a token."""
    return {
        "id": str(token.pk),
        "prefix": token.prefix,
        "name": token.name,
        "scopes": token.scopes,
        "created_at": token.created_at.isoformat(),
        "expires_at": token.expires_at and token.expires_at.isoformat(),
        "last_used_at": token.last_used_at and token.last_used_at.isoformat(),
        "revoked_at": token.revoked_at and token.revoked_at.isoformat(),
    }


def tokens_of(owner: User) -> QuerySet[ApiToken]:
    """The newest first, revoked ones too."""
    return ApiToken.objects.filter(owner=owner).order_by("-created_at", "-id")


def revoke_token(owner: User, prefix: str) -> ApiToken:
    """From now on it opens nothing. Again: nothing more happens."""
    token = tokens_of(owner).filter(prefix=prefix.removeprefix("prowzi_")).first()
    if token is None:
        raise NotFound(f"You have no token that begins with {prefix[:16]!r}.")
    return revoke(token)


def revoke(token: ApiToken) -> ApiToken:
    ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=datetime.now(UTC))
    token.refresh_from_db()
    return token


def create_login_link(user: User) -> str:
    """The path of a page whose button signs this person in, once, within 15 minutes."""
    now = datetime.now(UTC)
    LoginLink.objects.filter(expires_at__lt=now - timedelta(days=1)).delete()
    secret = secrets.token_urlsafe(32)
    expires = now + timedelta(minutes=LINK_MINUTES)
    LoginLink.objects.create(digest=_digest(secret), user=user, expires_at=expires)
    return f"/accounts/link/{secret}/"


def is_link_good(secret: str) -> bool:
    """Whether the page's button would work; looking uses nothing up."""
    links = LoginLink.objects.filter(digest=_digest(secret), used_at=None, user__is_active=True)
    return links.filter(expires_at__gt=datetime.now(UTC)).exists()


def use_login_link(secret: str) -> User | None:
    """Whom the link signs in. One of two at once wins; the other gets None."""
    now = datetime.now(UTC)
    links = LoginLink.objects.filter(digest=_digest(secret))
    if not links.filter(used_at=None, expires_at__gt=now).update(used_at=now):
        logger.warning("sign-in link refused", extra={"code": "login_link_refused"})
        return None
    user = links.select_related("user").get().user
    return user if user.is_active else None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _checksum(text: str) -> str:
    rest, digits = zlib.crc32(text.encode()) % 36**6, ""
    for _ in range(6):
        rest, digit = divmod(rest, 36)
        digits = _DIGITS[digit] + digits
    return digits


def _name(name: str) -> str:
    if len(name) > 120 or "\0" in name:
        raise InvalidInput("The name has at most 120 characters.", pointer="/name")
    return name.strip()


def _scopes(scopes: Iterable[str]) -> list[str]:
    chosen = sorted(set(scopes))
    unknown = [scope for scope in chosen if scope not in SCOPES]
    if unknown:
        raise UnknownChoice(
            f"There is no scope {unknown[0][:40]!r}. Choose from: {', '.join(SCOPES)}.", pointer="/scopes"
        )
    return chosen


def _life(days: int) -> timedelta:
    if not 1 <= days <= LONGEST_LIFE:
        raise InvalidInput(f"A token lives between 1 and {LONGEST_LIFE} days.", pointer="/expires_days")
    return timedelta(days=days)


def _is_alive(token: ApiToken) -> bool:
    expired = token.expires_at is not None and token.expires_at <= datetime.now(UTC)
    return token.revoked_at is None and not expired and token.owner.is_active


def _note_use(token: ApiToken) -> None:
    now = datetime.now(UTC)
    if token.last_used_at is None or now - token.last_used_at > timedelta(seconds=USE_SECONDS):
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
