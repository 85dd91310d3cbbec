"""How a person writes a quantity or an address, and what it means.

Each reader takes text, returns a plain value (seconds, bytes, an ``Address``) and
raises ValueError with the rest of a sentence that begins with what was seen:
``is not a duration (...)``. Bounds are not checked here: a field has those.
"""

import re
from typing import Final

from trio_lb.model.address import Address

DURATION_FORM: Final = "a duration (10s, 250ms, 1m30s, 1h, or seconds)"
SIZE_FORM: Final = "a size (32KiB, 64k, 1MiB, or bytes)"
RATE_FORM: Final = "a rate (1000/60s, 10/s)"
ADDRESS_FORM: Final = "an address (host:port, [::1]:80, unix:/path or http://host:port)"

# Divisors and factors apart, so that 7ms is exactly the float 0.007.
_SECONDS: Final = {
    "us": (1, 1_000_000),
    "ms": (1, 1000),
    "": (1, 1),
    "s": (1, 1),
    "m": (60, 1),
    "h": (3600, 1),
    "d": (86400, 1),
}
# k, m and g count in powers of two, as nginx does; KB and MB are the metric ones.
_BYTES: Final = {
    **dict.fromkeys(("", "b"), 1),
    **dict.fromkeys(("k", "ki", "kib"), 1024),
    **dict.fromkeys(("m", "mi", "mib"), 1024**2),
    **dict.fromkeys(("g", "gi", "gib"), 1024**3),
    "kb": 1000,
    "mb": 1000**2,
    "gb": 1000**3,
}
_PART: Final = re.compile(r"(\d{1,20}(?:\.\d{1,20})?(?:e[+-]?\d{1,3})?)([a-z]*)", re.ASCII)
_SIGNED: Final = re.compile(r"([+-]?)(.*)", re.DOTALL)
_URL: Final = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
# What a host name, an IPv4 or a bracketless IPv6 literal is made of.
_NAME: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252}[A-Za-z0-9_.])?", re.ASCII)
_DIGITS_AND_DOTS: Final = re.compile(r"[\d.]+", re.ASCII)
_PORTS: Final = {"http": 80, "https": 443}
_UNIX_PATH_BYTES: Final = 107  # sockaddr_un.sun_path without its closing NUL


class Loose(str):
    """Text from ``${ENV}``, ``file:`` or ``--set``: what it is, the field decides.

    A number written in YAML has a type of its own, and ``port: '80'`` is a mistake;
    an environment variable can only be text, and PORT=80 is none.
    """

    __slots__ = ()


def scheme_of(text: str) -> str | None:
    """Return ``http`` or ``https`` where a server's address is a URL; that says whether TLS is."""
    url = _URL.fullmatch(text)
    return None if url is None else url["scheme"].lower()


def duration(text: str) -> float:
    """Return seconds: ``250ms`` is 0.25, ``1m30s`` is 90.0, ``1.5`` is 1.5."""
    sign, rest = _split_sign(text)
    total, position = 0.0, 0
    while position < len(rest):
        part = _PART.match(rest, position)
        if part is None or part[2] not in _SECONDS or (not part[2] and part[0] != rest):
            break
        factor, divisor = _SECONDS[part[2]]
        total += float(part[1]) * factor / divisor
        position = part.end()
    if not rest or position < len(rest):
        raise ValueError(f"is not {DURATION_FORM}")
    return sign * total


def format_duration(seconds: float) -> str:
    """Return the shortest text that ``duration`` reads back as exactly ``seconds``."""
    for unit in ("d", "h", "m"):
        factor = _SECONDS[unit][0]
        if seconds and seconds % factor == 0:
            return f"{int(seconds // factor)}{unit}"
    if seconds == int(seconds):
        return f"{int(seconds)}s"
    milliseconds = round(seconds * 1000)
    if milliseconds / 1000 == seconds:
        return f"{milliseconds}ms"
    return f"{seconds!r}s"


def size(text: str) -> int:
    """Return bytes: ``32KiB`` and ``32k`` are 32768, ``1MB`` is 1000000."""
    sign, rest = _split_sign(text)
    part = _PART.fullmatch(re.sub(r"(?<=\d) (?=[a-z])", "", rest.lower()))
    amount = float(part[1]) * _BYTES.get(part[2], 0) if part else 0.5
    if part is None or part[2] not in _BYTES or not amount.is_integer():
        raise ValueError(f"is not {SIZE_FORM}")
    return int(sign * amount)


def format_size(count: int) -> str:
    """Return the shortest text that ``size`` reads back as ``count`` bytes."""
    for unit in ("GiB", "MiB", "KiB"):
        factor = _BYTES[unit.lower()]
        if count and count % factor == 0:
            return f"{count // factor}{unit}"
    return str(count)


def rate(text: str) -> tuple[float, float]:
    """Return (how many, in how many seconds): ``1000/60s`` is (1000.0, 60.0)."""
    count, slash, interval = text.partition("/")
    # "10/s" is the usual way to write "10/1s".
    interval = f"1{interval}" if interval in _SECONDS and interval else interval
    if not slash or not re.fullmatch(r"\d{1,15}(\.\d{1,15})?", count, re.ASCII):
        raise ValueError(f"is not {RATE_FORM}")
    try:
        seconds = duration(interval)
    except ValueError:
        raise ValueError(f"is not {RATE_FORM}") from None
    if seconds <= 0:
        raise ValueError("is a rate over no time")
    return float(count), seconds


def server_address(text: str) -> Address:
    """Return where a server is: ``host:port``, ``[::1]:80``, ``unix:/path``, ``http://host[:port]``.

    ``https://host`` is port 443 there; that TLS is meant, ``scheme_of`` says.

    Raises:
      ValueError: it is none of these.
    """
    url = _URL.fullmatch(text)
    if url is None:
        return _address(text, lowest_port=1)
    scheme, rest = url["scheme"].lower(), url["rest"].removesuffix("/")
    if scheme not in _PORTS:
        raise ValueError(f"has the scheme '{scheme}', which is neither http:// nor https://")
    if "/" in rest or "?" in rest or "#" in rest:
        raise ValueError("has a path, which is no part of a server's address")
    return _address(rest if _has_port(rest) else f"{rest}:{_PORTS[scheme]}", lowest_port=1)


def bind_address(text: str) -> Address:
    """Return where a listener binds; port 0 takes any free one, ``*:80`` and ``:80`` are 0.0.0.0."""
    if text.startswith((":", "*:")):
        text = "0.0.0.0" + text.removeprefix("*")
    return _address(text, lowest_port=0)


def weighted_address(text: str) -> tuple[Address, int | None]:
    """Return the address and the weight of ``HOST:PORT[*WEIGHT]``; None when there is none."""
    plain, star, weight = text.rpartition("*")
    if not star:
        return server_address(text), None
    if not re.fullmatch(r"\d{1,6}", weight, re.ASCII) or not 1 <= int(weight) <= 65535:
        raise ValueError(f"has the weight '{weight}', which is not in 1..65535")
    return server_address(plain), int(weight)


def check_host(host: str) -> None:
    """Raise ValueError unless ``host`` may be a name, an IPv4 or a bracketless IPv6 literal."""
    import ipaddress

    if ":" in host or _DIGITS_AND_DOTS.fullmatch(host):
        try:
            ipaddress.ip_address(host.partition("%")[0])
        except ValueError:
            raise ValueError(f"has the host '{host}', which is no IP address") from None
    elif not _NAME.fullmatch(host):
        raise ValueError(f"has the host {host!r}, which is no name")


def check_port(port: int, lowest: int) -> None:
    """Raise ValueError unless ``port`` is allowed; ``lowest`` is 0 where "any free" is."""
    if not lowest <= port <= 65535:
        free = ", 0 = any free" if lowest == 0 else ""
        raise ValueError(f"has the port {port}, which is not in 1..65535{free}")


def check_unix(path: str) -> None:
    """Raise ValueError unless ``path`` can be a unix socket's."""
    if not path.startswith("/") or "\0" in path:
        raise ValueError("is not an absolute path (unix:/run/app.sock)")
    if len(path.encode(errors="surrogatepass")) > _UNIX_PATH_BYTES:
        raise ValueError(f"is longer than {_UNIX_PATH_BYTES} bytes, the limit of a unix socket")


def _address(text: str, *, lowest_port: int) -> Address:
    if text.startswith("unix:"):
        check_unix(text.removeprefix("unix:"))
        return Address(text, 0)
    if "," in text:
        raise ValueError("has a comma, which is no part of an address: write one address each")
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if ":" in host and not bracketed:
        raise ValueError("is an IPv6 address without brackets: write [::1]:80")
    if not colon or not host or not re.fullmatch(r"\d{1,9}", port, re.ASCII):
        raise ValueError(f"is not {ADDRESS_FORM}")
    if bracketed:
        host = host[1:-1]
        if ":" not in host:
            raise ValueError("has brackets around what is no IPv6 address")
    check_host(host)
    check_port(int(port), lowest_port)
    return Address(host, int(port))


def _has_port(text: str) -> bool:
    return ":" in text.rpartition("]")[2]


def _split_sign(text: str) -> tuple[int, str]:
    """Apart, so that -5 is understood as a duration and refused for being negative."""
    match = _SIGNED.fullmatch(text)
    sign, rest = match.groups() if match else ("", text)
    return (-1 if sign == "-" else 1), rest
