"""Wishes: tries until it is there, given up, or not worth it; and one DONE for each."""

import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sim.actors.support import Theatre, once, play
from trio_lb.sim.actors.conduct import Answer, Then
from trio_lb.sim.actors.policy import ClientPolicy, Exponential
from trio_lb.sim.happening import What


def failing(*statuses: int, policy: ClientPolicy, until: float = 100.0) -> Theatre:
    """One wish; the server answers with these statuses in turn, 0 is a reset, then 200."""

    async def act(theatre: Theatre) -> None:
        server = await theatre.server()
        left = list(statuses)

        def conduct(answer: Answer) -> None:
            status = left.pop(0) if left else 200
            answer.status = status or 500
            answer.then = Then.KEEP if status else Then.RESET

        server.conducts.append(conduct)
        client = theatre.client(once(0.0), policy)
        client.start()
        await trio.sleep_until(until)
        client.stop()
        client.leave()
        await client.wait_quiet()
        assert not client.open

    return play(act)


PAUSES = Exponential(base=1.0)


def test_a_wish_is_tried_again_after_pauses_that_double() -> None:
    theatre = failing(503, 502, policy=ClientPolicy(retries=3, backoff=PAUSES))
    assert theatre.told(What.TRY) == [
        (0.002, "try", (1, "GET")),
        (1.014, "try", (2, "GET")),  # 0.014 s: there, 10 ms, and back; then the pause.
        (3.026, "try", (3, "GET")),
    ]
    assert theatre.told(What.DONE) == [(3.038, "done", (1, 3, 3_038_000_000, ""))]


def test_after_its_last_retry_a_wish_is_given_up_and_says_why() -> None:
    theatre = failing(503, 503, 503, policy=ClientPolicy(retries=1, backoff=PAUSES))
    assert theatre.told(What.DONE) == [(1.026, "done", (0, 2, 1_026_000_000, "503"))]


def test_what_no_retry_is_for_is_taken_as_it_is() -> None:
    theatre = failing(500, policy=ClientPolicy(retries=3))
    assert [values[:2] for _, _, values in theatre.told(What.DONE)] == [(0, 1)]
    theatre = failing(404, policy=ClientPolicy(retries=3))
    assert [values[:2] for _, _, values in theatre.told(What.DONE)] == [(1, 1)]


def test_what_must_not_be_done_twice_is_not_tried_twice_unless_the_client_is_careless() -> None:
    careful = ClientPolicy(retries=3, posts=1.0)
    careless = ClientPolicy(retries=3, posts=1.0, retries_posts=True)
    assert len(failing(503, 503, policy=careful).told(What.TRY)) == 1
    assert len(failing(503, 503, policy=careless).told(What.TRY)) == 3


def test_who_leaves_between_two_tries_is_done_at_once_and_tries_no_more() -> None:
    policy = ClientPolicy(retries=3, backoff=Exponential(base=50.0, cap=50.0))
    theatre = failing(503, policy=policy, until=10.0)
    assert theatre.told(What.DONE) == [(10.0, "done", (0, 1, 10_000_000_000, "left"))]
    assert len(theatre.told(What.TRY)) == 1


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.sampled_from([0, 200, 404, 429, 500, 502, 503]), max_size=6),
    st.integers(0, 4),
    st.sampled_from([0.005, 0.5, 30.0]),
)
def test_each_try_has_one_end_and_each_wish_one_done(
    statuses: list[int], retries: int, timeout: float
) -> None:
    policy = ClientPolicy(retries=retries, timeout=timeout, backoff=PAUSES)
    theatre = failing(*statuses, policy=policy)
    tries, ends = theatre.told(What.TRY), theatre.told(What.ANSWER, What.FAIL)
    ((_, _, (good, count, _, reason)),) = theatre.told(What.DONE)
    assert len(tries) == len(ends) == count
    assert len(tries) <= retries + 1
    assert (good == 1) == (reason == "")
