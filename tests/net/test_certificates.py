"""Certificates by name, clients that must show one, and reloads that change all or nothing."""

import ssl
from pathlib import Path

import attrs
import pytest

from tests.net.identities import issued, write, write_ca
from tests.net.tls_pairs import carry
from trio_lb.config.encryption import CertificateConfig
from trio_lb.model.errors import ConfigError
from trio_lb.net.certificates import (
    Certificate,
    ClientTls,
    ServerTls,
    client_context,
    server_context,
)
from trio_lb.net.tls_engine import TlsEngine
from trio_lb.net.tls_faults import TlsError, TlsFault


def shake(server_tls: ServerTls, client_tls: ClientTls, name: str | None) -> TlsEngine:
    """Shake hands and return the client's side; whoever finds a fault raises it."""
    return shake_both(server_tls, client_tls, name)[0]


def shake_both(
    server_tls: ServerTls, client_tls: ClientTls, name: str | None
) -> tuple[TlsEngine, TlsEngine]:
    client, server = client_tls.engine(name), server_tls.engine()
    waiting = [client, server]
    while waiting:
        waiting = [engine for engine in waiting if not engine.shake()]
        carry(client, server)
    return client, server


def names_shown(server_tls: ServerTls, folder: Path, name: str | None) -> set[str]:
    """Which certificate somebody gets who asks for ``name``, whatever it is for."""
    trusting = client_context(ca=write_ca(folder))
    trusting._context.check_hostname = False
    shown = shake(server_tls, trusting, name).session.getpeercert()
    assert shown is not None
    return {str(pair[1]) for pair in shown["subjectAltName"]}


def problems_of(caught: pytest.ExceptionInfo[ConfigError]) -> list[tuple[str, str]]:
    return [(problem.path, problem.message) for problem in caught.value.problems]


# By name.


@pytest.fixture
def three(tmp_path: Path) -> ServerTls:
    return server_context(
        [
            write(tmp_path, "first", issued("first.test", "also.test")),
            write(tmp_path, "exact", issued("a.wild.test")),
            write(tmp_path, "wild", issued("*.wild.test")),
        ]
    )


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("first.test", {"first.test", "also.test"}),
        ("also.test", {"first.test", "also.test"}),
        ("a.wild.test", {"a.wild.test"}),
        ("A.Wild.TEST", {"a.wild.test"}),
        ("b.wild.test", {"*.wild.test"}),
        ("wild.test", {"first.test", "also.test"}),
        ("b.a.wild.test", {"first.test", "also.test"}),
        ("nobody.test", {"first.test", "also.test"}),
        (None, {"first.test", "also.test"}),
    ],
)
def test_the_name_that_is_asked_for_chooses_the_certificate(
    three: ServerTls, tmp_path: Path, asked: str | None, shown: set[str]
) -> None:
    assert names_shown(three, tmp_path, asked) == shown


def test_names_that_are_given_stand_for_those_inside(tmp_path: Path) -> None:
    other = attrs.evolve(write(tmp_path, "b", issued("b.test")), server_names=["Given.Test."])
    server = server_context([write(tmp_path, "a", issued("a.test")), other])
    assert names_shown(server, tmp_path, "given.test") == {"b.test"}
    assert names_shown(server, tmp_path, "b.test") == {"a.test"}


def test_a_name_in_another_script_is_found_by_its_ascii_form(tmp_path: Path) -> None:
    other = attrs.evolve(write(tmp_path, "b", issued("b.test")), server_names=["bücher.test"])
    server = server_context([write(tmp_path, "a", issued("a.test")), other])
    assert names_shown(server, tmp_path, "xn--bcher-kva.test") == {"b.test"}


def test_the_first_of_two_certificates_for_a_name_is_shown(tmp_path: Path) -> None:
    server = server_context(
        [
            write(tmp_path, "x", issued("x.test")),
            write(tmp_path, "one", issued("same.test", "one.test")),
            write(tmp_path, "two", issued("same.test", "two.test")),
        ]
    )
    assert names_shown(server, tmp_path, "same.test") == {"same.test", "one.test"}


def test_the_server_hears_the_name_that_was_asked_for(tmp_path: Path) -> None:
    server = server_context([write(tmp_path, "a", issued("a.test", "127.0.0.1"))])
    client = client_context(ca=write_ca(tmp_path))
    assert shake_both(server, client, "a.test")[1].asked_name == "a.test"
    assert shake_both(server, client, "127.0.0.1")[1].asked_name is None


def test_it_tells_what_is_in_force(three: ServerTls) -> None:
    facts = three.certificates
    assert [each.names for each in facts] == [
        ("first.test", "also.test"),
        ("a.wild.test",),
        ("*.wild.test",),
    ]
    assert all(each.not_before < each.not_after for each in facts)


def test_the_files_of_a_configuration_serve_as_they_are(tmp_path: Path) -> None:
    files = write(tmp_path, "a", issued("a.test"))
    config = CertificateConfig(certificate=files.certificate, private_key=files.private_key)
    assert names_shown(server_context([config]), tmp_path, "a.test") == {"a.test"}


def test_a_key_may_stand_in_the_certificate_s_file(tmp_path: Path) -> None:
    path = tmp_path / "both.pem"
    path.write_bytes(issued("a.test").private_key_and_cert_chain_pem.bytes())
    server = server_context([Certificate(str(path))])
    client = client_context(ca=write_ca(tmp_path), certificate=str(path))
    assert shake(server, client, "a.test").session.version() == "TLSv1.3"


# What is spoken.


def test_speaks_http_1_1_and_modern_tls_only(tmp_path: Path) -> None:
    server = server_context([write(tmp_path, "a", issued("a.test"))])
    engine = shake(server, client_context(ca=write_ca(tmp_path)), "a.test")
    assert engine.session.selected_alpn_protocol() == "http/1.1"
    assert engine.session.compression() is None
    context = server.engine().session.context
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.options & ssl.OP_NO_RENEGOTIATION
    assert not context.options & ssl.OP_NO_TICKET
    old = [each["name"] for each in context.get_ciphers() if each["protocol"] == "TLSv1.2"]
    assert len(old) == 6
    assert all(name.startswith("ECDHE-") and "CBC" not in name for name in old)


@pytest.mark.parametrize("tickets", [True, False])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_gets_a_ticket_unless_there_are_none(
    tmp_path: Path, version: ssl.TLSVersion, tickets: bool
) -> None:
    certificate = write(tmp_path, "a", issued("a.test"))
    server_tls = server_context([certificate], session_tickets=tickets)
    client_tls = client_context(ca=write_ca(tmp_path))
    client_tls._context.maximum_version = version
    client, _ = shake_both(server_tls, client_tls, "a.test")
    assert client.take(10) is None, "what came behind the handshake is taken in"
    session = client.session.session
    assert session is not None
    assert session.has_ticket == tickets


def test_an_old_client_is_told_that_it_is_too_old(tmp_path: Path) -> None:
    server = server_context([write(tmp_path, "a", issued("a.test"))], min_version="1.3")
    old = client_context(ca=write_ca(tmp_path))
    old._context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(TlsError) as caught:
        shake(server, old, "a.test")
    assert caught.value.kind is TlsFault.VERSION


def test_a_version_that_there_is_not_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"min_version: '1.1' is not '1.2' or '1.3'"):
        server_context([write(tmp_path, "a", issued("a.test"))], min_version="1.1")
    with pytest.raises(ConfigError, match="min_version"):
        client_context(min_version="2")


# Whom we trust.


def test_a_server_of_another_name_is_refused(tmp_path: Path) -> None:
    server = server_context([write(tmp_path, "a", issued("a.test", "127.0.0.1"))])
    client = client_context(ca=write_ca(tmp_path))
    for good in ("a.test", "a.test.", "127.0.0.1"):
        shake(server, client, good)
    for other in ("b.test", "127.0.0.2", "::1"):
        with pytest.raises(TlsError, match="refused") as caught:
            shake(server, client, other)
        assert caught.value.kind is TlsFault.WRONG_NAME


def test_a_server_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    server = server_context([write(tmp_path, "a", issued("a.test"))])
    for client in (client_context(), client_context(ca=write_ca(tmp_path, "other"))):
        with pytest.raises(TlsError) as caught:
            shake(server, client, "a.test")
        assert caught.value.kind is TlsFault.UNKNOWN_CA


def test_without_verification_any_server_will_do(tmp_path: Path) -> None:
    server = server_context([write(tmp_path, "a", issued("a.test"))])
    client = client_context(verify=False)
    assert shake_both(server, client, "other.test")[1].asked_name == "other.test"
    shake(server, client, None)


def test_a_certificate_may_be_trusted_for_itself(tmp_path: Path) -> None:
    files = write(tmp_path, "a", issued("a.test"))
    assert shake(server_context([files]), client_context(ca=files.certificate), "a.test")


@pytest.mark.parametrize("name", ["", ".test", "a" * 64 + ".test"])
def test_what_can_be_no_name_is_refused_before_anything_is_sent(name: str) -> None:
    with pytest.raises(TlsError, match="can be no server's name") as caught:
        client_context().engine(name)
    assert caught.value.kind is TlsFault.UNKNOWN_NAME


# Clients that show a certificate.


@pytest.fixture
def guarded(tmp_path: Path) -> ServerTls:
    files = [write(tmp_path, "a", issued("a.test")), write(tmp_path, "b", issued("b.test"))]
    return server_context(files, client_ca=write_ca(tmp_path, "clients"))


@pytest.mark.parametrize("name", ["a.test", "b.test"])
def test_a_client_that_shows_a_good_certificate_is_let_in(
    guarded: ServerTls, tmp_path: Path, name: str
) -> None:
    me = write(tmp_path, "me", issued("me.test", by="clients"))
    client = client_context(
        ca=write_ca(tmp_path), certificate=me.certificate, private_key=me.private_key
    )
    _, server = shake_both(guarded, client, name)
    shown = server.session.getpeercert()
    assert shown is not None
    assert ("DNS", "me.test") in shown["subjectAltName"]


@pytest.mark.parametrize("name", ["a.test", "b.test"])
def test_a_client_that_shows_none_or_a_stranger_s_is_refused(
    guarded: ServerTls, tmp_path: Path, name: str
) -> None:
    ca = write_ca(tmp_path)
    with pytest.raises(TlsError) as caught:
        shake(guarded, client_context(ca=ca), name)
    assert (caught.value.kind, caught.value.by_peer) == (TlsFault.NO_CERTIFICATE, False)
    me = write(tmp_path, "me", issued("me.test", by="strangers"))
    client = client_context(ca=ca, certificate=me.certificate, private_key=me.private_key)
    with pytest.raises(TlsError) as caught:
        shake(guarded, client, name)
    assert (caught.value.kind, caught.value.by_peer) == (TlsFault.UNKNOWN_CA, False)


# What is wrong with files.


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    good = write(tmp_path, "a", issued("a.test"))
    with pytest.raises(ConfigError) as caught:
        server_context(
            [Certificate("/none.pem"), good, Certificate(good.private_key)], "/no-ca.pem"
        )
    none = "cannot be read: No such file or directory"
    problems = problems_of(caught)
    assert problems[0] == ("certificates[0]", f"/none.pem: {none}")
    assert problems[1][0] == "certificates[2]"
    assert problems[1][1].endswith("but no CERTIFICATE")
    assert problems[2] == ("client_ca", f"/no-ca.pem: {none}")


def test_a_listener_needs_a_certificate() -> None:
    with pytest.raises(ConfigError, match="there is none, and TLS needs one"):
        server_context([])


def test_a_name_that_can_be_none_is_refused(tmp_path: Path) -> None:
    files = attrs.evolve(write(tmp_path, "a", issued("a.test")), server_names=["ü" * 64 + ".test"])
    with pytest.raises(ConfigError, match="can be no server's name"):
        server_context([files])


def test_the_client_s_files_are_looked_at_too(tmp_path: Path) -> None:
    damaged = tmp_path / "ca.pem"
    damaged.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    with pytest.raises(ConfigError) as caught:
        client_context(ca=str(damaged), certificate="/none.pem")
    assert [path for path, _ in problems_of(caught)] == ["ca", "certificate"]
    assert "damaged" in problems_of(caught)[0][1]


# Reload.


def test_a_reload_shows_the_new_certificate_to_the_next_handshake(tmp_path: Path) -> None:
    files = write(tmp_path, "a", issued("old.test"))
    server = server_context([files])
    begun = server.engine()
    write(tmp_path, "a", issued("new.test"))
    assert names_shown(server, tmp_path, "any.test") == {"old.test"}
    server.reload()
    assert names_shown(server, tmp_path, "any.test") == {"new.test"}
    assert server.certificates[0].names == ("new.test",)
    client = client_context(ca=write_ca(tmp_path)).engine("old.test")
    waiting = [client, begun]
    while waiting:
        waiting = [engine for engine in waiting if not engine.shake()]
        carry(client, begun)


def test_a_reload_of_bad_files_says_why_and_keeps_the_old_ones(tmp_path: Path) -> None:
    files = write(tmp_path, "a", issued("old.test"))
    server = server_context([files])
    Path(files.certificate).write_text("half a fi")
    with pytest.raises(ConfigError, match=r"a\.pem: no PEM file"):
        server.reload()
    assert names_shown(server, tmp_path, "any.test") == {"old.test"}
    assert server.certificates[0].names == ("old.test",)


def test_a_new_certificate_with_the_old_key_is_refused(tmp_path: Path) -> None:
    files = write(tmp_path, "a", issued("old.test"))
    server = server_context([files])
    Path(files.certificate).write_bytes(issued("new.test").cert_chain_pems[0].bytes())
    with pytest.raises(ConfigError, match="the private key does not belong to the certificate"):
        server.reload()
    assert names_shown(server, tmp_path, "any.test") == {"old.test"}


def test_the_client_s_side_reloads_too(tmp_path: Path) -> None:
    server = server_context([write(tmp_path, "a", issued("a.test"))])
    ca = Path(write_ca(tmp_path, "other"))
    client = client_context(ca=str(ca))
    with pytest.raises(TlsError):
        shake(server, client, "a.test")
    ca.write_bytes(Path(write_ca(tmp_path)).read_bytes())
    client.reload()
    shake(server, client, "a.test")
    ca.write_text("no more")
    with pytest.raises(ConfigError):
        client.reload()
    shake(server, client, "a.test")


def test_no_message_holds_a_line_of_a_key(tmp_path: Path) -> None:
    one, other = write(tmp_path, "a", issued("a.test")), write(tmp_path, "b", issued("b.test"))
    swapped = Certificate(one.private_key, one.certificate)
    mixed = Certificate(one.certificate, other.private_key)
    with pytest.raises(ConfigError) as caught:
        server_context([swapped, mixed])
    keys = [Path(each.private_key).read_text().splitlines()[1:-1] for each in (one, other)]
    assert not [line for key in keys for line in key if line in str(caught.value)]
