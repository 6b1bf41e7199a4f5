from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from research import accounts, tokens
from research.management.base import ProwziCommand


class Command(ProwziCommand):
    help = "A sign-in link, valid 15 minutes, used once by a button on its page."
    example = "prowzi login-link\nprowzi login-link maria"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", metavar="USER", help="default: the first administrator")
        parser.add_argument("--json", action="store_true", help="one JSON document on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        user = accounts.acting_user(options["name"])
        path = tokens.create_login_link(user)
        link = f"{_address()}{path}"
        if options["json"]:
            self.emit_json({"user": user.get_username(), "url": link, "minutes": tokens.LINK_MINUTES})
        else:
            self.stdout.write(link)
            self.note(f"Signs in {user.get_username()}, once, within {tokens.LINK_MINUTES} minutes.")


def _address() -> str:
    """Where pages answer: the first name that people may type, unless this machine alone is served."""
    scheme = "https" if settings.HTTPS else "http"
    host = settings.HOST
    if host in {"0.0.0.0", "::"}:
        host = next((name for name in settings.ALLOWED_HOSTS if not name.startswith(".")), "127.0.0.1")
    shown = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return f"{scheme}://{shown}" + ("" if settings.HTTPS else f":{settings.PORT}")
