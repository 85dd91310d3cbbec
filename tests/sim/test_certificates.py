"""Certificates of a simulation: files that nobody else sees, good ones and bad ones."""

import os
from pathlib import Path

import pytest

from trio_lb.config.encryption import CertificateConfig, ListenerTls, UpstreamTls
from trio_lb.model.errors import ConfigError
from trio_lb.net import certificates as product
from trio_lb.net.pem import PemError
from trio_lb.net.rehearsal import Role, rehearse
from trio_lb.sim.certificates import (
    AUTHORITY,
    NAME,
    SPOILT,
    Certificates,
    MemoryFile,
    client_context,
    is_meant_for,
    server_context,
    towards_servers,
)


def test_a_file_in_memory_holds_what_was_written_last_and_goes_with_its_owner() -> None:
    file = MemoryFile("x")
    file.write(b"a long text")
    file.write(b"short")
    path = file.path
    assert Path(path).read_bytes() == b"short"
    del file
    assert not Path(path).exists()


def test_what_a_fork_writes_is_its_own() -> None:
    file = MemoryFile("x")
    file.write(b"parent")
    child = os.fork()
    if child == 0:
        file.write(b"child")
        os._exit(0 if Path(file.path).read_bytes() == b"child" else 1)
    _, status = os.waitpid(child, 0)
    assert status == 0
    assert Path(file.path).read_bytes() == b"parent"


def test_where_files_cannot_live_in_memory_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create")
    with pytest.raises(ConfigError, match="only Linux has it"):
        Certificates()


def test_a_balancer_is_shown_two_good_ones_in_turn() -> None:
    certificates = Certificates()
    texts = []
    for _ in range(3):
        texts.append(Path(certificates.path).read_text())
        facts = rehearse(certificates.path, certificates.path, Role.SERVER)
        assert facts.names == (NAME,)
        certificates.renew()
    assert texts[0] == texts[2] != texts[1]


@pytest.mark.parametrize(
    ("spoilt", "says"),
    [
        ("broken", "holds .*, but no|damaged|no PEM"),
        ("expired", "not valid today"),
        ("alien", "belong"),
    ],
)
def test_the_product_refuses_what_is_spoilt_until_it_is_good_again(spoilt: str, says: str) -> None:
    certificates = Certificates()
    tls = certificates.stand_in(ListenerTls(certificate="/etc/lb.pem", private_key="/etc/lb.key"))
    listener = product.server_context(tls.all_certificates)
    certificates.spoilt = spoilt
    with pytest.raises(ConfigError, match=says):
        listener.reload()
    certificates.spoilt = None
    listener.reload()


def test_each_way_to_be_spoilt_is_tried() -> None:
    assert {*SPOILT} == {"broken", "expired", "alien"}


def test_it_stands_in_for_each_certificate_under_its_names_and_issues_no_tickets() -> None:
    certificates = Certificates()
    own = CertificateConfig(certificate="a.pem", server_names=("a.example", "*.a.example"))
    tls = certificates.stand_in(
        ListenerTls(certificate="b.pem", certificates=(own,), client_ca="ca.pem", min_version="1.3")
    )
    assert [each.server_names for each in tls.all_certificates] == [(), own.server_names]
    first, second = (each.certificate for each in tls.all_certificates)
    assert first == certificates.path != second
    assert (tls.client_ca, tls.session_tickets, tls.min_version) == (AUTHORITY, False, "1.3")


def test_towards_servers_the_simulation_s_authority_is_believed() -> None:
    tls = towards_servers(UpstreamTls(ca="x.pem", certificate="y.pem", verify=False))
    assert tls == UpstreamTls(ca=AUTHORITY, server_name=NAME, verify=False)


def test_actors_share_their_settings() -> None:
    assert client_context() is client_context()
    assert server_context() is server_context()


def listener_of(count: int) -> tuple[Certificates, ListenerTls]:
    """Return what stands in for a listener with so many certificates."""
    certificates = Certificates()
    own = [
        CertificateConfig(certificate="a.pem", server_names=(f"n{number}.example",))
        for number in range(count)
    ]
    return certificates, certificates.stand_in(ListenerTls(certificates=tuple(own)))


def test_each_certificate_of_a_listener_is_another_one_that_the_product_takes() -> None:
    certificates, tls = listener_of(9)
    texts = [Path(each.certificate).read_text() for each in tls.all_certificates]
    assert len({*texts[:8]}) == 8
    assert texts[8] == texts[1], "more than eight are not told apart"
    product.server_context(tls.all_certificates)
    certificates.renew()
    renewed = [Path(each.certificate).read_text() for each in tls.all_certificates]
    assert not {*texts} & {*renewed}
    product.server_context(tls.all_certificates)


@pytest.mark.parametrize("spoilt", SPOILT)
def test_what_is_spoilt_is_refused_at_every_place(spoilt: str) -> None:
    certificates, tls = listener_of(3)
    certificates.spoilt = spoilt
    with pytest.raises(ConfigError) as caught:
        product.server_context(tls.all_certificates)
    assert [each.path for each in caught.value.problems] == [
        f"certificates[{number}]" for number in range(3)
    ]


@pytest.mark.parametrize(
    ("name", "shown", "is_right"),
    [
        ("a.example", "0B", True),
        ("a.example", "0C", True),
        ("a.example", "22", False),
        ("x.b.example", "22", True),
        ("y.x.b.example", "22", False),
        ("b.example", "23", False),
        ("whatever.example", "24", True),
        ("a.example", "7F", False),
    ],
)
def test_a_certificate_is_for_its_names_and_for_any_if_none_are_known(
    name: str, shown: str, is_right: bool
) -> None:
    names = (("A.example",), ("*.b.example",), ())
    assert is_meant_for(name, shown, names) is is_right


def test_days_that_are_over_are_so_for_what_was_there_until_there_is_another() -> None:
    certificates = Certificates()
    certificates.expire()
    assert (certificates.is_expired, certificates.is_over("0B"), certificates.is_over("0C")) == (
        True,
        True,
        False,
    )
    with pytest.raises(PemError, match="not valid today"):
        rehearse(certificates.path, certificates.path, Role.SERVER)
    certificates.renew()
    assert (certificates.is_expired, certificates.is_over("0B")) == (False, True)
    rehearse(certificates.path, certificates.path, Role.SERVER)
    certificates.renew()
    assert not certificates.is_over("0B"), "it stands for one that is new"
