"""TLS on both sides, as it is written: paths, names, and where relative paths begin."""

from pathlib import Path

import pytest

from tests.config.support import node_of, said
from trio_lb.config.encryption import CertificateConfig, ListenerTls, UpstreamTls
from trio_lb.config.load import load_file
from trio_lb.config.structure import read_section
from trio_lb.model.errors import ConfigError


def test_one_certificate_may_stand_in_the_section_itself() -> None:
    written = {"certificate": "/c.pem", "private_key": "/k.pem", "min_version": 1.3}
    tls = read_section(node_of(written), ListenerTls())
    assert tls.min_version == "1.3"
    assert tls.all_certificates == (CertificateConfig(certificate="/c.pem", private_key="/k.pem"),)


def test_a_key_may_stand_in_the_certificate_s_file() -> None:
    written = {"certificate": "/a.pem", "certificates": [{"certificate": "/b.pem"}]}
    tls = read_section(node_of(written), ListenerTls())
    assert tls.all_certificates == (
        CertificateConfig(certificate="/a.pem", private_key="/a.pem"),
        CertificateConfig(certificate="/b.pem", private_key="/b.pem"),
    )


def test_a_section_without_a_certificate_is_refused() -> None:
    empty = node_of({"client_ca": "/dev/null"})
    read_section(empty, ListenerTls())
    assert said(empty) == [
        "no certificate here: write certificate: FILE.pem, private_key: FILE.pem"
    ]
    several = node_of({"certificates": [{"server_names": ["a.example"]}]})
    read_section(several, ListenerTls())
    assert said(several) == [
        "certificates[0]: no certificate here: write certificate: FILE.pem, private_key: FILE.pem"
    ]


def test_a_relative_path_begins_at_the_folder_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "lb.yaml"
    file.write_text(
        "listeners: [{protocol: https, port: 443, ssl: {certificate: a.pem, client_ca: /ca.pem}}]\n"
        "servers: [{url: 'https://h', tls: {ca: tls/ca.pem}}]\nhealth_check: true\n"
    )
    config = load_file(file, environ={})
    ssl, tls = config.listeners[0].ssl, config.pools["default"].servers[0].tls
    assert ssl == ListenerTls(certificate=str(tmp_path / "a.pem"), client_ca="/ca.pem")
    assert tls == UpstreamTls(ca=str(tmp_path / "tls" / "ca.pem"))


def test_servers_are_verified_unless_that_is_turned_off() -> None:
    assert UpstreamTls().verify
    assert not read_section(node_of({"verify": False}), UpstreamTls()).verify


@pytest.mark.parametrize("name", ["a b", "*.*", "-a", "a/b", ""])
def test_a_name_of_a_certificate_is_a_host_name(name: str) -> None:
    with pytest.raises(ConfigError, match=r"is not a host name, or \*\.name"):
        CertificateConfig(certificate="c.pem", server_names=(name,))


@pytest.mark.parametrize("name", ["api.internal", "10.0.0.1", "::1", "my_host"])
def test_a_server_s_name_is_a_host_s(name: str) -> None:
    assert UpstreamTls(server_name=name).server_name == name
    with pytest.raises(ConfigError, match="is not a host name or an IP address"):
        UpstreamTls(server_name=f"{name}/")


def test_a_file_that_no_system_could_have_is_a_warning_too() -> None:
    node = node_of({"certificate": "/\ud800", "private_key": "/" + "x" * 300})
    read_section(node, ListenerTls())
    first, second = said(node)
    assert first.endswith("cannot be read here: no file can be called so")
    assert second.endswith("cannot be read here: File name too long")
