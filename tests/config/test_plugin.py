"""`{kind: NAME, ...options}`: classes of ours and of strangers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from autoscaler.config.plugin import PluginConfig, plugin_config
from autoscaler.interfaces import Source, Target
from tests.fakes import FakeTarget


def fault(plugin_type: Any, value: object) -> tuple[tuple[int | str, ...], str]:
    with pytest.raises(ValidationError) as caught:
        plugin_config(plugin_type, value)
    (detail,) = caught.value.errors()
    return detail["loc"], detail["msg"]


def test_any_class_of_the_type_can_be_named() -> None:
    found = plugin_config(Target, {"kind": "tests.fakes:FakeTarget", "world": "a"})
    options = FakeTarget.options_type(world="a")
    assert found == PluginConfig("tests.fakes:FakeTarget", FakeTarget, options)


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("os:system", "os:system is not a Source"),
        ("no.such:Thing", "cannot be imported: No module named 'no'"),
        (".relative:Thing", "cannot be imported: the 'package' argument is required"),
        (":Thing", "cannot be imported: Empty module name"),
        ("tests.config.breaks_on_import:Thing", "cannot be imported: broken on purpose"),
    ],
)
def test_a_class_that_is_none_says_why(kind: str, why: str) -> None:
    location, message = fault(Source, {"kind": kind})
    assert location == ("kind",)
    assert why in message


@given(st.none() | st.integers() | st.text(max_size=20) | st.lists(st.text()))
def test_only_names_are_kinds(kind: object) -> None:
    location, message = fault(Source, {"kind": kind} if kind is not None else {})
    assert location == ("kind",)
    assert message
