"""The resolver: one lookup a name, a short memory, and a long one for bad times."""

import attrs
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_lb.net.resolver import MOST_LOOKUPS, Answer, OnAnswer, Resolver

ONE, OTHER = ("10.0.0.1",), ("10.0.0.2",)
UNKNOWN = OSError(-2, "Name or service not known")


@attrs.define
class Library:
    """The system's resolver as a test plays it: each lookup is answered by hand."""

    asked: list[str] = attrs.Factory(list)
    waiting: list[tuple[str, OnAnswer]] = attrs.Factory(list)

    def ask(self, name: str, on_answer: OnAnswer) -> None:
        self.asked.append(name)
        self.waiting.append((name, on_answer))

    def answer(self, answer: Answer) -> None:
        """Answer the oldest lookup that waits."""
        self.waiting.pop(0)[1](answer)


@attrs.define
class Asker:
    """Someone who wants a name, what they got, and when."""

    resolver: Resolver
    scope: trio.CancelScope = attrs.Factory(trio.CancelScope)
    got: tuple[str, ...] | str = "nothing yet"
    at: float = -1.0

    async def run(self, name: str) -> None:
        with self.scope:
            try:
                self.got = await self.resolver.resolve(name)
            except OSError as error:
                self.got = str(error)
            self.at = trio.current_time()


@pytest.fixture
def library() -> Library:
    return Library()


@pytest.fixture
def resolver(library: Library) -> Resolver:
    return Resolver(library.ask)


async def learn(resolver: Resolver, library: Library, answer: Answer, name: str = "a") -> Asker:
    """Ask, let the system answer, and return who asked."""
    asker = Asker(resolver)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(asker.run, name)
        await wait_all_tasks_blocked()
        library.answer(answer)
    return asker


async def at_once(resolver: Resolver, name: str = "a") -> tuple[str, ...]:
    """Ask for what the resolver knows, which takes no time."""
    began = trio.current_time()
    hosts = await resolver.resolve(name)
    assert trio.current_time() == began
    return hosts


async def test_all_who_ask_meanwhile_share_one_lookup(
    resolver: Resolver, library: Library, autojump_clock: MockClock
) -> None:
    askers = [Asker(resolver) for _ in range(60)]
    async with trio.open_nursery() as nursery:
        for asker in askers:
            nursery.start_soon(asker.run, "a")
        await trio.sleep(3)
        library.answer(ONE)
    assert library.asked == ["a"]
    assert {(asker.got, asker.at) for asker in askers} == {(ONE, 3.0)}


async def test_an_answer_is_kept_for_five_seconds(
    resolver: Resolver, library: Library, autojump_clock: MockClock
) -> None:
    await learn(resolver, library, ONE)
    await trio.sleep(4.999)
    assert await at_once(resolver) == ONE
    assert library.asked == ["a"]
    await trio.sleep(0.001)
    assert (await learn(resolver, library, OTHER)).got == OTHER
    assert library.asked == ["a", "a"]


async def test_each_name_is_known_by_itself(
    resolver: Resolver, library: Library, autojump_clock: MockClock
) -> None:
    await learn(resolver, library, ONE, "a")
    await learn(resolver, library, OTHER, "b")
    assert (await at_once(resolver, "a"), await at_once(resolver, "b")) == (ONE, OTHER)


async def test_who_gives_up_takes_the_lookup_from_nobody(
    resolver: Resolver, library: Library, autojump_clock: MockClock
) -> None:
    first, second = Asker(resolver), Asker(resolver)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(first.run, "a")
        await wait_all_tasks_blocked()
        nursery.start_soon(second.run, "a")
        await wait_all_tasks_blocked()
        first.scope.cancel()
        await trio.sleep(1)
        library.answer(ONE)
    assert (first.got, second.got, second.at) == ("nothing yet", ONE, 1.0)
    assert library.asked == ["a"]


async def test_a_name_that_hangs_takes_one_thread_however_many_gave_up(
    resolver: Resolver, library: Library, autojump_clock: MockClock
) -> None:
    for _ in range(60):
        with trio.move_on_after(0.5):
            await resolver.resolve("slow")
    assert library.asked == ["slow"]
    assert (await learn_second(resolver, library, "quick")).at == 30.0
    library.answer(ONE)
    assert await at_once(resolver, "slow") == ONE, "nobody waited, and it is of use all the same"


async def learn_second(resolver: Resolver, library: Library, name: str) -> Asker:
    """Like ``learn``, past a lookup that hangs."""
    asker = Asker(resolver)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(asker.run, name)
        await wait_all_tasks_blocked()
        library.waiting.pop()[1](OTHER)
    return asker


async def test_eight_lookups_run_at_one_time_and_the_next_follows(
    resolver: Resolver, library: Library, autojump_clock: MockClock
) -> None:
    async with trio.open_nursery() as nursery:
        for number in range(MOST_LOOKUPS + 1):
            nursery.start_soon(Asker(resolver).run, str(number))
            await wait_all_tasks_blocked()
        assert library.asked == list("01234567")
        library.answer(ONE)
        await wait_all_tasks_blocked()
        assert library.asked == list("012345678")
        while library.waiting:
            library.answer(ONE)


async def test_when_the_one_in_the_queue_gives_up_another_takes_its_place(
    resolver: Resolver, library: Library, autojump_clock: MockClock
) -> None:
    first, second = Asker(resolver), Asker(resolver)
    async with trio.open_nursery() as nursery:
        for number in range(MOST_LOOKUPS):
            nursery.start_soon(Asker(resolver).run, str(number))
        for asker in (first, second):
            await wait_all_tasks_blocked()
            nursery.start_soon(asker.run, "a")
        await wait_all_tasks_blocked()
        first.scope.cancel()
        await wait_all_tasks_blocked()
        assert "a" not in library.asked
        while library.waiting:
            library.answer(ONE)
            await wait_all_tasks_blocked()
    assert (first.got, second.got) == ("nothing yet", ONE)
    assert library.asked.count("a") == 1


async def test_a_failure_is_told_to_all_who_waited_and_not_kept(
    resolver: Resolver, library: Library, autojump_clock: MockClock
) -> None:
    askers = [Asker(resolver), Asker(resolver)]
    async with trio.open_nursery() as nursery:
        for asker in askers:
            nursery.start_soon(asker.run, "a")
        await wait_all_tasks_blocked()
        library.answer(UNKNOWN)
    assert [asker.got for asker in askers] == ["[Errno -2] Name or service not known"] * 2
    assert (await learn(resolver, library, ONE)).got == ONE


async def test_while_the_resolver_fails_the_last_good_answer_serves_for_thirty_seconds(
    resolver: Resolver, library: Library, autojump_clock: MockClock
) -> None:
    await learn(resolver, library, ONE)
    for _ in range(5):
        await trio.sleep(5)
        assert (await learn(resolver, library, UNKNOWN)).got == ONE
        assert await at_once(resolver) == ONE, "asked again only after another five seconds"
    await trio.sleep(4.999)
    assert await at_once(resolver) == ONE
    await trio.sleep(0.001)
    assert (await learn(resolver, library, UNKNOWN)).got == str(UNKNOWN)
    assert len(library.asked) == 7


async def test_while_the_resolver_hangs_the_last_good_answer_costs_a_second_in_five(
    resolver: Resolver, library: Library, autojump_clock: MockClock
) -> None:
    await learn(resolver, library, ONE)
    await trio.sleep(5)
    asker = Asker(resolver)
    await asker.run("a")
    assert (asker.got, asker.at) == (ONE, 6.0)
    await trio.sleep(4)
    assert await at_once(resolver) == ONE
    assert library.asked == ["a", "a"]
    library.answer(OTHER)
    assert await at_once(resolver) == OTHER, "the late answer counts"


async def test_what_nobody_asks_for_any_more_is_forgotten(
    resolver: Resolver, library: Library, autojump_clock: MockClock
) -> None:
    for number in range(100):
        await learn(resolver, library, ONE, str(number))
        await trio.sleep(1)
    assert resolver.names_known == 30


def test_what_one_run_left_unfinished_holds_up_no_other() -> None:
    library = Library()
    resolver = Resolver(library.ask)

    async def give_up() -> None:
        with trio.move_on_after(1):
            await resolver.resolve("a")

    async def ask_again() -> Asker:
        return await learn_second(resolver, library, "a")

    for _ in range(MOST_LOOKUPS + 1):
        trio.run(give_up, clock=MockClock(autojump_threshold=0))
    assert trio.run(ask_again, clock=MockClock(autojump_threshold=0)).got == OTHER


@given(st.lists(st.tuples(st.floats(0, 20), st.booleans()), max_size=20))
def test_law_an_answer_is_never_older_than_thirty_seconds(
    lookups: list[tuple[float, bool]],
) -> None:
    async def live() -> None:
        library = Library()
        resolver = Resolver(library.ask)
        good_at, good = 0.0, ""
        for pause, is_well in lookups:
            await trio.sleep(pause)
            asker, now = Asker(resolver), trio.current_time()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(asker.run, "a")
                await wait_all_tasks_blocked()
                if library.waiting:
                    if is_well:
                        good_at, good = now, str(now)
                    library.answer((good,) if is_well else UNKNOWN)
            is_known = good and now - good_at < 30
            assert asker.got == ((good,) if is_known else str(UNKNOWN))

    trio.run(live, clock=MockClock(autojump_threshold=0))
