"""A connection for each request: accepting, opening and closing."""

from benchmarks.origin import SMALL_PATH
from benchmarks.rows.small import Small
from benchmarks.wrk import Load


class NewConnections(Small):
    """The client says ``Connection: close``; towards the origin connections are kept."""

    name = "new-connections"
    title = "a new connection for each request, 32 at a time"
    in_quick = False
    loads = (Load(connections=32, path=SMALL_PATH, headers=("Connection: close",)),)
