"""The real settings and the sleeper."""

from __future__ import annotations

from prowzi_site.settings import *  # noqa: F403
from prowzi_site.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.chaos.sleeping.SleepingConfig"]
