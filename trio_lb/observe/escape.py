"""Making text of strangers safe for a line: what a client sends must not forge a log.

A carriage return would begin a line of the client's own making, an escape sequence
would speak to the terminal of whoever reads the log.
"""

import re
from typing import Final

_UNSAFE: Final = re.compile(r"[^\x20-\x7e]")
_UNSAFE_IN_QUOTES: Final = re.compile(r'[^\x20-\x7e]|["\\]')
_UNSAFE_AS_WORD: Final = re.compile(r'[^\x21-\x7e]|["\\]')


def escape_line(text: str) -> str:
    """Return ``text`` as one line of visible ASCII; everything else becomes ``\\xNN``."""
    return _UNSAFE.sub(_escaped, text)


def escape_quoted(text: str) -> str:
    """The same for text that will stand in double quotes (nginx's default escaping)."""
    return _UNSAFE_IN_QUOTES.sub(_escaped, text)


def escape_word(text: str) -> str:
    """The same for text that ends at a space, which therefore is escaped too."""
    return _UNSAFE_AS_WORD.sub(_escaped, text) or "-"


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
