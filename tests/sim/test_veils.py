"""Simulated clients speak TLS where a balancer does; what they are shown, and when it changes."""

from trio_lb.sim.actors.client import OpenLoop
from trio_lb.sim.actors.policy import ClientPolicy
from trio_lb.sim.actors.websocket import WebSocketPolicy
from trio_lb.sim.arrivals import Every
from trio_lb.sim.distributions import Fixed
from trio_lb.sim.faults.fluent import Crash, RotateCertificate, Timed, at, during
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
