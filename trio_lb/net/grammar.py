"""The strict grammar of a message head, as one pattern, and what is wrong when it fails.

The pattern is the gate: a head that does not match it whole is refused before any
parser sees it, so that the parsers' own leniencies (bare LF, obs-fold, control
characters in values, version 9.9) never matter, and a head that does can be split
in one way only. It costs about a microsecond; the explanation of a mismatch is only
computed for the refusal.

Sources: RFC 9112 sections 2.2, 2.3, 3, 4, 5; RFC 9110 sections 5.1, 5.5, 5.6.2.
"""

import re

from trio_lb.model.message import Field, Reject

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_VALUE = rb"[\t\x20-\x7e\x80-\xff]*"
_FIELD_LINES = rb"(?:" + TOKEN + rb":" + _VALUE + rb"\r\n)*"

_TARGET = rb"[\x21\x24-\x3b\x3d\x3f-\x7e]+"
"""Visible ASCII without ``" # < >``, which no URL may hold and every browser escapes. RFC 3986
forbids a few more (``\\ ^ ` { | }``), but browsers send them bare in queries (WHATWG URL, query
percent-encode set), and a proxy must not change what it forwards (RFC 9110 section 7.7)."""

REQUEST_HEAD = re.compile(
    TOKEN + rb" " + _TARGET + rb" HTTP/1\.[0-9]\r\n" + _FIELD_LINES + rb"\r\n"
)
"""A whole request head."""

RESPONSE_HEAD = re.compile(
    rb"HTTP/1\.[0-9] [1-9][0-9][0-9](?: " + _VALUE + rb")?\r\n" + _FIELD_LINES + rb"\r\n"
)
"""A whole response head. The space before an absent reason may be absent too, as many send it."""

TRAILER_SECTION = re.compile(_FIELD_LINES + rb"\r\n")

_REQUEST_LINE = re.compile(TOKEN + rb" " + _TARGET + rb" HTTP/1\.[0-9]")
_STATUS_LINE = re.compile(rb"HTTP/1\.[0-9] [1-9][0-9][0-9](?: " + _VALUE + rb")?")
_ANY_VERSION = re.compile(rb"[^ ]+ [^ ]+ HTTP/([0-9])\.[0-9]")
_FIELD_NAME = re.compile(TOKEN)
_BARE_CR = re.compile(rb"\r(?!\n)")
_SHORT_LINE = 1024


def split_head(head: bytes) -> tuple[bytes, list[Field]]:
    """Split a whole head, which its pattern has matched, into its first line and its fields."""
    line, *lines = head[:-4].split(b"\r\n")
    fields = []
    for each in lines:
        name, _, value = each.partition(b":")
        fields.append((name.lower(), name, value.strip(b" \t")))
    return line, fields


def explain_request(head: bytes) -> Reject:
    """Say why ``head`` (ending in an empty line) is not a request head."""
    line, _, rest = head.partition(b"\r\n")
    return explain_request_line(line) or Reject(400, "bad_request", _explain_fields(rest))


def explain_request_line(line: bytes) -> Reject | None:
    """Say why a complete first line can't open a request, or None when it can."""
    if _REQUEST_LINE.fullmatch(line):
        return None
    if line.startswith(b"PRI * HTTP/2"):
        return Reject(400, "bad_request", "HTTP/2 is not spoken on this port")
    version = _ANY_VERSION.fullmatch(line)
    if version and version[1] != b"1":
        return Reject(
            505, "version_not_supported", f"HTTP/{version[1].decode()} is not HTTP/1.0 or HTTP/1.1"
        )
    return Reject(400, "bad_request", "the request line is not METHOD SP TARGET SP HTTP/1.x")


def explain_response(head: bytes) -> Reject:
    """Say why ``head`` is not a response head."""
    line, _, rest = head.partition(b"\r\n")
    if not _STATUS_LINE.fullmatch(line):
        return Reject(502, "bad_response", "the status line is not HTTP/1.x SP 3DIGIT SP reason")
    return Reject(502, "bad_response", _explain_fields(rest))


def explain_partial_request(data: bytes) -> Reject | None:
    """Say early why bytes without an empty line can never become a request head.

    Called only when a head came in pieces: a TLS hello, an HTTP/0.9 line or a bare
    LF is refused now instead of at the head's deadline. It is called at every piece, and
    pieces may be single bytes, so it must cost little: a long line is looked at only
    while little follows it.
    """
    if data.startswith(b"\x16\x03"):
        return Reject(400, "bad_request", "a TLS handshake arrived on a plain HTTP port")
    line, ended, rest = data.partition(b"\r\n")
    is_cheap = len(line) <= _SHORT_LINE or len(rest) <= _SHORT_LINE
    if ended and is_cheap and (wrong := explain_request_line(line)):
        return wrong
    if _has_bare_lf(data):
        return Reject(400, "bad_request", "a line ends in LF without CR")
    return None


def _has_bare_lf(data: bytes) -> bool:
    """Whether an LF has no CR before it; counting is a hundred times as fast as looking."""
    return data.count(b"\n") != data.count(b"\r\n")


def explain_partial_response(data: bytes) -> Reject | None:
    """Say early why bytes without an empty line can never become a response head."""
    if not b"HTTP/1.".startswith(data[:7]):
        return Reject(502, "bad_response", "the answer does not begin with HTTP/1.")
    if _has_bare_lf(data):
        return Reject(502, "bad_response", "a line ends in LF without CR")
    return None


def _explain_fields(block: bytes) -> str:
    if _has_bare_lf(block):
        return "a field line ends in LF without CR"
    if _BARE_CR.search(block):
        return "a field holds CR without LF"
    for number, line in enumerate(block.split(b"\r\n"), start=1):
        if line and (wrong := _explain_field(line)):
            return f"field {number}: {wrong}"
    return "the header section does not end as it should"


def _explain_field(line: bytes) -> str | None:
    if line[:1] in (b" ", b"\t"):
        return "a continued line (obs-fold) is not allowed"
    name, colon, _ = line.partition(b":")
    if not colon:
        return "no colon"
    if not name:
        return "an empty name"
    if name[-1:] in (b" ", b"\t"):
        return "white space between name and colon"
    if not _FIELD_NAME.fullmatch(name):
        return "a character that is not allowed in a name"
    if not re.fullmatch(_VALUE, line[len(name) + 1 :]):
        return "a control character in the value"
    return None
