"""Adopting a configuration: its servers by name, its listeners moved, what is real refused."""

from pathlib import Path

import pytest

from trio_lb.config.encryption import UpstreamTls
from trio_lb.config.load import load_mapping
from trio_lb.model.address import Address
from trio_lb.model.errors import ConfigError
from trio_lb.sim.adopt import adopt, is_literal, lacks_servers, read
from trio_lb.sim.certificates import towards_servers


def test_listeners_move_to_the_virtual_host_and_keep_their_ports() -> None:
    plan = load_mapping({"listeners": [{"bind": "127.0.0.1:8080"}, {"bind": "0.0.0.0:81"}]})
    binds = [listener.bind for listener in adopt(plan, "10.0.0.9").plan.listeners]
    assert binds == [Address("10.0.0.9", 8080), Address("10.0.0.9", 81)]


def test_without_listeners_it_gets_port_80() -> None:
    plan = adopt(load_mapping({}), "10.0.0.9").plan
    assert [listener.bind for listener in plan.listeners] == [Address("10.0.0.9", 80)]


def test_servers_are_called_by_their_ids_made_fit_for_names() -> None:
    servers = [{"id": "s1", "address": "a.example:80"}, "10.1.2.3:8080"]
    adopted = adopt(load_mapping({"servers": servers}), "10.0.0.9")
    assert {name: str(address) for name, (address, _) in adopted.servers.items()} == {
        "s1": "a.example:80",
        "10.1.2.3-8080": "10.1.2.3:8080",
    }
    assert adopted.names["default", "10.1.2.3:8080"] == "10.1.2.3-8080"


def test_two_pools_may_use_one_id_for_two_servers_and_one_server_twice() -> None:
    pools = {
        "api": {"servers": [{"id": "s1", "address": "10.1.0.1:80"}]},
        "web": {"servers": [{"id": "s1", "address": "10.1.0.2:80"}]},
        "old": {"servers": [{"id": "s1", "address": "10.1.0.1:80"}]},
    }
    adopted = adopt(load_mapping({"pools": pools}), "10.0.0.9")
    assert adopted.names == {("api", "s1"): "s1", ("web", "s1"): "web.s1", ("old", "s1"): "s1"}


def test_what_needs_something_real_is_refused_all_at_once() -> None:
    plan = load_mapping(
        {
            "listeners": [{"bind": "unix:/run/lb"}],
            "servers": [{"id": "s1", "address": "unix:/run/s1"}],
        }
    )
    with pytest.raises(ConfigError) as caught:
        adopt(plan, "10.0.0.9", source="my.yaml")
    wanted = "is a socket of the file system, and a simulation has none: give a host and a port"
    assert [str(problem) for problem in caught.value.problems] == [
        f"my.yaml listeners[0].bind: {wanted}",
        f"my.yaml servers[0].address: {wanted}",
    ]


def test_certificates_are_exchanged_for_those_of_the_simulation_and_need_not_be_there() -> None:
    ssl = {"certificate": "/etc/lb.pem", "private_key": "/etc/lb.key"}
    listeners = [{"port": 80}, {"port": 443, "protocol": "https", "ssl": ssl}]
    adopted = adopt(load_mapping({"listeners": listeners}), "10.0.0.9")
    plain, secured = adopted.plan.listeners
    assert adopted.certificates is not None
    assert plain.ssl is None
    assert secured.ssl is not None
    assert [each.certificate for each in secured.ssl.all_certificates] == [
        adopted.certificates.path
    ]
    assert adopt(load_mapping({}), "10.0.0.9").certificates is None


def test_servers_that_are_spoken_to_over_tls_are_named_and_believed() -> None:
    pools = {
        "api": {"tls": {"ca": "/etc/ca.pem"}, "servers": [{"id": "s1", "address": "10.1.0.1:443"}]},
        "web": {
            "servers": [
                {"id": "s2", "address": "10.1.0.2:443", "tls": {}},
                {"id": "s3", "address": "10.1.0.3:80", "tls": False},
                {"id": "s4", "address": "10.1.0.4:80"},
            ]
        },
    }
    adopted = adopt(load_mapping({"pools": pools}), "10.0.0.9")
    assert adopted.secured == ("s1", "s2")
    api, web = adopted.plan.pools["api"], adopted.plan.pools["web"]
    assert api.tls == towards_servers(UpstreamTls())
    assert web.servers[0].tls == towards_servers(UpstreamTls())


def test_a_mapping_may_leave_the_servers_to_the_simulation() -> None:
    assert lacks_servers({"algorithm": "random"})
    assert not lacks_servers({"servers": []})
    assert not lacks_servers("my.yaml")


def test_files_and_data_are_read_as_ever(tmp_path: Path) -> None:
    path = tmp_path / "lb.yaml"
    path.write_text("servers: [10.0.0.1:80]\n")
    assert read(path) == read({"servers": ["10.0.0.1:80"]}) == read(read(path))


def test_names_are_no_literals() -> None:
    assert is_literal("10.0.0.1")
    assert is_literal("::1")
    assert not is_literal("a.example")
