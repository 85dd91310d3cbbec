"""Finds what a test left behind: descriptors, tasks of ours, open virtual streams."""

import gc
import os
import time
from collections.abc import Iterator
from typing import Final

import trio
from trio.testing import wait_all_tasks_blocked

from trio_lb.sim.network import VirtualNetwork

PATIENCE_SECONDS: Final = 10.0

_LOOKS: Final = 40
_LOOK_SECONDS: Final = 0.05
"""Only a test that seems to have left something waits at all."""

_KEPT_OPEN_BY_OTHERS = ("/dev/", "/proc/")


def open_descriptors() -> dict[int, str]:
    """What each open descriptor of this process leads to (``socket:[123]``)."""
    found = {}
    for number in map(int, os.listdir("/proc/self/fd")):
        try:
            target = os.readlink(f"/proc/self/fd/{number}")
        except FileNotFoundError:
            continue  # The one through which the folder itself was read.
        if not target.startswith(_KEPT_OPEN_BY_OTHERS):
            found[number] = target
    return found


def new_descriptors(before: dict[int, str]) -> list[str]:
    """What is open now and was not before."""
    return [target for fd, target in open_descriptors().items() if before.get(fd) != target]


def lasting_descriptors(before: dict[int, str]) -> list[str]:
    """What is open now, was not before, and stays so.

    A thread of the system's resolver opens a socket for as long as it asks, and may have
    been left behind by a test long ago; a leak is still there a moment later.
    """
    for _ in range(_LOOKS):
        if not new_descriptors(before):
            return []
        gc.collect()
        time.sleep(_LOOK_SECONDS)
    return new_descriptors(before)


def our_tasks() -> list[str]:
    """Names of the living tasks that stand in code of trio_lb."""
    root = trio.lowlevel.current_root_task()
    return [task.name for task in _tasks_below(root) if _stands_in_product(task)]


def _tasks_below(task: trio.lowlevel.Task | None) -> Iterator[trio.lowlevel.Task]:
    if task is not None:
        yield task
        for nursery in task.child_nurseries:
            for child in nursery.child_tasks:
                yield from _tasks_below(child)


def _stands_in_product(task: trio.lowlevel.Task) -> bool:
    return any("/trio_lb/" in frame.f_code.co_filename for frame, _ in task.iter_await_frames())


async def find_leaks(net: VirtualNetwork) -> list[str]:
    """What is left once everything that was cancelled has had its say.

    Last words may take time (a shielded goodbye, a reset under way), so there is a
    patience, in virtual seconds that cost nothing.
    """
    give_up_at = trio.current_time() + PATIENCE_SECONDS
    while True:
        await wait_all_tasks_blocked()
        left = [*our_tasks(), *map(repr, net.open_streams()), *map(repr, net.open_listeners())]
        if not left or trio.current_time() >= give_up_at:
            return left
        await trio.sleep(PATIENCE_SECONDS / 100)
