"""The bus: who wants to hear of what, and how news reaches them.

Publishing is synchronous and never waits: callbacks run at once, in the order in which
they were registered, and a subscription only puts the event into its own bounded
buffer. So no observer can hold up the data path; a slow one loses its oldest news and
is told how many.
"""

import difflib
import logging
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, Self

import attrs
import trio

from trio_lb.model.events import Event, ServerHealthChanged

logger = logging.getLogger(__name__)

Callback = Callable[[Any], object]
"""What ``on`` takes: one argument, the event. Its result is ignored."""

Unsubscribe = Callable[[], None]

_MOST_BUFFERED: Final = 1000


@attrs.frozen(slots=True)
class Topic:
    """A class of events (with its subclasses), and which of them count."""

    kind: type[Event]
    matches: Callable[[Any], bool] | None = None

    def covers(self, kind: type[Event]) -> bool:
        """Whether events of that class belong here; a periodic one must be named itself."""
        return kind is self.kind or (not kind.is_periodic and issubclass(kind, self.kind))


def _went_up(event: ServerHealthChanged) -> bool:
    return event.is_healthy


def _went_down(event: ServerHealthChanged) -> bool:
    return not event.is_healthy


_ONE_WAY: Final[Mapping[str, Topic]] = {
    "backend-healthy": Topic(ServerHealthChanged, _went_up),
    "backend-unhealthy": Topic(ServerHealthChanged, _went_down),
    "serverUnhealthy": Topic(ServerHealthChanged, _went_down),
}
"""Old names that tell only one direction of a change."""


def topics() -> dict[str, Topic]:
    """Return every name that ``Bus.on`` takes: wire names, and the older spellings."""
    found: dict[str, Topic] = {}
    for kind in _kinds(Event):
        found[kind.name] = found[_camel(kind.name)] = Topic(kind)
    return {**found, **_ONE_WAY}


def _kinds(root: type[Event]) -> Iterator[type[Event]]:
    """Classes with a wire name of their own, at any depth below ``root``."""
    for kind in root.__subclasses__():
        # attrs' slotted classes leave their unslotted twins behind until collected.
        if "name" in vars(kind) and "__slots__" in vars(kind):
            yield kind
        yield from _kinds(kind)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))


@attrs.define(slots=True, eq=False)
class _Listener:
    """One registration; compared by identity, so the same callback may stand twice."""

    topic: Topic
    callback: Callback

    def deliver(self, event: Event) -> None:
        matches = self.topic.matches
        if matches is None or matches(event):
            self.callback(event)


class Subscription:
    """News as an async iterator, for one task. ``lost`` counts events that were dropped.

    It ends when the ``subscribe`` block does; what is still buffered then is dropped.
    """

    def __init__(self, max_buffered: int) -> None:
        self._buffer: deque[Event] = deque(maxlen=max_buffered)
        self._news = trio.Event()
        self._closed = False
        self.lost = 0

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        """Wait for the next event, oldest first. Always a checkpoint."""
        await trio.lowlevel.checkpoint()
        while not self._buffer:
            if self._closed:
                raise StopAsyncIteration
            self._news = trio.Event()
            await self._news.wait()
        return self._buffer.popleft()

    def _take(self, event: Event) -> None:
        if len(self._buffer) == self._buffer.maxlen:
            self.lost += 1
        self._buffer.append(event)
        self._news.set()

    def _close(self) -> None:
        self._closed = True
        self._buffer.clear()
        self._news.set()


class Bus:
    """Delivers events to callbacks and subscriptions.

    ``on_interest()`` may be assigned: it is called when somebody came or left, so that
    what nobody wants need not be made at all.
    """

    def __init__(self) -> None:
        self.on_interest: Callable[[], None] = _ignore
        self._listeners: list[_Listener] = []
        # For each concrete class the listeners it reaches; emptied by each change.
        self._routes: dict[type[Event], tuple[_Listener, ...]] = {}

    def wants(self, kind: type[Event]) -> bool:
        """Whether anybody would hear of a ``kind``: on the hot path, ask before making one."""
        route = self._routes.get(kind)
        return bool(self._route(kind) if route is None else route)

    def publish(self, event: Event) -> None:
        """Tell everybody now. A callback that raises is logged and disturbs nobody."""
        for listener in self._route(type(event)):
            try:
                listener.deliver(event)
            except Exception:
                logger.exception("a callback for %s raised", event.name)

    def on(self, what: str | type[Event], callback: Callback) -> Unsubscribe:
        """Call ``callback(event)`` for each event of that name or class, until undone.

        A class stands for its subclasses too: ``Event`` is everything that happens. What comes
        by the clock alone (``metrics_updated``) is heard by who names it.

        Raises:
          ValueError: no event has that name.
        """
        return self._add(_Listener(_topic_of(what), callback))

    @asynccontextmanager
    async def subscribe(
        self, *kinds: type[Event], max_buffered: int = _MOST_BUFFERED
    ) -> AsyncGenerator[Subscription, None]:
        """Receive events of ``kinds`` (none named: all) while the block runs.

        Checkpoints: none on entry and exit.
        """
        subscription = Subscription(max_buffered)
        undo = [
            self._add(_Listener(Topic(kind), subscription._take))
            for kind in _without_overlap(kinds or (Event,))
        ]
        try:
            yield subscription
        finally:
            for each in undo:
                each()
            subscription._close()

    def _add(self, listener: _Listener) -> Unsubscribe:
        self._listeners.append(listener)
        self._changed()

        def unsubscribe() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)
                self._changed()

        return unsubscribe

    def _changed(self) -> None:
        self._routes.clear()
        self.on_interest()

    def _route(self, kind: type[Event]) -> tuple[_Listener, ...]:
        route = self._routes.get(kind)
        if route is None:
            route = tuple(each for each in self._listeners if each.topic.covers(kind))
            self._routes[kind] = route
        return route


def _topic_of(what: str | type[Event]) -> Topic:
    if not isinstance(what, str):
        return Topic(what)
    known = topics()
    if what in known:
        return known[what]
    near = difflib.get_close_matches(what, known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"no event is called {what!r}{hint}")


def _ignore() -> None:
    """A hook that nobody has taken."""


def _without_overlap(kinds: Sequence[type[Event]]) -> list[type[Event]]:
    """Drop every class that another one covers, so that nothing is delivered twice."""
    return [
        kind
        for kind in dict.fromkeys(kinds)
        if not any(other is not kind and Topic(other).covers(kind) for other in kinds)
    ]
