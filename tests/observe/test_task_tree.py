"""The task tree: every living task, below its parent, with the line where it waits."""

import trio
from trio.testing import wait_all_tasks_blocked

from trio_lb.observe.lines import open_lines
from trio_lb.observe.task_tree import format_task_tree
from trio_lb.sim.env import SimEnv


async def test_a_child_stands_below_its_parent_at_the_line_of_ours(env: SimEnv) -> None:
    async with open_lines(env.open_sink("/log"), "the log", tell=print):
        await wait_all_tasks_blocked()
        tree = format_task_tree(trio.lowlevel.current_task())
    parent, child = tree.splitlines()
    assert not parent.startswith(" ")
    assert child.startswith("  writer of the log  at observe/lines.py:")


async def test_siblings_come_by_name() -> None:
    async with trio.open_nursery() as nursery:
        for name in ("b", "a"):
            nursery.start_soon(trio.sleep_forever, name=name)
        await wait_all_tasks_blocked()
        tree = format_task_tree(trio.lowlevel.current_task())
        nursery.cancel_scope.cancel()
    assert [line.split()[0] for line in tree.splitlines()[1:]] == ["a", "b"]
