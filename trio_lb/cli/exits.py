"""How the program ends, as a number. Those above 64 are sysexits.h's, where they fit.

5 is pytest's for "no tests were collected": nothing failed, and nothing was shown.
"""

import enum


class Exit(enum.IntEnum):
    """Exit codes of every command; the words are what ``--help`` says of them."""

    OK = 0, "all went well"
    FAILURE = 1, "the command failed"
    USAGE = 2, "the command line is wrong"
    VACUOUS = 5, "a simulation never reached what it is about, so it shows nothing"
    SOFTWARE = 70, "an internal fault"
    CANNOT_BIND = 71, "an address cannot be bound"
    DRAIN_TIMED_OUT = 75, "connections were cut at the end of the drain"
    BAD_CONFIG = 78, "the configuration is bad"
    INTERRUPTED = 130, "Ctrl-C, where a command does not handle it itself"

    says: str

    def __new__(cls, code: int, says: str) -> "Exit":
        member = int.__new__(cls, code)
        member._value_ = code
        member.says = says
        return member
