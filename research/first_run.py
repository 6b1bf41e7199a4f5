"""What `make run` adds on an empty database, so that the page that opens is alive."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import User

from research import services, tokens
from research.artifacts import Options
from research.library.examples import add_examples
from research.models import Document, Session

ADMINISTRATOR = "admin"
QUESTION = "Does coffee change how well people sleep?"


def prepare() -> str:
    """The path of a sign-in link for the first administrator, who is made when there is no user at all."""
    administrator = _first_administrator()
    return tokens.create_login_link(administrator)


def fill() -> None:
    """The example library and a first research on an empty database; `PROMPT` is asked on any."""
    administrator = _first_administrator()
    prompt = settings.ENV.text("PROMPT")
    if not Document.objects.exists() and not Session.objects.exists():
        add_examples(administrator)
        prompt = prompt or QUESTION
    if prompt:
        services.start_session(owner=administrator, prompt=prompt, options=Options())


def _first_administrator() -> User:
    found = User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
    if found is not None:
        return found
    administrator = User(username=ADMINISTRATOR, is_staff=True, is_superuser=True)
    administrator.set_unusable_password()
    administrator.save()
    return administrator
