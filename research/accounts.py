"""For whom the command line and scripts act: the first administrator unless they name somebody."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from research.errors import NotFound, NotReady

ADMINISTRATOR = "admin"


def acting_user(name: str | None = None) -> User:
    """NotFound for an unknown name."""
    if name is None:
        return first_administrator(make=settings.EMBEDDED)
    found = User.objects.filter(username=name, is_active=True).first()
    if found is None:
        raise NotFound(f"There is no user {name!r}.", hint="Users are made with: prowzi createsuperuser")
    return found


def first_administrator(*, make: bool) -> User:
    """`make`: create one, without a password, where nobody is yet; otherwise NotReady then."""
    found = User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
    if found is not None:
        return found
    if not make:
        raise NotReady("There is no administrator yet.", hint="Type: prowzi createsuperuser")
    with transaction.atomic():
        return _administrator()


def _administrator() -> User:
    # Two first commands at once: the unique name decides, and both act for the same person.
    administrator, made = User.objects.get_or_create(
        username=ADMINISTRATOR, defaults={"is_staff": True, "is_superuser": True}
    )
    if made:
        administrator.set_unusable_password()
        administrator.save()
    elif not (administrator.is_superuser and administrator.is_active):
        raise NotReady("There is no administrator yet.", hint="Type: prowzi createsuperuser")
    return administrator
