"""What ``trio-lb check`` says of certificates: whether those that are here can be used.

A file that is not here may be where the configuration will run, so its absence is the
loader's warning and no more. Whoever can be read is loaded as ``run`` would load it: a
key that is another certificate's is found before a restart, and not by it.
"""

import os
from collections.abc import Callable, Iterator
from functools import partial

import attrs

from trio_lb.config.schema import Config, ListenerTls, UpstreamTls
from trio_lb.model.errors import ConfigError, Problem


def certificate_problems(config: Config) -> Iterator[Problem]:
    """Yield an error for each certificate, key or CA that is readable here and no good."""
    for index, listener in enumerate(config.listeners):
        if listener.ssl is not None:
            yield from _of_listener(listener.ssl, f"listeners[{index}].ssl")
    for name, pool in config.pools.items():
        known = {None, pool.tls}  # What servers have from their pool is told once.
        if pool.tls is not None:
            yield from _of_upstream(pool.tls, f"pools.{name}.tls")
        for index, server in enumerate(pool.servers):
            if server.tls not in known:
                known.add(server.tls)
                assert server.tls is not None
                yield from _of_upstream(server.tls, f"pools.{name}.servers[{index}].tls")


def _of_listener(tls: ListenerTls, path: str) -> Iterator[Problem]:
    from trio_lb.net.certificates import client_context, server_context  # Only who speaks TLS.

    for index, each in enumerate(tls.all_certificates):
        if _are_here(each.certificate, each.private_key):
            load = partial(server_context, [each], None, tls.min_version)
            for problem in _problems_of(load):
                yield attrs.evolve(problem, path=f"{path}.certificates[{index}]")
    if tls.client_ca is not None and _are_here(tls.client_ca):
        for problem in _problems_of(partial(client_context, ca=tls.client_ca)):
            yield attrs.evolve(problem, path=f"{path}.client_ca")


def _of_upstream(tls: UpstreamTls, path: str) -> Iterator[Problem]:
    from trio_lb.net.certificates import client_context

    if not tls.enabled or not _are_here(tls.ca, tls.certificate, tls.private_key):
        return
    load = partial(
        client_context,
        verify=tls.verify,
        ca=tls.ca,
        certificate=tls.certificate,
        private_key=tls.private_key,
        min_version=tls.min_version,
    )
    for problem in _problems_of(load):
        yield attrs.evolve(problem, path=f"{path}.{problem.path}")


def _are_here(*paths: str | None) -> bool:
    return all(os.path.isfile(path) and os.access(path, os.R_OK) for path in paths if path)


def _problems_of(load: Callable[[], object]) -> tuple[Problem, ...]:
    try:
        load()
    except ConfigError as error:
        return error.problems
    return ()
