"""Reads what the demo prints."""

import re
from collections.abc import Sequence

from tests.support.world import World


def printed(world: World) -> str:
    return world.sim.sink("/dev/stdout").data.decode()


def told(text: str) -> list[tuple[float, str]]:
    """The lines of the play itself: when, and what."""
    play = text.partition("What happens (")[2]
    lines = re.findall(r"^ *([\d.]+) s  (.*)$", play, re.MULTILINE)
    return [(float(at), words) for at, words in lines]


def story(text: str, server: str) -> list[tuple[float, str]]:
    """What is told of a server, after the first checks."""
    begins = (f">>> {server} ", f"{server} ", f"{server}'s ")
    return [(at, words) for at, words in told(text) if at and words.startswith(begins)]


def instants_of(pattern: str, text: str) -> list[float]:
    return [at for at, words in told(text) if re.match(pattern, words)]


def rows(text: str) -> dict[float, Sequence[int]]:
    """Answers of alder, birch, cedar, and failures, by the instant at which they were told."""
    return {
        at: [int(number) for number in re.findall(r"\d+", words)]
        for at, words in told(text)
        if words.startswith("answered:")
    }
