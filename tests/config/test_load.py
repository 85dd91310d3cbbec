"""Files and mappings, good and bad; whatever comes in, only ConfigError comes out."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_lb.config.knobs import spellings
from trio_lb.config.load import (
    examine_file,
    examine_mapping,
    examine_text,
    load_file,
    load_mapping,
    problems,
)
from trio_lb.config.nodes import Unsupported, dotted
from trio_lb.config.reference import SECTIONS
from trio_lb.config.schema import (
    BreakerConfig,
    Config,
    HealthCheckConfig,
    ListenerConfig,
    ListenerTls,
    PoolConfig,
    ServerConfig,
)
from trio_lb.config.verify import verified
from trio_lb.model.address import Address
from trio_lb.model.errors import ConfigError

YAML = "load_balancer:\n  listeners: [{port: 80}]\n  servers: [10.0.0.1:80]\n  health_check: true\n"
TOML = """\
[load_balancer]
listeners = [{port = 80}]
servers = ["10.0.0.1:80"]
health_check = true
"""
JSON = """{"load_balancer": {"listeners": [{"port": 80}], "servers": ["10.0.0.1:80"],
 "health_check": true}}"""

# The samples that people already have; parts of them are not built yet.
CORE = """\
load_balancer:
  listeners:
    - protocol: http
      port: 80
      ssl: false

    - protocol: https
      port: 443
      ssl:
        certificate: /etc/ssl/cert.pem
        private_key: /etc/ssl/key.pem

  algorithm: round_robin
  sticky_sessions: true

  health_check:
    enabled: true
    interval: 10s
    timeout: 2s
    healthy_threshold: 2
    unhealthy_threshold: 3

  circuit_breaker:
    enabled: true
    threshold: 0.5
    min_requests: 100
    interval: 60s

  rate_limit:
    enabled: true
    limit: 1000
    interval: 60s
"""
RULES = """\
rules:
  api_v2:
    path: /api/v2/*
    method: any
    targets:
      - api-v2-1
    sticky_session:
      cookie: session_id
      ttl: 1h
"""


@pytest.mark.parametrize(
    ("name", "text"), [("lb.yaml", YAML), ("lb.yml", YAML), ("lb.json", JSON), ("lb.toml", TOML)]
)
def test_yaml_json_and_toml_say_the_same(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert load_file(tmp_path / name, environ={}) == Config(
        listeners=(ListenerConfig(bind=Address("0.0.0.0", 80)),),
        pools={
            "default": PoolConfig(
                servers=(ServerConfig(id="10.0.0.1:80", address=Address("10.0.0.1", 80)),),
                health_check=HealthCheckConfig(),
            )
        },
    )


def test_every_problem_comes_at_once_by_file_line_and_path(tmp_path: Path) -> None:
    file = tmp_path / "lb.yaml"
    file.write_text(
        "load_balancer:\n"
        "  servers:\n"
        "    - {address: 10.0.0.1:80, wieght: 3}\n"
        "  pools:\n"
        "    api:\n"
        "      retry: {max_retries: '2'}\n"
        "  timeouts:\n"
        "    connect: -5\n"
    )
    with pytest.raises(ConfigError) as caught:
        load_file(file, environ={})
    assert str(caught.value).replace(str(file), "lb.yaml").splitlines() == [
        "lb.yaml:1 warning: load_balancer: pool 'default' has no health_check:"
        " its servers are not probed",
        "lb.yaml:3 load_balancer.servers[0].wieght: unknown key; did you mean 'weight'?",
        "lb.yaml:6 load_balancer.pools.api.retry.max_retries: '2' is not a whole number;"
        " write it without quotes",
        "lb.yaml:8 load_balancer.timeouts.connect: -5 is not > 0 (seconds)",
    ]
    assert list(caught.value.problems) == problems(file, environ={})


def test_toml_has_lines_too() -> None:
    text = "[load_balancer]\nservers = ['h:1']\n[load_balancer.timeouts]\nconnect = -5\n"
    found = examine_text(text, name="lb.toml", environ={}).problems
    assert str(found[-1]) == "lb.toml:4 load_balancer.timeouts.connect: -5 is not > 0 (seconds)"


def test_the_samples_have_no_fault_but_being_early() -> None:
    for text in (CORE, RULES):
        examined = examine_text(text, name="sample.yaml", environ={})
        errors = [each for each in examined.problems if each.severity == "error"]
        assert errors
        assert all(isinstance(each, Unsupported) for each in errors)
        assert all("not supported in this version" in each.message for each in errors)


def test_the_sample_without_what_is_early_loads_and_misses_only_the_files() -> None:
    early = CORE.index("  rate_limit:")
    text = CORE[:early].replace("  sticky_sessions: true\n", "")
    examined = examine_text(text, name="sample.yaml", environ={})
    assert [str(each) for each in examined.problems if "cannot be read here" in each.message] == [
        f"sample.yaml:{line} warning: load_balancer.listeners[1].ssl.{key}:"
        f" {file} cannot be read here: No such file or directory"
        for line, key, file in [
            (10, "certificate", "/etc/ssl/cert.pem"),
            (11, "private_key", "/etc/ssl/key.pem"),
        ]
    ]
    plain, secure = examined.unwrap().listeners
    assert (plain.protocol, plain.ssl, plain.bind.port) == ("http", None, 80)
    assert secure.ssl == ListenerTls(
        certificate="/etc/ssl/cert.pem", private_key="/etc/ssl/key.pem"
    )
    assert examined.unwrap().pools["default"].circuit_breaker == BreakerConfig(
        failure_threshold=None, threshold=0.5, min_requests=100, interval=60.0
    )


@pytest.mark.parametrize("name", ["lb.yaml", "lb.toml", "lb.json"])
@pytest.mark.parametrize("text", ["", "\n", "# nothing\n\n"])
def test_an_empty_file_is_an_error_since_somebody_may_be_writing_it(text: str, name: str) -> None:
    examined = examine_text(text, name=name, environ={})
    (problem,) = examined.problems
    assert examined.config is None
    assert str(problem) == f"{name} is empty: nothing in it says what to balance"


def test_a_file_that_says_that_there_is_nothing_is_a_warning() -> None:
    examined = examine_text("{}", name="lb.yaml", environ={})
    assert examined.unwrap() == Config(pools={"default": PoolConfig()})
    (warning,) = examined.problems
    assert (
        warning.message == "no load_balancer here: unless -b names servers, every request gets 503"
    )


def test_a_file_that_can_not_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"a: 1\nb: \xe9\n")
    told = [
        str(each).removeprefix(f"{tmp_path}/")
        for name in ("absent.yaml", "latin.yaml", "")
        for each in examine_file(tmp_path / name, environ={}).problems
    ]
    assert told == [
        "absent.yaml cannot be read: No such file or directory",
        "latin.yaml is not UTF-8 text: byte 0xe9 in line 2",
        f"{tmp_path} cannot be read: Is a directory",
    ]


def test_the_environment_and_the_folder_of_the_file_are_looked_at(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t0p\n")
    (tmp_path / "lb.yaml").write_text(
        "listeners: [{port: '${PORT}'}]\nservers: ['${HOST:-10.0.0.1}:80']\n"
        "health_check: {headers: {Authorization: 'file:token'}}\n"
    )
    config = load_file(tmp_path / "lb.yaml", environ={"PORT": "8080"})
    pool = config.pools["default"]
    assert (config.listeners[0].bind.port, pool.servers[0].id) == (8080, "10.0.0.1:80")
    assert pool.health_check.headers == {"Authorization": "t0p"}


def test_a_bad_variable_is_one_problem_and_not_two() -> None:
    found = examine_mapping({"name": "x", "drain_timeout": "${NOPE}"}, environ={}).problems
    assert [each.message for each in found if each.severity == "error"] == [
        "the environment variable NOPE is not set, and has no default"
    ]


def test_a_mapping_has_a_name_when_its_giver_says_one() -> None:
    with pytest.raises(ConfigError, match=r"PUT /api/config drain_timeout: -1 is not >= 0"):
        load_mapping({"drain_timeout": -1}, source="PUT /api/config")


def test_a_warning_alone_forbids_nothing() -> None:
    examined = examine_mapping({"servers": ["h:1"]})
    assert examined.config is not None
    assert {each.severity for each in examined.problems} == {"warning"}


# Laws. The keys are mostly those that mean something, so that values get far.
KEYS = st.sampled_from(
    sorted(
        {"load_balancer", "default", "rules", "host", "port", "max_retries", "sticky_sessions"}
        | {key for cls in SECTIONS.values() for key in spellings(cls)}
    )
)
TEXTS = st.sampled_from(["10s", "h:80", "default", "http", "/", "on", "${X}", "random", "::1"])
JSON_LIKE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(KEYS | st.text(max_size=3), inner, max_size=5)
        | st.dictionaries(st.integers(), inner, max_size=1)
    ),
    max_leaves=20,
)


def paths_in(value: object, path: tuple[str | int, ...] = ()) -> Iterator[str]:
    yield dotted(path)
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths_in(inner, (*path, str(key)))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from paths_in(inner, (*path, index))


@given(st.dictionaries(KEYS | st.text(max_size=3), JSON_LIKE, max_size=6))
def test_any_mapping_is_loaded_or_refused_at_places_that_exist(mapping: dict[str, object]) -> None:
    examined = examine_mapping(mapping, environ={"X": "1"})
    assert {each.path for each in examined.problems} <= set(paths_in(mapping))
    assert (examined.config is None) == any(p.severity == "error" for p in examined.problems)
    if examined.config is not None:
        assert "default" in verified(examined.config).pools


@given(JSON_LIKE)
def test_a_document_of_any_kind_is_loaded_or_refused(document: object) -> None:
    examined = examine_mapping(document)  # type: ignore[arg-type]  # what a file may hold
    assert examined.config is not None or examined.problems


@given(st.text())
def test_a_file_of_any_text_is_loaded_or_refused(text: str) -> None:
    for name in ("lb.yaml", "lb.toml"):
        examined = examine_text(text, name=name, environ={})
        assert examined.config is not None or examined.problems
