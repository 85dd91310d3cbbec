"""Make a ``Config`` of a file or a dict, or say everything that is wrong with it.

    text --parse--> values + lines --expand--> values --override--> values --assemble--> Config

No step stops at the first problem. ``examine_file`` and ``examine_mapping`` return
what was found beside the result; ``load_file`` and ``load_mapping`` raise it.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs

from trio_lb.config.assemble import read_document
from trio_lb.config.expand import Outside, expanded
from trio_lb.config.nodes import Findings, Origin
from trio_lb.config.overrides import apply_overrides
from trio_lb.config.schema import Config
from trio_lb.model.errors import ConfigError, Problem


@attrs.frozen(slots=True)
class Examined:
    """What came of a configuration; ``config`` is None when ``problems`` holds an error."""

    config: Config | None
    problems: tuple[Problem, ...]

    def unwrap(self) -> Config:
        """Return the configuration.

        Raises:
          ConfigError: it has errors; warnings are among its problems.
        """
        if self.config is None:
            raise ConfigError(self.problems)
        return self.config


def load_file(
    path: str | Path, *, environ: Mapping[str, str] | None = None, overrides: Sequence[str] = ()
) -> Config:
    """Return the configuration in a YAML, JSON or TOML file (by its suffix).

    ``environ`` serves ``${NAME}``, by default the process's; ``overrides`` are
    ``path.to.key=value`` (see ``config.overrides``).

    Raises:
      ConfigError: with every problem, each with file, line and path.
    """
    return examine_file(path, environ=environ, overrides=overrides).unwrap()


def load_mapping(
    mapping: Mapping[str, object],
    *,
    source: str | None = None,
    environ: Mapping[str, str] | None = None,
    overrides: Sequence[str] = (),
) -> Config:
    """Return the configuration in a mapping of the file's shape, or of ``load_balancer``'s.

    ``source`` is how problems call it. ``${NAME}`` is only looked at with ``environ``.

    Raises:
      ConfigError: with every problem.
    """
    return examine_mapping(mapping, source=source, environ=environ, overrides=overrides).unwrap()


def problems(path: str | Path, *, environ: Mapping[str, str] | None = None) -> list[Problem]:
    """Return every problem of a file, warnings too, by line."""
    return list(examine_file(path, environ=environ).problems)


def examine_file(
    path: str | Path, *, environ: Mapping[str, str] | None = None, overrides: Sequence[str] = ()
) -> Examined:
    """Return what is in a file, and what is wrong with it; never raises for its content."""
    findings = Findings({(): Origin(str(path))})
    text = _read(Path(path), findings)
    if text is None:
        return Examined(None, findings.problems)
    return examine_text(text, name=str(path), environ=environ, overrides=overrides)


def examine_text(
    text: str,
    *,
    name: str,
    environ: Mapping[str, str] | None = None,
    overrides: Sequence[str] = (),
) -> Examined:
    """Return what is in the text of a file; ``name`` is how problems call it, and its suffix."""
    findings = Findings({(): Origin(name)}, Path(name).parent)
    value = _parse(text, name, findings)
    if value is None:
        if not findings.has_errors:
            # A file that somebody is just writing: nobody's servers must go because of it.
            findings.add((), "is empty: nothing in it says what to balance")
        return Examined(None, findings.problems)
    outside = Outside(os.environ if environ is None else environ, Path(name).parent)
    return _examine(value, outside, overrides, findings)


def examine_mapping(
    mapping: Mapping[str, object],
    *,
    source: str | None = None,
    environ: Mapping[str, str] | None = None,
    overrides: Sequence[str] = (),
) -> Examined:
    """Return what is in a mapping, and what is wrong with it."""
    findings = Findings({(): Origin(source)})
    return _examine(mapping, Outside(environ), overrides, findings)


def _examine(
    value: object, outside: Outside, overrides: Sequence[str], findings: Findings
) -> Examined:
    root = expanded({} if value is None else value, outside, findings)
    document = apply_overrides(root.value, overrides, findings)
    config = read_document(attrs.evolve(root, value=document))
    return Examined(None if findings.has_errors else config, findings.problems)


def _read(path: Path, findings: Findings) -> str | None:
    try:
        return path.read_text("utf-8-sig")
    except OSError as error:
        findings.add((), f"cannot be read: {error.strerror}")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        byte = error.object[error.start]
        findings.add((), f"is not UTF-8 text: byte 0x{byte:02x} in line {line}")
    return None


def _parse(text: str, name: str, findings: Findings) -> object:
    """Return what it says, None if nothing or nothing that can be read.

    The parsers are imported when a file asks for one: a program with a dict needs none.
    """
    if name.endswith(".toml"):
        from trio_lb.config.toml_source import read_toml

        return read_toml(text, name, findings) or None
    from trio_lb.config.yaml_source import read_yaml

    return read_yaml(text, name, findings)
