"""YAML with lines: what it means, and that nothing hostile gets through."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from autoscaler.document import MAX_BYTES, compose
from autoscaler.errors import ConfigError
from autoscaler.text_file import read_text
from tests.config.seconds import within_a_second


def plain(text: str) -> object:
    return compose(text, "f.yaml").root.plain()


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("true", True),
        ("FALSE", False),
        ("yes", "yes"),
        ("off", "off"),
        ("~", None),
        ("null", None),
        ("", None),
        ("-12", -12),
        ("012", 12),
        ("0o17", 15),
        ("0x1F", 31),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("1e999", "1e999"),
        (".inf", ".inf"),
        ("7:30", "7:30"),
        ("2026-01-01", "2026-01-01"),
        ("'5'", "5"),
        ("|\n  a\n  b\n", "a\nb\n"),
        ("9" * 18, int("9" * 18)),
        ("9" * 400, "9" * 400),
    ],
)
def test_scalars_are_yaml_1_2(written: str, value: object) -> None:
    assert plain(f"key: {written}") == {"key": value}


def test_keys_are_texts() -> None:
    assert plain("1: a\ntrue: b\nnull: c\n'': d") == {"1": "a", "true": "b", "null": "c", "": "d"}


def test_aliases_and_merged_keys() -> None:
    text = "a: &a {x: 1, y: 2}\nb: *a\nc: {<<: *a, y: 3}\nd: {<<: [*a, {z: 4}], x: 0}"
    assert plain(text) == {
        "a": {"x": 1, "y": 2},
        "b": {"x": 1, "y": 2},
        "c": {"x": 1, "y": 3},
        "d": {"x": 0, "y": 2, "z": 4},
    }


def test_merging_what_is_no_mapping_stays_visible() -> None:
    assert plain("a: {<<: 5, x: 1}") == {"a": {"<<": 5, "x": 1}}


def test_a_location_has_the_line_of_its_key_or_of_what_is_nearest() -> None:
    document = compose("a:\n  b:\n    - c: 1\n    - c: 2\n", "f.yaml")
    assert document.written(("a", "b", 1, "c"), {}) == (("a", "b", 1, "c"), 4)
    assert document.written(("a", "b", 7, "c"), {}) == (("a", "b", 7, "c"), 2)
    assert document.written(("a", "x", "y"), {}) == (("a", "x", "y"), 1)
    assert document.written(("z",), {}) == (("z",), 1)


def test_a_location_is_spelt_as_the_text_spells_it() -> None:
    document = compose("scaleUp: 1\nscale_down: 2", "f.yaml")
    spellings = {"scale_up": "scaleUp", "scale_down": "scaleDown"}
    assert document.written(("scale_up",), spellings) == (("scaleUp",), 1)
    assert document.written(("scale_down",), spellings) == (("scale_down",), 2)


def fault_of(text: str) -> str:
    with within_a_second(), pytest.raises(ConfigError) as caught:
        compose(text, "f.yaml")
    assert len(caught.value.faults) == 1
    return caught.value.faults[0]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a: " + "x" * MAX_BYTES, "f.yaml:1: yaml: the text is longer than 1048576 characters"),
        ("[" * 500_000, "f.yaml:1: yaml: nested deeper than 32 levels"),
        ("{a: " * 200_000, "f.yaml:1: yaml: nested deeper than 32 levels"),
        ("- " * 500_000, "f.yaml:1: yaml: nested deeper than 32 levels"),
        (
            "".join(f"k{i}: \n" for i in range(110_000)),
            "f.yaml:40000: yaml: more than 40000 values, with aliases written out",
        ),
        ("a: \ud800", "f.yaml:1: yaml: unprintable character '\\ud800'"),
        ("a: 1\nb: \x00", "f.yaml:2: yaml: unprintable character '\\x00'"),
    ],
    ids=["long", "lists", "mappings", "items", "keys", "surrogate", "nul"],
)
def test_what_is_too_much_is_one_fault(text: str, fault: str) -> None:
    assert fault_of(text) == fault


def read(text: str) -> object:
    """The text's value, or its one fault."""
    try:
        return plain(text)
    except ConfigError as error:
        (fault,) = error.faults
        return fault


def is_mapping_or_fault(value: object) -> bool:
    return isinstance(value, dict) or str(value).startswith("f.yaml:")


YAML_LIKE = st.text(st.sampled_from("ab:-[]{}&*!|>'\"%@`#?,<~ \t\r\n\x85\u2028é0.\\x"), max_size=60)


@given(YAML_LIKE)
@example("a: 'x\r\r\r")
@example("%YAML 1.1\n---\na: 1")
@example("&a a: *a")
def test_any_text_is_a_mapping_or_a_fault(text: str) -> None:
    assert is_mapping_or_fault(read(text))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_mapping_or_a_fault(content: bytes) -> None:
    assert is_mapping_or_fault(read(content.decode("utf-8", "surrogateescape")))


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    def fault(name: str) -> str:
        with pytest.raises(ConfigError) as caught:
            read_text(tmp_path / name)
        return str(caught.value).removeprefix(f"{tmp_path}/")

    (tmp_path / "latin").write_bytes("a: 1\nb: é\n".encode("latin-1"))
    (tmp_path / "large").write_bytes(b"#" * (MAX_BYTES + 1))
    (tmp_path / "folder").mkdir()
    assert fault("latin") == "latin:2: yaml: not UTF-8; save it as UTF-8"
    assert fault("large") == f"large:1: yaml: larger than {MAX_BYTES} bytes"
    assert fault("folder") == "folder:1: yaml: not a regular file"
    assert fault("none") == "none:1: yaml: cannot be read: No such file or directory"


def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigError, match="not a regular file"):
        read_text(tmp_path / "pipe")


def test_a_byte_order_mark_is_no_content(tmp_path: Path) -> None:
    (tmp_path / "bom").write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert plain(read_text(tmp_path / "bom")) == {"a": 1}
