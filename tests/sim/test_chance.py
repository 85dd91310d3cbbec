"""Seeded generators: the same everywhere, and independent of each other."""

from trio_lb.sim.chance import derive_rng


def test_the_same_seed_and_name_draw_the_same_in_every_process() -> None:
    assert [derive_rng(7, "lb.pick").randrange(1000) for _ in range(2)] == [711, 711]


def test_another_name_or_seed_draws_something_else() -> None:
    drawn = [derive_rng(seed, name).random() for seed in (1, 2) for name in ("a", "b")]
    assert len(dict.fromkeys(drawn)) == 4
