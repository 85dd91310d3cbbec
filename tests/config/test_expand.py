"""What comes from outside: the environment, and files with secrets."""

from pathlib import Path

import pytest

from tests.config.support import node_of, said
from trio_lb.config.expand import Outside, expand
from trio_lb.config.values import Loose


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${PORT}", "80"),
        ("host:${PORT}", "host:80"),
        ("${PORT:-81}", "80"),
        ("${NOPE:-81}", "81"),
        ("${NOPE:-}", ""),
        ("${EMPTY:-x}", "x"),
        ("${EMPTY}", ""),
        ("${PORT}${PORT}", "8080"),
        ("$${PORT}", "${PORT}"),
        ("${NESTED}", "${PORT}"),
        ("$PORT", "$PORT"),
    ],
)
def test_a_reference_is_replaced_once(text: str, value: str) -> None:
    environ = {"PORT": "80", "EMPTY": "", "NESTED": "${PORT}"}
    root = node_of({"a": [text]})
    assert expand(root, Outside(environ)) == {"a": [value]}
    assert said(root) == []


def test_what_was_replaced_is_loose_and_all_else_stays() -> None:
    root = node_of({"a": "${X}", "b": "plain", "c": 5, "${X}": True})
    value = expand(root, Outside({"X": "1"}))
    assert value == {"a": "1", "b": "plain", "c": 5, "${X}": True}
    assert isinstance(value, dict)
    assert [type(value[key]) for key in "ab"] == [Loose, str]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${NOPE}", "a: the environment variable NOPE is not set, and has no default"),
        ("${", "a: '${' begins no ${NAME} or ${NAME:-default}; write $${ for a plain one"),
        ("${1}", "a: '${' begins no ${NAME} or ${NAME:-default}; write $${ for a plain one"),
    ],
)
def test_a_bad_reference_is_told(text: str, message: str) -> None:
    root = node_of({"a": text})
    expand(root, Outside({}))
    assert said(root) == [message]


def test_without_an_environment_references_are_text() -> None:
    assert expand(node_of(["${X}"]), Outside(None)) == ["${X}"]


def test_a_header_may_be_a_file_s_content(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret\n")
    root = node_of({"headers": {"Authorization": "file:token"}, "path": "file:token"})
    assert expand(root, Outside(None, tmp_path)) == {
        "headers": {"Authorization": "s3cret"},
        "path": "file:token",
    }


def test_a_secret_that_can_not_be_read_is_told_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"x" * 70_000)
    (tmp_path / "binary").write_bytes(b"\xff")
    names = ("absent", "large", "binary")
    root = node_of({"headers": {name: f"file:{name}" for name in names}})
    expand(root, Outside(None, tmp_path))
    absent, large, binary = said(root)
    assert absent == (
        f"headers.absent: cannot read the secret in {tmp_path}/absent: No such file or directory"
    )
    assert large.endswith("large: larger than 65536 bytes")
    assert "can't decode" in binary


def test_a_mapping_that_holds_itself_comes_to_an_end() -> None:
    endless: dict[str, object] = {}
    endless["a"] = endless
    root = node_of(endless)
    expand(root, Outside({}))
    assert [each.message for each in root.findings.problems] == ["nested deeper than 64 levels"]
