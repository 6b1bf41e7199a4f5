"""Unsafe settings stop a start with one line (S08, S36)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import override_settings

from research.errors import NotReady
from research.runner import readiness


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"ALLOWED_HOSTS": ["*"]}, "Name the hosts"),  # channels takes its Origin list from there
        ({"HOST": "0.0.0.0", "ALLOWED_HOSTS": ["localhost"]}, "ALLOWED_HOSTS="),
        ({"PROWZI": {"failpoints": "FP01=kill9"}, "TESTING": False}, "kills workers"),
    ],
)
def test_s08_s36_a_start_with_an_unsafe_setting_is_refused(wrong: dict[str, Any], says: str) -> None:
    with override_settings(**wrong), pytest.raises(NotReady, match=says):
        readiness.check_settings()


def test_a_host_with_its_names_starts() -> None:
    with override_settings(HOST="0.0.0.0", ALLOWED_HOSTS=["research.example.org"]):
        readiness.check_settings()
    readiness.check_settings()
