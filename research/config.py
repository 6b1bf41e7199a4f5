"""The seed's configuration object: a changeable view on this process's settings."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


def set_up_django() -> bool:
    """In a plain script, where nobody has: Prowzi's own settings. Whether that was needed."""
    try:
        settings.INSTALLED_APPS  # noqa: B018  the first look loads what DJANGO_SETTINGS_MODULE names
    except ImproperlyConfigured:
        own = import_module("prowzi_site.settings")
        settings.configure(**{name: getattr(own, name) for name in dir(own) if name.isupper()})
    from django.apps import apps

    if apps.ready:
        return False
    django.setup()
    return True


class Config:
    """What is changed here counts in this process, from the next session on."""

    @property
    def enable_checkpointing(self) -> bool:
        return bool(settings.PROWZI["checkpoints"])

    @enable_checkpointing.setter
    def enable_checkpointing(self, value: bool) -> None:
        settings.PROWZI["checkpoints"] = bool(value)

    @property
    def enable_telemetry(self) -> bool:
        return bool(settings.PROWZI["telemetry"])

    @enable_telemetry.setter
    def enable_telemetry(self, value: bool) -> None:
        settings.PROWZI["telemetry"] = bool(value)

    @property
    def checkpoint_dir(self) -> Path:
        """Below the data folder unless it was changed; meaningful for a store of files."""
        return Path(settings.CHECKPOINT_STORAGE.removeprefix("file://"))

    @checkpoint_dir.setter
    def checkpoint_dir(self, value: Path | str) -> None:
        settings.CHECKPOINT_STORAGE = f"file://{Path(value).absolute()}"


@cache
def get_config() -> Config:
    """One for the process."""
    set_up_django()
    return Config()
