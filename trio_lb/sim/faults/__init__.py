"""Faults as data: what can go wrong, written down, so that it can be replayed, compared and cut."""
