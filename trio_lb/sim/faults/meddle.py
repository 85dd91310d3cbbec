"""Meddling with connections: those that stand, and those that are made while a fault lasts."""

from collections.abc import Callable, Sequence

from trio_lb.sim.faults.overlay import Heal
from trio_lb.sim.host import HostNetwork
from trio_lb.sim.link import Link
from trio_lb.sim.rule import End, Rule, Ruling, Valve
from trio_lb.sim.stream import VirtualStream

Meddler = Callable[[VirtualStream], Heal]
"""Puts something onto an end of a connection; returns what takes it off again."""

_HEAD_END = b"\r\n\r\n"


def meddle(
    places: Sequence[Link | HostNetwork], standing: Sequence[VirtualStream], meddler: Meddler
) -> Heal:
    """Meddle with ends that stand, and with each that comes to these places until it is healed.

    After the heal both ends look again: what was held is there.
    """
    met: list[tuple[VirtualStream, Heal]] = []

    def greet(end: VirtualStream) -> None:
        met.append((end, meddler(end)))

    for end in standing:
        greet(end)
    for place in places:
        place.greeters.append(greet)

    is_over = False

    def heal() -> None:
        nonlocal is_over
        if is_over:
            return
        is_over = True
        for place in places:
            place.greeters.remove(greet)
        for end, take_off in met:
            take_off()
            end.wake()
            end.remote.wake()
        met.clear()

    return heal


def put_rule(rules: list[Rule], rule: Rule) -> Heal:
    """Put a rule onto a pipe's rules."""
    rules.append(rule)
    return lambda: rules.remove(rule)


def put_valve(valves: list[Valve], valve: Valve) -> Heal:
    """Put a valve onto a pipe's valves."""
    valves.append(valve)
    return lambda: valves.remove(valve)


class HeadScan:
    """Finds the end of a head in pieces that may break anywhere."""

    def __init__(self) -> None:
        self._tail = b""

    def end_in(self, data: bytes) -> int | None:
        """Return how much of ``data`` still belongs to the head; None: all, and more is to come."""
        joined = self._tail + data
        found = joined.find(_HEAD_END)
        if found < 0:
            self._tail = joined[-(len(_HEAD_END) - 1) :]
            return None
        end = found + len(_HEAD_END) - len(self._tail)
        self._tail = b""
        return end


class Talk:
    """What two rules of one connection know together: an answer begins anew with each question."""

    def __init__(self) -> None:
        self.answered = 0
        self.scan: HeadScan | None = HeadScan()
        """What looks for the end of the answer's head; None behind it."""

    def ask(self) -> None:
        """Somebody asks: whatever is answered from now on belongs to that."""
        self.answered, self.scan = 0, HeadScan()


class Asking:
    """A rule that lets questions pass, and knows by them where an answer begins."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk

    def judge(self, data: bytes, now: float) -> Ruling:
        """See ``Rule``."""
        if self._talk.answered:
            self._talk.ask()
        return Ruling(data)


class Cut:
    """A rule that ends an answer so, when more than ``most`` bytes of it have passed."""

    def __init__(self, talk: Talk, most: int, end: End) -> None:
        self._talk = talk
        self._most = most
        self._end = end

    def judge(self, data: bytes, now: float) -> Ruling:
        """See ``Rule``."""
        room = self._most - self._talk.answered
        self._talk.answered += len(data)
        return Ruling(data) if len(data) <= room else Ruling(data[: max(0, room)], end=self._end)


class BodyCut:
    """A rule that ends an answer so, when more than ``most`` bytes of its body have passed.

    None of them: at once behind the head.
    """

    def __init__(self, talk: Talk, most: int, end: End) -> None:
        self._talk = talk
        self._most = most
        self._end = end
        self._passed = 0

    def judge(self, data: bytes, now: float) -> Ruling:
        """See ``Rule``."""
        talk, body_at = self._talk, 0
        talk.answered += len(data)
        if talk.scan is not None:
            end = talk.scan.end_in(data)
            if end is None:
                return Ruling(data)
            talk.scan, self._passed, body_at = None, 0, end
        room = self._most - self._passed
        self._passed += len(data) - body_at
        if self._most and len(data) - body_at <= room:
            return Ruling(data)
        return Ruling(data[: body_at + max(0, room)], end=self._end)


class HalfClose(Valve):
    """Says FIN for an end as soon as it has read a whole head; it reads on, and is not heard.

    It is a rule of what comes to the end, which sees the head go by, and a valve before the end.
    """

    opens_at = float("-inf")

    def __init__(self, end: VirtualStream) -> None:
        self._end = end
        self._scan = HeadScan()
        self._saw_head = False

    def judge(self, data: bytes, now: float) -> Ruling:
        """See ``Rule``."""
        self._saw_head = self._saw_head or self._scan.end_in(data) is not None
        return Ruling(data)

    def took(self, now: float) -> None:
        """See ``Valve``."""
        if self._saw_head:
            self._end.outgoing.put_eof(now)
            self._end.remote.wake()
