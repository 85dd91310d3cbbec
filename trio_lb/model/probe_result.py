"""What a probe found: the value that a check written by a user returns."""

from collections.abc import Mapping

import attrs


@attrs.frozen(slots=True)
class ProbeResult:
    """Whether a server is well, and what else was seen there.

    ``latency_seconds`` is what the server took; None means that the caller measures how
    long the whole probe took. ``details`` are plain values for people (they are shown by
    ``lb.health.status()`` as they are); ``error`` says why ``healthy`` is false.

    Raises:
      TypeError: ``healthy`` is no bool, so that a value like "down" is not taken for well.
    """

    healthy: bool = attrs.field()
    latency_seconds: float | None = None
    details: Mapping[str, object] = attrs.Factory(dict)
    error: str | None = None

    @healthy.validator
    def _is_a_bool(self, _: "attrs.Attribute[bool]", value: object) -> None:
        if not isinstance(value, bool):
            raise TypeError(f"healthy is True or False, not {value!r}")
