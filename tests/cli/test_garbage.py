"""What the program does with its process's collector; tried in a process of its own."""

import json
import subprocess
import sys

from trio_lb.cli.garbage import YOUNG_OBJECTS

SETTLED = """
import gc, json
from trio_lb.cli.garbage import settle

class Knot:
    def __init__(self):
        self.knot = self

before, knot = len(gc.get_objects()), Knot()
del knot
settle()
left = [each for each in gc.get_objects() if type(each).__name__ == "Knot"]
late = Knot()
del late
print(json.dumps([gc.isenabled(), gc.get_threshold()[0], gc.get_freeze_count() > before // 2,
                  len(left), gc.collect() > 0]))
"""


def test_what_lives_is_left_alone_and_what_comes_later_is_still_collected() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", SETTLED], capture_output=True, text=True, check=True, timeout=30
    )
    assert json.loads(ran.stdout) == [True, YOUNG_OBJECTS, True, 0, True]
