"""All planted bugs, in the order of the table in docs/simulation/bug-finding.md."""

from collections.abc import Mapping
from typing import Final

from tests.sim.planted import in_connections, in_membership, in_requests, in_verdicts
from tests.sim.planted.bug import Bug

_MODULES = (in_requests, in_connections, in_verdicts, in_membership)

BUGS: Final[Mapping[str, Bug]] = {bug.name: bug for module in _MODULES for bug in module.PATCH.bugs}
