"""Configurations as short texts, and what is said of them as short lines."""

from collections.abc import Mapping, Sequence
from textwrap import dedent

from trio_lb.config.load import Examined, examine_text
from trio_lb.config.nodes import Findings, Node
from trio_lb.config.schema import Config

# Lines that make every other part of a file good, so that one thing is wrong at a time.
AROUND = "listeners: [{port: 80}]\nhealth_check: false\n"


def examined(
    text: str,
    *,
    name: str = "lb.yaml",
    environ: Mapping[str, str] | None = None,
    overrides: Sequence[str] = (),
) -> Examined:
    return examine_text(dedent(text), name=name, environ=environ or {}, overrides=overrides)


def told(
    text: str,
    *,
    name: str = "lb.yaml",
    environ: Mapping[str, str] | None = None,
    overrides: Sequence[str] = (),
) -> list[str]:
    """All problems as they would be printed, without the file's name."""
    found = examined(text, name=name, environ=environ, overrides=overrides).problems
    return [str(each).removeprefix(f"{name}:").removeprefix(f"{name} ") for each in found]


def loaded(text: str, *, name: str = "lb.yaml", environ: Mapping[str, str] | None = None) -> Config:
    return examined(text, name=name, environ=environ).unwrap()


def node_of(value: object) -> Node:
    """A root node with findings of its own."""
    return Node(value, (), Findings())


def said(node: Node) -> list[str]:
    return [str(each) for each in node.findings.problems]
