"""One past, two futures: the one without a change is the run itself, the other one differs."""

import json
import os
import subprocess
import sys

import pytest


@pytest.mark.skipif(not hasattr(os, "fork"), reason="branching needs os.fork")
def test_a_simulation_has_as_many_futures_as_are_wanted() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.sim.futures_play"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    told = json.loads(done.stdout)
    assert told["as it was"] == told["trunk"]
    assert told["trunk"]["violations"] == []
    assert told["cut off"]["trace_hash"] != told["trunk"]["trace_hash"]
    (violation,) = told["cut off"]["violations"]
    assert "error_rate" in violation
