"""The measured case is what it says: forty faults, of which two matter together."""

from benchmarks.shrinking import FAULTS, forty, shrunk


def test_forty_faults_are_cut_down_to_the_two_that_matter() -> None:
    assert len(forty(1)) == FAULTS
    least, _ = shrunk(1)
    assert [fault.kind for fault in least.items] == ["partition", "partition"]
    assert least.runs <= 25
