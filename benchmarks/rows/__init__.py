"""The rows, in the order in which they run and stand in the table."""

from typing import Final

from benchmarks.rows.base import Row
from benchmarks.rows.bulk import Bulk
from benchmarks.rows.connections import Connections2000
from benchmarks.rows.idle import Idle
from benchmarks.rows.single import Single
from benchmarks.rows.small import Small

ROWS: Final[tuple[Row, ...]] = (Small(), Single(), Bulk(), Connections2000(), Idle())
