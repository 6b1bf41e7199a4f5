"""Plug-ins are found by the name of their file; an unknown name lists the choices."""

from __future__ import annotations

import pytest
from django.test import override_settings

from research import wiring
from research.errors import UnknownChoice
from research.providers import engines


def test_an_unknown_engine_lists_the_choices() -> None:
    with pytest.raises(UnknownChoice, match="library") as refusal:
        wiring.build_engines(["alta_vista"])
    assert refusal.value.pointer == "/engines"


def test_an_unknown_model_lists_the_choices() -> None:
    with pytest.raises(UnknownChoice, match="offline") as refusal:
        wiring.build_llm("oracle")
    assert refusal.value.pointer == "/llm"


def test_doubles_are_offered_to_tests_alone() -> None:
    assert "rehearsal" in wiring.plugin_names(engines)
    with override_settings(TESTING=False):
        assert "rehearsal" not in wiring.plugin_names(engines)
        wiring._engine.cache_clear()
        with pytest.raises(UnknownChoice):
            wiring.build_engines(["rehearsal"])
