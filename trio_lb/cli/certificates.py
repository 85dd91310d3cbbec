"""What is said of certificates before anybody uses them.

A file that is not here may be where the configuration will run, so for ``check`` its
absence is the loader's warning and no more; for ``run``, that place is here. Whoever can
be read is loaded by ``check`` as ``run`` would load it: a key that is another
certificate's is found before a restart, and not by it.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import attrs

from trio_lb.config.nodes import Absent
from trio_lb.config.schema import Config, ListenerTls, UpstreamTls
from trio_lb.model.errors import ConfigError, Problem


@attrs.frozen
class _Use:
    """Files that ``run`` loads together, for what stands at ``path``."""

    path: str
    files: tuple[str, ...]
    load: Callable[[], object]
    is_whole: bool = False
    """Whether problems are told of ``path`` itself, rather than of what is below it."""


def certificate_problems(config: Config) -> Iterator[Problem]:
    """Yield an error for each certificate, key or CA that is readable here and no good."""
    for use in _uses(config):
        if all(map(_is_here, use.files)):
            for problem in _problems_of(use.load):
                path = use.path if use.is_whole else f"{use.path}.{problem.path}"
                yield attrs.evolve(problem, path=path)


def needed(config: Config, problems: Sequence[Problem]) -> list[Absent]:
    """Return those of ``problems`` that are of files which are not here, and ``run`` would load."""
    files = {file for use in _uses(config) for file in use.files}
    return [each for each in problems if isinstance(each, Absent) and each.named in files]


def refuse_absent(config: Config, problems: Sequence[Problem]) -> None:
    """See that all that ``config`` needs is here, where it is about to run.

    Raises:
      ConfigError: with every file that is not, each where it is written.
    """
    absent = needed(config, problems)
    if absent:
        raise ConfigError(
            [attrs.evolve(each, severity="error") if each in absent else each for each in problems]
        )


def _uses(config: Config) -> Iterator[_Use]:
    for index, listener in enumerate(config.listeners):
        if listener.ssl is not None and listener.protocol == "https":
            yield from _of_listener(listener.ssl, f"listeners[{index}].ssl")
    for name, pool in config.pools.items():
        known = {None, pool.tls}  # What servers have from their pool is told once.
        if pool.tls is not None and pool.tls.enabled:
            yield _of_upstream(pool.tls, f"pools.{name}.tls")
        for index, server in enumerate(pool.servers):
            if server.tls not in known:
                known.add(server.tls)
                assert server.tls is not None
                if server.tls.enabled:
                    yield _of_upstream(server.tls, f"pools.{name}.servers[{index}].tls")


def _of_listener(tls: ListenerTls, path: str) -> Iterator[_Use]:
    from trio_lb.net.certificates import client_context, server_context  # Only who speaks TLS.

    for index, each in enumerate(tls.all_certificates):
        files = _named(each.certificate, each.private_key)
        own = partial(server_context, [each], None, tls.min_version)
        yield _Use(f"{path}.certificates[{index}]", files, own, is_whole=True)
    if tls.client_ca is not None:
        theirs = partial(client_context, ca=tls.client_ca)
        yield _Use(f"{path}.client_ca", (tls.client_ca,), theirs, is_whole=True)


def _of_upstream(tls: UpstreamTls, path: str) -> _Use:
    from trio_lb.net.certificates import client_context

    load = partial(
        client_context,
        verify=tls.verify,
        ca=tls.ca,
        certificate=tls.certificate,
        private_key=tls.private_key,
        min_version=tls.min_version,
    )
    return _Use(path, _named(tls.ca, tls.certificate, tls.private_key), load)


def _named(*files: str | None) -> tuple[str, ...]:
    return tuple(file for file in files if file)


def _is_here(file: str) -> bool:
    return os.path.isfile(file) and os.access(file, os.R_OK)


def _problems_of(load: Callable[[], object]) -> tuple[Problem, ...]:
    try:
        load()
    except ConfigError as error:
        return error.problems
    return ()
