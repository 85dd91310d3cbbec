"""What a balancer's events mean in a run: requests by the numbers that clients gave them."""

from trio_lb.model import events as told
from trio_lb.model.message import RequestHead, Unsized
from trio_lb.model.outcome import Outcome, OutcomeKind
from trio_lb.sim.happening import Happening, What, Wire
from trio_lb.sim.interpreter import Interpreter
from trio_lb.sim.numbers import FIRST_INNER


class Busy:
    """As much of a server as a pick tells."""

    active_connections = 3


def record(**more: object) -> told.RequestRecord:
    """Return a record of the request ``r1``."""
    given = {
        "id": "r1", "client": "10.0.0.1", "method": "GET", "target": "/", "version": "1.1",
        "status": 200, "bytes_in": 0, "bytes_out": 2, "pool": "default", "server_id": "s1",
        "attempts": 2, "started_at": 1.0, "wall_at": 1.0, "head_seconds": 0.5,
        "total_seconds": 0.75,
    }  # fmt: skip
    return told.RequestRecord(**{**given, **more})  # type: ignore[arg-type] # Given by name.


def interpreted(*events: told.Event) -> list[Happening]:
    """Return what these events become."""
    heard: list[Happening] = []
    wire = Wire(lambda: 2.0)
    wire.hear(heard.append)
    names = {("default", "s1"): "one"}
    interpreter = Interpreter(wire, "lb", lambda pool, name: names.get((pool, name), name))
    for event in events:
        interpreter.hear(event)
    return heard


def started(agent: bytes, given: bytes = b"", request_id: str = "r1") -> told.RequestStarted:
    """Return the first event of a request; the id ``given`` is what its client passes on."""
    fields = [(b"user-agent", b"User-Agent", agent)]
    fields += [(b"x-request-id", b"X-Request-ID", given)] if given else []
    head = RequestHead(b"GET", b"/", 1, fields, b"a", Unsized.NO_BODY, frozenset())
    return told.RequestStarted(at=1.0, request_id=request_id, client="10.0.0.1", head=head)


def test_a_request_is_told_by_its_client_s_number_until_it_ends() -> None:
    where = {"pool": "default", "server_id": "s1"}
    outcome = Outcome(OutcomeKind.RESET)
    heard = interpreted(
        started(b"sim/17"),
        told.ServerSelected(at=1.0, **where, server=Busy(), request_id="r1"),
        told.RequestRetried(
            at=1.0, **where, request_id="r1", attempt=1, outcome=outcome, delay_seconds=0.025
        ),
        told.RequestCompleted(at=2.0, server_id="s1", response_time_seconds=0.75, record=record()),
        told.RequestCompleted(at=2.0, server_id="s1", response_time_seconds=0.75, record=record()),
    )
    assert [(each.what, each.req, each.values) for each in heard] == [
        (What.START, 17, ("r1",)),
        (What.SELECT, 17, ("one", "default", 3)),
        (What.RETRY, 17, ("one", "default", 1, "connection reset", 25_000_000)),
        (What.COMPLETE, 17, ("one", "default", 200, 2, 750_000_000)),
        (What.COMPLETE, 0, ("one", "default", 200, 2, 750_000_000)),
    ]


def test_other_people_s_requests_have_no_number() -> None:
    (heard,) = interpreted(started(b"curl/8"))
    assert (heard.what, heard.req) == (What.START, 0)


def completed(request_id: str = "r1") -> told.RequestCompleted:
    what = record(id=request_id)
    return told.RequestCompleted(at=2.0, server_id="s1", response_time_seconds=0.75, record=what)


def test_what_a_service_asks_has_a_number_of_its_own_and_says_on_whose_behalf() -> None:
    heard = interpreted(
        started(b"sim/17"),
        started(b"orders/2", given=b"r1", request_id="r2"),
        started(b"stock/1", given=b"r2", request_id="r3"),
        completed("r3"),
        completed("r2"),
        started(b"orders/2", given=b"r1", request_id="r4"),
    )
    first, second, third = (FIRST_INNER + n for n in range(3))
    assert [(each.what, each.req, each.values[:2]) for each in heard] == [
        (What.START, 17, ("r1",)),
        (What.START, first, ("r2", 17)),
        (What.START, second, ("r3", first)),
        (What.COMPLETE, second, ("one", "default")),
        (What.COMPLETE, first, ("one", "default")),
        (What.START, third, ("r4", 17)),
    ]


def test_an_id_of_a_request_that_is_over_or_of_nobody_s_says_nothing() -> None:
    heard = interpreted(
        started(b"sim/17"),
        started(b"cron/1", given=b"r9", request_id="r2"),
        completed("r1"),
        started(b"orders/2", given=b"r1", request_id="r3"),
    )
    starts = [(each.req, each.values) for each in heard if each.what is What.START]
    assert starts == [(17, ("r1",)), (0, ("r2",)), (0, ("r3",))]


def test_a_balancer_that_believes_the_id_of_a_service_tells_both_requests_apart() -> None:
    where = {"pool": "default", "server_id": "s1"}
    picked = told.ServerSelected(at=1.0, **where, server=Busy(), request_id="r1")
    heard = interpreted(
        started(b"sim/17"),
        started(b"orders/2", given=b"r1", request_id="r1"),
        picked,
        completed("r1"),
        picked,
        completed("r1"),
        picked,
    )
    assert [each.req for each in heard] == [
        *(17, FIRST_INNER, FIRST_INNER, FIRST_INNER),
        *(17, 17, 0),
    ]


def test_through_a_chain_of_balancers_a_request_keeps_its_client_s_number() -> None:
    heard = interpreted(started(b"sim/17"), started(b"sim/17", given=b"r1", request_id="r2"))
    assert [(each.req, each.values) for each in heard] == [(17, ("r1",)), (17, ("r2",))]


def test_an_error_says_what_the_client_was_told() -> None:
    failed = told.RequestFailed(
        at=2.0, server_id=None, error="no_healthy_server",
        record=record(status=503, server_id=None, attempts=0, error="no_healthy_server"),
    )  # fmt: skip
    (heard,) = interpreted(failed)
    values = ("", "default", 503, 0, 750_000_000, "no_healthy_server")
    assert (heard.what, heard.values) == (What.ERROR, values)


def test_what_befalls_servers_is_told_with_times_to_come() -> None:
    where = {"pool": "default", "server_id": "s1"}
    heard = interpreted(
        told.ServerHealthChanged(at=1.0, **where, is_healthy=False, reason="probes"),
        told.ServerEjected(at=1.0, **where, reason="gateway", until=31.0),
        told.ServerReadmitted(at=1.0, **where),
        told.CircuitBreakerOpened(at=1.0, **where, reason="failures", until=None),
        told.CircuitBreakerHalfOpened(at=1.0, **where),
        told.CircuitBreakerReset(at=1.0, **where, reason="trials"),
        told.FailOpenEntered(at=1.0, pool="default", reason="coincidence"),
        told.ConfigUpdated(at=1.0),
    )
    here = ("one", "default")
    assert [(each.what, each.values) for each in heard] == [
        (What.HEALTH, (*here, 0, "probes")),
        (What.EJECT, (*here, "gateway", 30_000_000_000)),
        (What.READMIT, here),
        (What.OPEN, (*here, "failures", -1)),
        (What.HALF_OPEN, here),
        (What.CLOSE, (*here, "trials")),
        (What.FAIL_OPEN, ("default", "coincidence")),
        (What.NEWS, ("config_updated",)),
    ]
