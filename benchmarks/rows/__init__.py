"""The rows, in the order in which they run and stand in the table."""

from typing import Final

from benchmarks.rows.base import Row
from benchmarks.rows.browser import Browser
from benchmarks.rows.bulk import Bulk, Chunked
from benchmarks.rows.connections import Connections1000, Connections2000
from benchmarks.rows.idle import Idle
from benchmarks.rows.new_connections import NewConnections
from benchmarks.rows.probes import Probes
from benchmarks.rows.single import Single
from benchmarks.rows.small import Small
from benchmarks.rows.tls import TLS
from benchmarks.rows.tunnels import Tunnels

ROWS: Final[tuple[Row, ...]] = (
    Small(),
    Browser(),
    Single(),
    Connections1000(),
    Connections2000(),
    NewConnections(),
    TLS(),
    Bulk(),
    Chunked(),
    Idle(),
    Tunnels(),
    Probes(),
)
