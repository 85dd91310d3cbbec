"""Outliers: who fails where others do well is ejected."""

import math
from collections import deque
from collections.abc import Mapping
from typing import Final

import attrs

from trio_lb.model.outcome import SILENT_KINDS
from trio_lb.policy import outlier
from trio_lb.sim.checks.check import Check
from trio_lb.sim.checks.rebirth import Rebirth
from trio_lb.sim.checks.standing import CONFIG_UPDATED, Standings
from trio_lb.sim.checks.world import World, pool_config
from trio_lb.sim.happening import Ear, Happening, What

SLACK: Final = 2
"""A streak is told once it is so many times as long as one that ejects: in between a verdict on
an attempt may be pardoned without news of it."""
EVIDENCE_SECONDS: Final = 5.0
"""So young is the success of another that proves that the trouble is this one's own."""
SILENT: Final = frozenset(kind.value for kind in SILENT_KINDS)
PROVED: Final = 20
"""So many successes in a row speak for a server."""


@attrs.define(slots=True)
class _Record:
    """Of one server: how many attempts failed in a row, or went well."""

    failures: int = 0
    since: float = 0.0
    successes: int = 0
    good_at: float = float("-inf")


class OutliersEjected(Check):
    """A server that fails again and again, while another of its pool does well, is ejected.

    Judged are streaks of twice ``consecutive_failures``, of a server that nothing speaks against,
    while nobody is ejected: then the share of the pool that may be out is no reason to spare it.
    Who does well has done so for a while, and has not failed too large a share of late: else an
    overload that has only just left it would prove that another is to blame for its own. Nor does
    it prove anything for ten seconds after an ejection of its own.
    """

    name = "outliers_ejected"

    def __init__(self) -> None:
        super().__init__()
        self._standings = Standings()
        self._records: dict[tuple[str, str], dict[str, _Record]] = {}
        # When attempts failed, by balancer, pool and server: this outlives an ejection.
        self._bad: dict[tuple[str, str, str], deque[float]] = {}
        self._back_at: dict[tuple[str, str, str], float] = {}
        self._rebirth = Rebirth(self._forget)

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        standings = self._standings.ears
        changes = (What.HEALTH, What.EJECT, What.OPEN, What.CLOSE, What.ADD, What.READMIT)
        return {
            **standings,
            **{what: self._begins_anew(standings[what]) for what in changes},
            What.INJECT: self._injected,
            What.NEWS: self._news,
            What.RETRY: self._retried,
            What.COMPLETE: self._completed,
            What.ERROR: self._failed,
        }

    def begin(self, world: World) -> None:
        """See ``Check``."""
        super().begin(world)
        self._standings.begin(world)
        self._rebirth.begin(world)

    # ------------------------------------------------------------------ what is void

    def _begins_anew(self, then: Ear) -> Ear:
        def heard(happening: Happening) -> None:
            then(happening)
            server, pool = str(happening.values[0]), str(happening.values[1])
            self._of(happening).pop(server, None)
            if happening.what is What.READMIT:
                self._back_at[happening.entity, pool, server] = happening.at

        return heard

    def _injected(self, happening: Happening) -> None:
        self._standings.ears[What.INJECT](happening)
        self._rebirth.ears[What.INJECT](happening)

    def _news(self, happening: Happening) -> None:
        self._standings.ears[What.NEWS](happening)
        self._rebirth.ears[What.NEWS](happening)
        if happening.values[0] == CONFIG_UPDATED:
            self._forget(happening.entity, None)

    def _forget(self, balancer: str, _: None) -> None:
        for key in [key for key in self._records if key[0] == balancer]:
            del self._records[key]

    # ------------------------------------------------------------------ how attempts ended

    def _of(self, happening: Happening) -> dict[str, _Record]:
        return self._records.setdefault((happening.entity, str(happening.values[1])), {})

    def _record(self, happening: Happening) -> _Record:
        return self._of(happening).setdefault(str(happening.values[0]), _Record())

    def _retried(self, happening: Happening) -> None:
        self._was_bad(happening)
        if happening.values[3] not in SILENT:
            self._went_wrong(happening)

    def _failed(self, happening: Happening) -> None:
        # A timeout may be that of the whole request, of which this server had a rest only.
        code = str(happening.values[5])
        if code.startswith("upstream_"):
            self._was_bad(happening)
            if not code.endswith("timeout"):
                self._went_wrong(happening)

    def _completed(self, happening: Happening) -> None:
        if int(happening.values[2]) >= 500:
            self._was_bad(happening)
            self._went_wrong(happening)
            return
        record = self._record(happening)
        record.failures = 0
        record.successes += 1
        record.good_at = happening.at

    def _was_bad(self, happening: Happening) -> None:
        server, pool = str(happening.values[0]), str(happening.values[1])
        bad = self._bad.setdefault((happening.entity, pool, server), deque())
        bad.append(happening.at)
        interval = pool_config(self.world, happening.entity, pool).outlier_detection.interval
        while bad[0] < happening.at - interval:
            bad.popleft()

    def _went_wrong(self, happening: Happening) -> None:
        record = self._record(happening)
        record.successes = 0
        if not record.failures:
            record.since = happening.at
        record.failures += 1
        config = pool_config(self.world, happening.entity, str(happening.values[1]))
        terms = config.outlier_detection
        if not terms.enabled or terms.max_ejection_fraction <= 0.0:
            return
        if record.failures == SLACK * terms.consecutive_failures and self._stands_out(
            happening, record
        ):
            server = happening.values[0]
            self.object(
                happening,
                f"{record.failures} attempts at {server} failed in a row since"
                f" {record.since:.6f} s while another did well, and it is not ejected",
            )

    def _stands_out(self, happening: Happening, record: _Record) -> bool:
        balancer, pool = happening.entity, str(happening.values[1])
        members = self._standings.pool(balancer, pool)
        if not all(each.ejected_until is None for each in members.values()):
            return False
        if self._standings.fails_open(balancer, pool) or not self._standings.of(happening).is_clear:
            return False
        earliest = max(record.since, happening.at - EVIDENCE_SECONDS)
        return any(
            each.successes >= PROVED and each.good_at >= earliest and members[name].is_clear
            for name, each in self._of(happening).items()
            if name in members
            and not members[name].has_left
            and not self._is_poor(happening, name, each)
        )

    def _is_poor(self, happening: Happening, server: str, record: _Record) -> bool:
        """Whether a server that does well now may have failed too large a share until just now.

        Or was out itself.
        """
        pool = str(happening.values[1])
        terms = pool_config(self.world, happening.entity, pool).outlier_detection
        whose = (happening.entity, pool, server)
        if happening.at < self._back_at.get(whose, -math.inf) + outlier.EVIDENCE_SECONDS:
            return True
        bad = self._bad.get(whose, ())
        failures = sum(at >= happening.at - terms.interval for at in bad)
        return record.successes < (terms.success_rate or 0.0) * (record.successes + failures)
