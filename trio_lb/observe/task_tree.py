"""The living tasks as a tree in text: what SIGQUIT prints."""

from collections.abc import Iterator

import trio


def format_task_tree(root: trio.lowlevel.Task) -> str:
    """Return a line for each task below ``root``: its name, and the line where it waits."""
    return "\n".join(_lines(root, 0))


def _lines(task: trio.lowlevel.Task, depth: int) -> Iterator[str]:
    yield f"{'  ' * depth}{task.name}{_place(task)}"
    for nursery in task.child_nurseries:
        for child in sorted(nursery.child_tasks, key=lambda each: each.name):
            yield from _lines(child, depth + 1)


def _place(task: trio.lowlevel.Task) -> str:
    """The innermost line of ours says more than the trap of trio's below it."""
    frames = [(frame.f_code.co_filename, line) for frame, line in task.iter_await_frames()]
    ours = [each for each in frames if "/trio_lb/" in each[0]] or frames
    if not ours:
        return ""
    file, line = ours[-1]
    return f"  at {'/'.join(file.split('/')[-2:])}:{line}"
