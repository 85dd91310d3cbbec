"""One ended request as one line: three forms, the same facts.

combined  nginx's and Apache's form, then ours: id pool/server attempts head total error
json      one object a line
logfmt    key=value; what is unknown is left out

Times are seconds; the instant is that of the request's head, UTC. The field order is
part of the form, a new field goes to the end.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from trio_lb.model.events import RequestRecord
from trio_lb.observe.escape import escape_quoted, escape_word


def combined(record: RequestRecord) -> str:
    """Return the line of the combined form."""
    r, quoted, word = record, escape_quoted, escape_word
    return (
        f"{word(r.client)} - - [{_clf_time(int(r.wall_at))}]"
        f' "{quoted(r.method)} {quoted(r.target)} {quoted(r.version)}" {r.status} {r.bytes_out}'
        f' "{quoted(r.referer) or "-"}" "{quoted(r.user_agent) or "-"}"'
        f" {word(r.id)} {word(_place(r))} {r.attempts}"
        f" {_seconds(r.head_seconds)} {_seconds(r.total_seconds)} {word(r.error or '')}"
    )


def as_json(record: RequestRecord) -> str:
    """Return the line of the JSON form: ASCII, control characters as ``\\uNNNN``."""
    # json leaves DEL as it is; terminals do not.
    return json.dumps(_facts(record), separators=(",", ":")).replace("\x7f", "\\u007f")


def logfmt(record: RequestRecord) -> str:
    """Return the line of the logfmt form."""
    known = ((key, value) for key, value in _facts(record).items() if value not in (None, ""))
    return " ".join(f"{key}={_logfmt_value(str(value))}" for key, value in known)


FORMATS: Final[Mapping[str, Callable[[RequestRecord], str]]] = {
    "combined": combined,
    "json": as_json,
    "logfmt": logfmt,
}
"""By the names of ``logging.access.format``."""


def _facts(r: RequestRecord) -> dict[str, object]:
    return {
        "time": iso_time(r.wall_at),
        "id": r.id,
        "client": r.client,
        "method": r.method,
        "target": r.target,
        "version": r.version,
        "status": r.status,
        "bytes_in": r.bytes_in,
        "bytes_out": r.bytes_out,
        "pool": r.pool,
        "server": r.server_id,
        "attempts": r.attempts,
        "head_seconds": None if r.head_seconds is None else round(r.head_seconds, 6),
        "total_seconds": round(r.total_seconds, 6),
        "error": r.error,
        "referer": r.referer,
        "user_agent": r.user_agent,
    }


def iso_time(wall: float) -> str:
    """Return seconds since the epoch as ``2026-01-01T00:00:00.000Z``."""
    moment = datetime.fromtimestamp(wall, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


_RECENT_SECONDS: Final = 8
"""Requests that take a while end among younger ones, and are dated by their beginning."""

_MONTHS: Final = "JanFebMarAprMayJunJulAugSepOctNovDec"


@lru_cache(_RECENT_SECONDS)
def _clf_time(second: int) -> str:
    """Written once a second, for all its lines: a quarter of what a line costs.

    Month names by hand: ``%b`` speaks the language of the locale.
    """
    moment = datetime.fromtimestamp(second, UTC)
    month = _MONTHS[3 * moment.month - 3 : 3 * moment.month]
    return f"{moment:%d}/{month}/{moment:%Y:%H:%M:%S} +0000"


def _place(record: RequestRecord) -> str:
    if record.server_id is None:
        return record.pool or ""
    return f"{record.pool}/{record.server_id}"


def _seconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.3f}"


def _logfmt_value(text: str) -> str:
    escaped = escape_quoted(text)
    return f'"{escaped}"' if escaped != text or " " in text or "=" in text else text
