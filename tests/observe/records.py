"""A request record to vary."""

import attrs

from trio_lb.model.events import RequestCompleted, RequestFailed, RequestRecord

RECORD = RequestRecord(
    id="c0ffee",
    client="192.0.2.7",
    method="GET",
    target="/a?b=c",
    version="HTTP/1.1",
    status=200,
    bytes_in=0,
    bytes_out=12,
    pool="default",
    server_id="s1",
    attempts=1,
    started_at=5.0,
    wall_at=1_767_225_605.25,
    head_seconds=0.002,
    total_seconds=0.0031,
    referer="http://a/",
    user_agent="curl/8.5",
)


def completed(at: float = 6.0, **changes: object) -> RequestCompleted:
    """The event of a request that ended well."""
    record = attrs.evolve(RECORD, **changes)  # type: ignore[arg-type]  # Each test names its own.
    return RequestCompleted(
        at=at, server_id=record.server_id, response_time_seconds=0.003, record=record
    )


def failed(error: str, at: float = 6.0, **changes: object) -> RequestFailed:
    """The event of a request that did not."""
    record = attrs.evolve(RECORD, error=error, **changes)  # type: ignore[arg-type]  # As above.
    return RequestFailed(at=at, server_id=record.server_id, error=error, record=record)
