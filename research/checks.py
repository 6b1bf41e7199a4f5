"""What can be wrong at start-up, as system checks with an id and a hint (docs/checks.md)."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register


@register(Tags.security)
def check_failpoints(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if settings.PROWZI["failpoints"] and not settings.TESTING:
        return [
            Error(
                "PROWZI_FAILPOINTS is set outside of tests.",
                hint="Remove it; it kills workers on purpose.",
                id="prowzi.E001",
            )
        ]
    return []


@register(Tags.security)
def check_hosts(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if "*" in settings.ALLOWED_HOSTS:
        return [Error("ALLOWED_HOSTS is *.", hint="Name the hosts that people type.", id="prowzi.E002")]
    return []


@register(Tags.security)
def check_host(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Who can reach it decides by which names it may be called: Django would refuse every request."""
    own = {"127.0.0.1", "localhost", "::1", "[::1]"}
    if settings.HOST not in own and set(settings.ALLOWED_HOSTS) <= own:
        hint = f"Name the hosts that people type: ALLOWED_HOSTS=research.example.org HOST={settings.HOST}"
        return [Error(f"HOST={settings.HOST} needs ALLOWED_HOSTS.", hint=hint, id="prowzi.E004")]
    return []


START_CHECKS = (check_failpoints, check_hosts, check_host)  # what `up`, `web` and `worker` refuse


@register(Tags.security, deploy=True)
def check_testing(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if settings.TESTING:
        return [Error("PROWZI_TESTING is set in production.", hint="Remove it.", id="prowzi.E003")]
    return []
