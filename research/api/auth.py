"""Who is at the door: a bearer of a token, or a signed-in browser that proves it with CSRF.

A request that carries an Authorization header is judged by it alone: a bad key is 401 even beside a good
cookie, so a browser's cookie can never be used with CSRF switched off (S14).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare
from ninja.security.base import AuthBase
from ninja.utils import check_csrf

from research import tokens
from research.api.limits import DOOR, LIMITER, READ, WRITE
from research.api.problems import CsrfFailed, Unauthenticated
from research.errors import InvalidInput, PermissionDenied

SAFE = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True)
class Visitor:
    """Who asks, and what their key may open."""

    user: User
    token: Any = None  # ApiToken; None = a signed-in browser
    scopes: tuple[str, ...] = ()  # empty = everything this user may do
    session_key: str = ""  # of the browser

    def require(self, scope: str) -> None:
        implied = {"read": ("read", "write")}.get(scope, (scope,))
        if self.scopes and not set(implied) & set(self.scopes):
            raise PermissionDenied(f"This token does not have the scope {scope!r}.")


class Bearer(AuthBase):
    """`Authorization: Bearer prowzi_…`."""

    openapi_type: ClassVar[str] = "http"
    openapi_scheme: ClassVar[str] = "bearer"

    def __init__(self, scope: str) -> None:
        self.scope = scope
        super().__init__()

    def __call__(self, request: HttpRequest) -> Visitor | None:
        given = request.headers.get("Authorization")
        if given is None:
            return None
        kind, _, text = given.partition(" ")
        row = tokens.find_token(text.strip()) if kind.lower() == "bearer" else None
        if row is None:
            # A good key passes anyway: behind a proxy all share one address; none shall lock out the rest.
            LIMITER.count(DOOR, request.META.get("REMOTE_ADDR", "")).enforce()
            raise Unauthenticated("The token is not valid, or no longer. Make a new one: prowzi token create")
        return _enter(request, Visitor(row.owner, row, tuple(row.scopes)), self.scope)


class Browser(AuthBase):
    """Django's session cookie. Whatever changes something needs the CSRF token as well."""

    openapi_type: ClassVar[str] = "apiKey"
    openapi_in: ClassVar[str] = "cookie"
    openapi_name: ClassVar[str] = settings.SESSION_COOKIE_NAME

    def __init__(self, scope: str) -> None:
        self.scope = scope
        super().__init__()

    def __call__(self, request: HttpRequest) -> Visitor | None:
        user = request.user
        if not user.is_authenticated or not isinstance(user, User):
            return None
        if check_csrf(request) is not None:
            raise CsrfFailed("The request lacks this site's CSRF token. Send it as X-CSRFToken.")
        return _enter(request, Visitor(user, session_key=request.session.session_key or ""), self.scope)


def _enter(request: HttpRequest, visitor: Visitor, scope: str) -> Visitor:
    visitor.require(scope)
    policy = READ if request.method in SAFE else WRITE
    standing = LIMITER.count(policy, str(visitor.user.pk))
    request.limit = standing  # type: ignore[attr-defined]  # for the headers, see middleware
    standing.enforce()
    return visitor


def door(scope: str) -> list[Callable[[HttpRequest], Visitor | None]]:
    """What guards an endpoint: first the key, then the cookie."""
    if scope not in tokens.SCOPES:
        raise InvalidInput(f"There is no scope {scope!r}.")
    return [Bearer(scope), Browser(scope)]


def visitor_of(request: HttpRequest) -> Visitor:
    found = getattr(request, "auth", None)
    if not isinstance(found, Visitor):
        raise Unauthenticated
    return found


def user_of(request: HttpRequest) -> User:
    return visitor_of(request).user


def still_welcome(visitor: Visitor) -> bool:
    """Whether the key, or the cookie, would let the visitor in again."""
    user = User.objects.filter(pk=visitor.user.pk, is_active=True).first()
    if user is None:
        return False
    if visitor.token is not None:
        return tokens.is_still_good(visitor.token)
    return _is_signed_in(user, visitor.session_key)


def _is_signed_in(user: User, session_key: str) -> bool:
    """Not after signing out, nor after a change of the password."""
    session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    known = constant_time_compare(session.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash())
    return known and session.get(SESSION_KEY) == str(user.pk)
