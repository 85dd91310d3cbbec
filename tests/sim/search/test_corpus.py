"""The corpus: who was first to reach what."""

from trio_lb.sim.search.corpus import Corpus
from trio_lb.sim.search.trial import Trial

ONE, TWO, THREE = (Trial("x", seed=seed) for seed in (1, 2, 3))


def test_the_first_to_reach_a_point_keeps_it() -> None:
    corpus = Corpus()
    told = [
        corpus.add(ONE, ["retry"]),
        corpus.add(TWO, ["retry", "panic", "panic", "eject"]),
        corpus.add(THREE, ["eject"]),
    ]
    assert told == [("retry",), ("panic", "eject"), ()]
    assert corpus.first == {"retry": ONE, "panic": TWO, "eject": TWO}
    assert corpus.trials() == [ONE, TWO]


def test_what_nobody_reached_is_named() -> None:
    corpus = Corpus()
    corpus.add(ONE, ["retry"])
    assert corpus.unreached(["panic", "retry", "eject"]) == ("panic", "eject")
