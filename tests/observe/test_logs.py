"""The program's log: its two forms, and that it never waits."""

import errno
import json
import logging
import sys
import threading
from collections.abc import Callable

import pytest
import trio

from trio_lb.observe.logs import as_coloured_text, as_json, as_text, open_logs, renderer
from trio_lb.sim.env import SimEnv
from trio_lb.sim.network import VirtualNetwork

WALL = 1_767_225_600.5
log = logging.getLogger("trio_lb.test")


def record(message: str, level: int = logging.WARNING) -> logging.LogRecord:
    return log.makeRecord(log.name, level, __file__, 1, message, (), None)


def a_fault() -> logging.LogRecord:
    try:
        raise KeyError("k\x1b")
    except KeyError:
        made = record("it broke", logging.ERROR)
        made.exc_info = sys.exc_info()
        return made


def test_text_is_time_level_message() -> None:
    assert as_text(record("port taken"), WALL) == "2026-01-01T00:00:00.500Z warning port taken"


def test_a_terminal_gets_yellow_warnings_and_red_errors_and_nothing_else() -> None:
    levels = (logging.INFO, logging.WARNING, logging.ERROR)
    assert [as_coloured_text(record("x", level), WALL)[25:] for level in levels] == [
        "info x",
        "\x1b[33mwarning\x1b[0m x",
        "\x1b[31merror\x1b[0m x",
    ]


@pytest.mark.parametrize(
    ("log_format", "terminal", "expected"),
    [
        ("auto", True, as_coloured_text),
        ("auto", False, as_text),
        ("text", False, as_text),
        ("json", True, as_json),
    ],
)
def test_colours_need_a_terminal_and_json_never_has_them(
    log_format: str, terminal: bool, expected: Callable[..., str]
) -> None:
    assert renderer(log_format, terminal=terminal) is expected


def test_a_message_cannot_begin_a_line_of_its_own() -> None:
    text = as_text(record("GET /\r\n2026 info forged\x1b[2J"), WALL)
    assert text.endswith("GET /\\x0d\\x0a2026 info forged\\x1b[2J")


def test_a_traceback_follows_its_message_line_by_line() -> None:
    lines = as_text(a_fault(), WALL).splitlines()
    assert lines[0] == "2026-01-01T00:00:00.500Z error it broke"
    assert lines[1] == "Traceback (most recent call last):"
    assert lines[-1] == "KeyError: 'k\\x1b'"


def test_json_keeps_a_traceback_in_the_one_line() -> None:
    line = as_json(a_fault(), WALL)
    read = json.loads(line)
    assert (read["level"], read["logger"], read["message"]) == (
        "error",
        "trio_lb.test",
        "it broke",
    )
    assert read["traceback"].endswith("KeyError: 'k\\x1b'")
    assert "\n" not in line


async def test_records_of_the_level_go_to_standard_error_while_it_is_open(env: SimEnv) -> None:
    before = logging.getLogger().handlers[:]
    async with open_logs(env, level="warning"):
        log.info("too little")
        log.warning("heard")
    log.warning("too late")
    assert env.sink("-").data == b"2026-01-01T00:00:00.000Z warning heard\n"
    assert logging.getLogger().handlers == before


async def test_what_is_said_stands_as_it_is_or_as_json_where_all_is_json(env: SimEnv) -> None:
    async with open_logs(env) as logs:
        logs.say("trio-lb: ready")
    async with open_logs(env, render=as_json) as logs:
        logs.say("trio-lb: ready")
    plain, rich = env.sink("-").data.splitlines()
    assert plain == b"trio-lb: ready"
    assert json.loads(rich)["message"] == "trio-lb: ready"


async def test_a_stopped_reader_holds_nobody_up_and_the_loss_is_told_later(env: SimEnv) -> None:
    async with open_logs(env):
        env.sink("-").hang()
        for _ in range(20_000):
            log.warning("x" * 100)
        await trio.sleep(1)
        env.sink("-").heal()
        await trio.sleep(1)
    assert env.now() == 2.0
    assert b"standard error: written again; " in env.sink("-").data


async def test_a_record_that_cannot_be_rendered_goes_logging_s_usual_way(
    env: SimEnv, capsys: pytest.CaptureFixture[str]
) -> None:
    def render(record: logging.LogRecord, wall: float) -> str:
        if record.getMessage() == "odd":
            raise ValueError("cannot render it")
        return as_text(record, wall)

    async with open_logs(env, render=render):
        log.warning("odd")
        log.warning("next")
    assert "ValueError: cannot render it" in capsys.readouterr().err
    assert env.sink("-").data.endswith(b" warning next\n")


class StoppedEnv(SimEnv):
    """A simulation whose wall clock stands, so that another thread can read it."""

    def wall(self) -> float:
        return WALL


@pytest.fixture
def stopped(net: VirtualNetwork) -> SimEnv:
    return StoppedEnv(net.host("lb"))


async def test_what_another_thread_says_is_written_though_the_loop_stands_still(
    stopped: SimEnv,
) -> None:
    async with open_logs(stopped):
        speaker = threading.Thread(target=log.warning, args=("from outside",))
        speaker.start()
        speaker.join(10.0)  # While this waits, no task runs.
        written = stopped.sink("-").data
    assert written == b"2026-01-01T00:00:00.500Z warning from outside\n"


async def test_a_thread_s_line_that_cannot_be_written_is_lost_and_harms_nobody(
    stopped: SimEnv,
) -> None:
    async with open_logs(stopped):
        stopped.sink("-").fail(OSError(errno.ENOSPC, "No space left on device"))
        speaker = threading.Thread(target=log.warning, args=("lost",))
        speaker.start()
        speaker.join(10.0)
        stopped.sink("-").heal()
        log.warning("kept")
    assert stopped.sink("-").data == b"2026-01-01T00:00:00.500Z warning kept\n"
