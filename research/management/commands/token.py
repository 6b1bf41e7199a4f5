from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from rich import box
from rich.table import Table
from rich.text import Text

from research import accounts, tokens
from research.console.text import moment, safe
from research.management.base import ProwziCommand, whole_number
from research.models import ApiToken
from telemetry.events import iso


class Command(ProwziCommand):
    help = "API tokens: create, list, revoke. A token is shown once, when it is created."
    example = (
        "prowzi token create admin --scope read --expires 30\nprowzi token list\nprowzi token revoke 3kf9qw2z"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="create | list | revoke")
        create = verbs.add_parser("create", help="make a token and show it, once")
        create.add_argument("owner", metavar="USER", help="whose token; it can do what this user may")
        create.add_argument(
            "--scope",
            nargs="+",
            action="extend",
            default=[],
            choices=tokens.SCOPES,
            metavar="S",
            help=f"only these: {', '.join(tokens.SCOPES)} (default: everything)",
        )
        create.add_argument("--expires", type=whole_number, metavar="DAYS", help="default: never")
        create.add_argument("--name", default="", help="what it is for")
        listing = verbs.add_parser("list", help="the tokens there are, never their secrets")
        revoke = verbs.add_parser("revoke", help="end a token for good")
        revoke.add_argument("prefix", metavar="PREFIX", help="the eight characters that `token list` shows")
        for verb in (listing, revoke):
            verb.add_argument("--user", metavar="NAME", help="whose (default: the first administrator)")
        for verb in (create, listing, revoke):
            verb.add_argument("--json", action="store_true", help="one JSON document on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        {"create": self._create, "list": self._list, "revoke": self._revoke}[options["verb"]](options)

    def _create(self, options: dict[str, Any]) -> None:
        row, token = tokens.create_token(
            owner=accounts.acting_user(options["owner"]),
            name=options["name"],
            scopes=options["scope"],
            expires_days=options["expires"],
        )
        if options["json"]:
            self.emit_json({"token": token, **_shown(row)})
        else:
            self.stdout.write(token)
            self.note("Keep it now: it cannot be shown again.")

    def _list(self, options: dict[str, Any]) -> None:
        rows = [_shown(row) for row in tokens.tokens_of(accounts.acting_user(options["user"]))]
        if options["json"]:
            self.emit_json(rows)
        else:
            self.terminal().print(
                _table(rows) if rows else "No tokens yet. Make one: prowzi token create USER"
            )

    def _revoke(self, options: dict[str, Any]) -> None:
        row = tokens.revoke_token(accounts.acting_user(options["user"]), options["prefix"])
        if options["json"]:
            self.emit_json(_shown(row))
        else:
            self.stdout.write(f"The token {row.prefix} no longer opens anything.")


def _shown(row: ApiToken) -> dict[str, Any]:
    moments = {
        name: getattr(row, name) for name in ("created_at", "expires_at", "last_used_at", "revoked_at")
    }
    return {
        "id": str(row.pk),
        "prefix": row.prefix,
        "owner": row.owner.get_username(),
        "name": row.name,
        "scopes": row.scopes,
        **{name: iso(at) if at else None for name, at in moments.items()},
    }


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table(
        "Token", "Name", "Scopes", "Created", "Expires", "Last used", "Revoked", box=box.SIMPLE_HEAD
    )
    for row in rows:
        table.add_row(
            row["prefix"],
            Text(safe(row["name"])),
            ", ".join(row["scopes"]) or "everything",
            *(moment(row[name]) for name in ("created_at", "expires_at", "last_used_at", "revoked_at")),
        )
    return table
