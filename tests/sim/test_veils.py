"""Simulated clients speak TLS where a balancer does; what they are shown, and when it changes."""

import pytest

from trio_lb.sim.actors.client import OpenLoop
from trio_lb.sim.actors.policy import ClientPolicy
from trio_lb.sim.actors.websocket import WebSocketPolicy
from trio_lb.sim.arrivals import Every
from trio_lb.sim.distributions import Fixed
from trio_lb.sim.faults.fluent import (
    Crash,
    ExpireCertificate,
    Reload,
    Reset,
    RotateCertificate,
    Timed,
    at,
    during,
)
from trio_lb.sim.happening import Happening, What
from trio_lb.sim.simulation import Simulation

SSL = {"certificate": "/etc/lb.pem", "private_key": "/etc/lb.key"}
HTTPS: dict[str, object] = {"port": 443, "protocol": "https", "ssl": SSL}


def world(*listeners: object, **policy: float) -> Simulation:
    sim = Simulation(seed=7)
    sim.server("s1"), sim.server("s2")
    sim.balancer({"listeners": [*listeners]})
    settings = {"timeout": 1.0, "requests_per_connection": 1} | policy
    sim.clients("web", OpenLoop(Every(0.5)), policy=ClientPolicy(**settings))  # type: ignore[arg-type] # All are numbers.
    return sim


def notes_of(sim: Simulation, *faults: Timed, until: float = 10.0) -> list[str]:
    """Run it, and return what was noted in words."""
    heard: list[Happening] = []
    sim.wire.hear(heard.append, What.NOTE, What.NEWS)
    sim.faults(*faults)
    result = sim.run(until=until, settle=3).require()
    assert [str(each) for each in result.violations] == []
    wanted = ("certificate", "config_rejected")
    return [str(each) for each in heard if any(word in str(each) for word in wanted)]


def test_clients_of_an_https_listener_speak_tls_and_are_answered() -> None:
    sim = world(HTTPS)
    done: list[Happening] = []
    sim.wire.hear(done.append, What.DONE)
    assert notes_of(sim) == ["0.502000 s note web is shown the certificate 0B"]
    assert len(done) == 26
    assert all(each.values[0] == 1 for each in done)


def test_a_handshake_costs_a_round_trip_more() -> None:
    """With TLS 1.3; each is 1 ms."""

    def first_answer_ms(*listeners: object) -> int:
        heard: list[Happening] = []
        sim = world(*listeners)
        sim.wire.hear(heard.append, What.ANSWER)
        sim.run(until=2)
        return round(heard[0].at * 1000)

    assert (first_answer_ms({"port": 80}), first_answer_ms(HTTPS)) == (514, 515)


def test_clients_do_not_knock_where_they_are_only_sent_elsewhere() -> None:
    assert len(notes_of(world({"port": 80, "https_redirect": True}, HTTPS))) == 1
    assert notes_of(world({"port": 80}, HTTPS)) == []


def test_web_sockets_speak_tls_too() -> None:
    sim = Simulation(seed=7)
    sim.server("s1")
    sim.balancer({"listeners": [HTTPS]})
    sim.websockets("chat", 2, WebSocketPolicy(messages=3))
    said: list[Happening] = []
    sim.wire.hear(said.append, What.DONE)
    assert len(notes_of(sim)) == 1
    assert [each.values[0] for each in said] == [1] * 10, "five each, of three seconds and a bit"


def test_clients_must_show_a_certificate_where_one_is_wanted_and_have_one() -> None:
    sim = world(HTTPS | {"ssl": SSL | {"client_ca": "/etc/clients.pem"}})
    assert len(notes_of(sim)) == 1


def test_who_connects_after_a_rotation_is_shown_the_new_certificate() -> None:
    assert notes_of(world(HTTPS), at(3.2, RotateCertificate("lb"))) == [
        "0.502000 s note web is shown the certificate 0B",
        "3.502000 s note web is shown the certificate 0C",
    ]


def test_a_connection_that_stands_goes_on_over_a_rotation() -> None:
    sim = world(HTTPS, requests_per_connection=1000)
    assert len(notes_of(sim, at(3.2, RotateCertificate("lb")))) == 1


def test_what_cannot_be_used_is_refused_and_the_old_one_stays_in_force() -> None:
    for spoilt in ("broken", "expired", "alien"):
        rotated = during(3.2, 5, RotateCertificate("lb", to=spoilt))
        assert notes_of(world(HTTPS), rotated) == [
            "0.502000 s note web is shown the certificate 0B",
            "3.200000 s news lb config_rejected",
        ]


def test_a_balancer_that_starts_with_a_bad_certificate_is_down_until_there_is_a_good_one() -> None:
    sim = world(HTTPS)
    faults = during(2.2, 6.1, RotateCertificate("lb", to="broken")), during(3, 4, Crash("host:lb"))
    assert notes_of(sim, *faults) == [
        "0.502000 s note web is shown the certificate 0B",
        "2.200000 s news lb config_rejected",
        "4.000000 s note lb does not start: a certificate is refused",
        "5.000000 s note lb does not start: a certificate is refused",
        "6.000000 s note lb does not start: a certificate is refused",
    ]
    assert sim.balancers["lb"].lives == 5


def test_servers_that_are_to_speak_tls_do() -> None:
    sim = Simulation(seed=7)
    servers = [
        {"address": "a.example:443", "tls": {"ca": "/etc/ca.pem"}},
        {"address": "10.8.0.2:443", "tls": {}},
        {"address": "10.8.0.3:80"},
    ]
    sim.balancer({"servers": servers, "health_check": {"interval": "1s"}})
    sim.clients("web", OpenLoop(Every(0.1)), policy=ClientPolicy(posts=0.5, size=Fixed(200_000)))
    taken: list[Happening] = []
    sim.wire.hear(taken.append, What.TAKE, What.PROBE)
    sim.run(until=10).require()
    assert [name for name, each in sim.servers.items() if each.speaks_tls] == [
        "a.example-443",
        "10.8.0.2-443",
    ]
    assert {each.entity for each in taken if each.what is What.TAKE} == {*sim.servers}
    assert {each.entity for each in taken if each.what is What.PROBE} == {*sim.servers}


NAMED: dict[str, object] = HTTPS | {
    "ssl": {
        "certificates": [
            {**SSL, "server_names": ["shop.example", "www.shop.example"]},
            {**SSL, "server_names": ["*.api.example"]},
        ]
    }
}


def asking(*hosts: str) -> tuple[Simulation, dict[str, list[object]]]:
    """Return a world with a crowd for each host, and what each crowd's requests come to."""
    sim = Simulation(seed=7)
    sim.server("s1")
    sim.balancer({"listeners": [NAMED]})
    ends: dict[str, list[object]] = {}
    for host in hosts:
        policy = ClientPolicy(timeout=1.0, host=host, requests_per_connection=1)
        sim.clients(f"of {host}", OpenLoop(Every(1.0)), policy=policy)
    sim.wire.hear(
        lambda each: ends.setdefault(each.entity[3:], []).append(each.values[3]), What.DONE
    )
    return sim, ends


def test_who_asks_for_a_host_is_shown_the_certificate_of_that_name() -> None:
    hosts = "shop.example", "eu.api.example", "WWW.shop.example:443", "sim"
    sim, ends = asking(*hosts)
    assert [each.partition(" note of ")[2] for each in notes_of(sim, until=1.5)] == [
        "shop.example is shown the certificate 0B",
        "eu.api.example is shown the certificate 22",
        "WWW.shop.example:443 is shown the certificate 0B",
        "sim is shown the certificate 0B",
    ]
    assert ends == {host: [""] * 4 for host in hosts}


def test_a_certificate_for_other_names_is_not_believed() -> None:
    sim, ends = asking("other.example", "api.example", "a.b.api.example")
    sim.run(until=1.5)
    assert all({*each} == {"certificate"} for each in ends.values())


def test_web_sockets_ask_by_name_too() -> None:
    sim = Simulation(seed=7)
    sim.server("s1")
    sim.balancer({"listeners": [NAMED]})
    for host in ("eu.api.example", "other.example"):
        sim.websockets(host, 1, WebSocketPolicy(messages=3, host=host))
    ends: dict[str, dict[object, None]] = {}
    sim.wire.hear(
        lambda each: ends.setdefault(each.entity, {}).setdefault(each.values[3]), What.DONE
    )
    sim.run(until=3)
    assert {host: [*each] for host, each in ends.items()} == {
        "eu.api.example": [""],
        "other.example": ["certificate"],
    }


def test_a_balancer_that_mixes_names_up_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trio_lb.net.certificates._Book.find", lambda book, name: book.front)
    sim, ends = asking("shop.example", "eu.api.example")
    sim.run(until=1.5)
    assert {host: {*each} for host, each in ends.items()} == {
        "shop.example": {""},
        "eu.api.example": {"certificate"},
    }


def failures_of(sim: Simulation, *faults: Timed) -> dict[str, list[float]]:
    """Run it for ten seconds, and return when clients' tries failed, by the reason."""
    found: dict[str, list[float]] = {}
    sim.wire.hear(
        lambda each: found.setdefault(str(each.values[0]), []).append(round(each.at, 1)), What.FAIL
    )
    sim.faults(*faults)
    assert sim.run(until=10.0, settle=3).violations == []
    return found


def test_from_the_end_of_its_days_nobody_believes_a_certificate_until_there_is_another() -> None:
    assert failures_of(world(HTTPS), during(3.2, 5.2, ExpireCertificate("lb:lb"))) == {
        "certificate": [3.5, 4.0, 4.5, 5.0]
    }
    shown = notes_of(world(HTTPS), during(3.2, 5.2, ExpireCertificate("lb:lb")))
    assert shown == [
        "0.502000 s note web is shown the certificate 0B",
        "5.502000 s note web is shown the certificate 0C",
    ]


def test_a_connection_that_stands_outlives_the_certificate_it_began_with() -> None:
    sim = world(HTTPS, requests_per_connection=1000)
    assert failures_of(sim, at(3.2, ExpireCertificate("lb:lb"))) == {}


def test_one_that_was_renewed_in_time_may_expire() -> None:
    sim = world(HTTPS)
    faults = at(3.2, ExpireCertificate("lb:lb")), at(3.3, RotateCertificate("lb"))
    assert failures_of(sim, *faults) == {}


def test_a_balancer_reads_no_certificate_whose_days_are_over() -> None:
    faults = during(3.2, 5, ExpireCertificate("lb:lb")), at(4.2, Reload("lb"))
    rejected = [each for each in notes_of(world(HTTPS), *faults) if "news" in each]
    assert rejected == ["4.200000 s news lb config_rejected"]


def test_a_balancer_that_verifies_leaves_a_server_whose_certificate_is_over() -> None:
    def taken(**tls: object) -> set[str]:
        """Who serves between the end of the first one's days and its heal."""
        sim = Simulation(seed=7)
        servers = [{"id": name, "address": f"{name}:443"} for name in ("s1", "s2")]
        sim.balancer({"servers": servers, "tls": {"ca": "/etc/ca.pem", **tls}})
        policy = ClientPolicy(requests_per_connection=1)
        sim.clients("web", OpenLoop(Every(0.1)), policy=policy)
        found: dict[str, None] = {}
        failed: list[Happening] = []

        def take(each: Happening) -> None:
            if 4.0 < each.at < 8.0:
                found[each.entity] = None

        sim.wire.hear(take, What.TAKE)
        sim.wire.hear(failed.append, What.FAIL)
        sim.faults(at(3.0, Reset("server:s1")), during(3.0, 8.0, ExpireCertificate("server:s1")))
        assert sim.run(until=10.0, settle=40).violations == []
        assert failed == []
        return {*found}

    assert taken() == {"s2"}
    assert taken(verify=False) == {"s1", "s2"}
