"""How long something took, as people say it: in traces, reports and tables alike."""

from typing import Final

_UNITS: Final = (("s", 10**9), ("ms", 10**6), ("µs", 10**3))

EXACT_DIGITS: Final = 4
"""For the steps of one request, which are held against each other; a figure has three."""


def duration(nanoseconds: float, digits: int = 3) -> str:
    """Return so many digits, at most those that there are, and the unit that suits them.

    Whole digits are never left out: ``12.3 ms``, ``1 s``, ``3600 s``.
    """
    size = abs(nanoseconds)
    for unit, one in _UNITS:
        # What is rounded up to a whole unit is said in that unit: 1 s, not 1000 ms.
        if size >= one * (1 - 0.5 * 10.0**-digits):
            amount = nanoseconds / one
            whole = round(abs(amount)) >= 10**digits
            return f"{amount:.0f} {unit}" if whole else f"{amount:.{digits}g} {unit}"
    return f"{nanoseconds:.0f} ns" if nanoseconds else "0 s"
