"""The states and signals of machines that every request, probe or packet goes through."""

import enum


class Step(enum.Enum):
    """An enum whose members are looked up in tables at no cost.

    ``Enum`` hashes a member by its name, with a call in Python each time, and a request
    looks up a dozen. Members are single objects, so their identity does as well.
    """

    __hash__ = object.__hash__
