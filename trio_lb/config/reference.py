"""docs/reference/configuration.md, made from the schema: nothing there is written twice.

``python -m trio_lb.config.reference > docs/reference/configuration.md`` renews it;
a test fails while the page is stale.
"""

import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs

from trio_lb.config.assemble import FLAT
from trio_lb.config.kinds import Maybe, Number
from trio_lb.config.knobs import Knob, OptionalSection, Section, knobs_of
from trio_lb.config.later import FILE, LATER
from trio_lb.config.schema import (
    AccessConfig,
    AccessLogConfig,
    BreakerConfig,
    BudgetConfig,
    CertificateConfig,
    Config,
    FallbackConfig,
    HealthCheckConfig,
    LimitsConfig,
    ListenerConfig,
    ListenerTls,
    LoggingConfig,
    OutlierConfig,
    PoolConfig,
    ProbeConfig,
    RetryConfig,
    ServerConfig,
    TimeoutsConfig,
    UpstreamTls,
    WatchdogConfig,
    WebSocketConfig,
)
from trio_lb.config.values import format_duration, format_size

# In the order of the page; the title is the path in the file.
SECTIONS: Final[Mapping[str, type[attrs.AttrsInstance]]] = {
    "load_balancer": Config,
    "load_balancer.listeners[]": ListenerConfig,
    "listeners[].ssl": ListenerTls,
    "listeners[].ssl.certificates[]": CertificateConfig,
    "load_balancer (the default pool), load_balancer.pools.NAME": PoolConfig,
    "servers[]": ServerConfig,
    "tls (of a pool or a server)": UpstreamTls,
    "health_check": HealthCheckConfig,
    "health_check.probes[]": ProbeConfig,
    "outlier_detection": OutlierConfig,
    "circuit_breaker": BreakerConfig,
    "circuit_breaker.fallback_response": FallbackConfig,
    "retry": RetryConfig,
    "retry.budget": BudgetConfig,
    "load_balancer.timeouts": TimeoutsConfig,
    "load_balancer.limits": LimitsConfig,
    "load_balancer.websocket": WebSocketConfig,
    "load_balancer.watchdog": WatchdogConfig,
    "load_balancer.access": AccessConfig,
    "logging": LoggingConfig,
    "logging.access": AccessLogConfig,
}

_HEAD: Final = """\
# Configuration

Made from `trio_lb/config/schema.py` by `python -m trio_lb.config.reference`; do not edit.

```yaml
load_balancer:
  listeners:
    - port: 80                       # 0.0.0.0:80; or bind: 127.0.0.1:8000, "[::]:80", unix:/run/lb.sock
    - {bind: 127.0.0.1:8081, pool: api}
  algorithm: least_connections       # of the default pool, and of every pool that names none
  servers:
    - 10.0.0.1:8080                  # or 10.0.0.1:8080*3 with a weight
    - {name: web-2, address: 10.0.0.2:8080, weight: 3}
  health_check: {path: /health, interval: 10s}
  pools:
    api: {servers: [http://10.0.1.1:9000], retry: {max_retries: 1}}
logging: {access: {file: /var/log/trio-lb/access.log}}
```

- A file is YAML, JSON or TOML (by its suffix). What stands below `load_balancer` may also stand alone.
- **Unknown keys are errors**, and so is a key given twice. `trio-lb check FILE` tells every problem
  at once, with its line and path, and exits with 78 when there is an error.
- **Durations**: `10s`, `250ms`, `1m30s`, `1h`, `2d`, or a number of seconds; a year at most.
  **Sizes**: bytes, `64k` or `64KiB` (1024), `MiB`, `GiB`; `kB`, `MB`, `GB` count by thousands.
- YAML is read by the 1.2 core schema: `on`, `off`, `yes`, `no` and `22:30` are text, `010` is ten.
- `${NAME}` and `${NAME:-default}` in a value come from the environment, `$${` is a plain `${`
  (inside of YAML's `{ }` and `[ ]` quote it: `{port: "${PORT}"}`).
  `--set path.to.key=value` stands above the file. A probe's header may be `file:/path` of a secret;
  a relative path begins at the configuration's folder.
- Every section with `enabled` may be just `true` or `false`; writing it turns it on.
- A pool in `pools` inherits every setting of the default pool that stands in `load_balancer`
  (`algorithm`, `health_check`, `circuit_breaker`, `tls` ...), sections key by key, but no servers.
  Its `timeouts` start from those of `load_balancer`.
- Algorithms and the like are also read as `round-robin`, `roundRobin` or `ROUND_ROBIN`.

TLS, TCP, a breaker and several probes:

```yaml
load_balancer:
  listeners:
    - {port: 80, https_redirect: true}                      # 308 to the https listener
    - protocol: https
      port: 443
      ssl:                                                  # one certificate, or several by name
        certificates:
          - {certificate: tls/example.pem, private_key: tls/example.key}
          - {certificate: tls/shop.pem, server_names: [shop.example, "*.shop.example"]}
    - {protocol: tcp, port: 5432, pool: db, proxy_protocol: v2}
  trusted_proxies: [10.1.0.0/16]                            # only these may send a PROXY header
  algorithm: least_connections
  slow_start: 30s
  servers:
    - https://10.0.0.1                                      # TLS, port 443
    - {url: "https://10.0.0.2:8443", tls: {server_name: api.internal}}
    - {address: 10.0.0.9:80, backup: true}                  # plain HTTP, while no other can be used
  tls: {enabled: false, ca: tls/internal-ca.pem}            # how, for the servers that ask for it
  health_check:
    interval: 5s
    probes: [{path: /health}, {type: tcp, port: 9000}]      # a server is well when both are
  circuit_breaker:
    failure_threshold: 5                                    # in a row; threshold: 0.5 is a share
    timeout: 30s
    fallback_response: {status: 503, body: back soon, headers: {Retry-After: "30"}}
  pools:
    db: {servers: [10.0.2.1:5432, 10.0.2.2:5432], health_check: {type: tcp}, proxy_protocol: v1}
```

- **A relative path** of a certificate, a key or a CA begins at the configuration's folder. One that
  cannot be read where `trio-lb check` runs is a warning there; only `trio-lb run` needs the file.
- **TLS to servers** is spoken where the address is `https://...`, where `tls` of the server says so,
  or, for an address without a scheme, where `tls` of the pool does. `http://...` is always plain.
  A server's `tls` and `health_check` start from those of its pool.
- **The type of a probe** is `http`, or `tcp` in a pool to which only tcp listeners lead. `path`,
  `method`, `headers` and what is expected, written without `type`, make it `http`; `check` makes it
  `custom`. What a probe of `probes` leaves out is as in the section; a section that asks a question
  of its own (`path`, `type`, `port` ...) does not ask the `probes` that it would inherit.
- **In Python** `health_check: {check: ...}`, `algorithm` and a server's `app` also take code. A file
  can name an app by where it is imported from (`app: package.module:name`), which is tried when the
  balancer opens, not by `trio-lb check`. While a balancer runs, the keys of `load_balancer` and of the default pool (the
  flat names too, but no `listeners` or `pools`) are read as arguments by
  `trio_lb.config.changes.changed`, those of a server by `server_from`: same spellings, same bounds.
  A `Config` of your own is looked at as a whole by `trio_lb.config.verify.verified`.
"""


def render() -> str:
    """Return the whole page."""
    parts = [_HEAD]
    for title, cls in SECTIONS.items():
        parts.append(f"## {title}\n\n{_first_line(cls)}\n\n{_table(cls)}\n")
    parts.append(_notes())
    return "\n".join(parts)


def _first_line(cls: type[attrs.AttrsInstance]) -> str:
    return (cls.__doc__ or "").partition("\n")[0].replace("``", "`")


def _table(cls: type[attrs.AttrsInstance]) -> str:
    rows = [
        "| Key | Default | Allowed | What it is | Source, and what others ship |",
        "|---|---|---|---|---|",
    ]
    fields = attrs.fields_dict(cls)
    for name, each in knobs_of(cls).items():
        key = " / ".join(f"`{key}`" for key in (name, *each.aliases))
        cells = (key, _default(fields[name], each), each.shape.allowed, each.says, each.source)
        rows.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(rows)


def _default(field: "attrs.Attribute[Any]", each: Knob) -> str:
    """As it would be written."""
    value = field.default
    if value is attrs.NOTHING:
        return "required" if field.name == "address" else ""
    if isinstance(each.shape, Section) and not isinstance(each.shape, OptionalSection):
        return "its own"
    if hasattr(value, "factory"):
        return "`{}`"
    return f"`{_written(value, each)}`"


def _written(value: object, each: Knob) -> str:
    shape = each.shape.kind if isinstance(each.shape, Maybe) else each.shape
    unit = shape.unit if isinstance(shape, Number) else ""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case int() if unit == "bytes":
            return format_size(value)
        case float() if unit == "seconds":
            return format_duration(value)
        case float():
            return f"{value:g}"
        case tuple():
            return "[]"
    return str(value)


def _notes() -> str:
    flat = "\n".join(f"- `{key}` is `{'.'.join(path)}`" for key, path in FLAT.items())
    return (
        "## Flat names\n\nAccepted in `load_balancer`; numbers are seconds.\n\n"
        f"{flat}\n\n"
        "## Not supported in this version\n\n"
        "Known, and refused by that name unless they only switch the feature off\n"
        "(`sticky_sessions: false`):\n\n" + "\n".join(_later()) + "\n"
    )


def _later() -> Iterator[str]:
    yield f"- in the file: {_names(FILE)}"
    titles = {cls: title for title, cls in SECTIONS.items()}
    for cls, keys in LATER.items():
        # A pool refuses the same keys as the load_balancer around it.
        if keys and cls is not PoolConfig:
            place = "`load_balancer` and pools" if cls is Config else f"`{titles[cls]}`"
            yield f"- in {place}: {_names(keys)}"


def _names(keys: frozenset[str]) -> str:
    return ", ".join(f"`{key}`" for key in sorted(keys))


if __name__ == "__main__":
    sys.stdout.write(render())
