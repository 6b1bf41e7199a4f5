"""What `make run` adds on an empty database, so that the page that opens is alive."""

from __future__ import annotations

from django.conf import settings

from research import services, tokens
from research.accounts import first_administrator
from research.artifacts import Options
from research.library.examples import add_examples
from research.models import Document, Session

QUESTION = "Does coffee change how well people sleep?"


def prepare() -> str:
    """The path of a sign-in link for the first administrator, who is made when there is no user at all."""
    administrator = first_administrator(make=True)
    return tokens.create_login_link(administrator)


def fill() -> None:
    """The example library and a first research on an empty database; `PROMPT` is asked on any."""
    administrator = first_administrator(make=True)
    prompt = settings.ENV.text("PROMPT")
    if not Document.objects.exists() and not Session.objects.exists():
        add_examples(administrator)
        prompt = prompt or QUESTION
    if prompt:
        services.start_session(owner=administrator, prompt=prompt, options=Options())
