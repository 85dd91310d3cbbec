"""Balancing algorithms: which of the usable servers a request tries, in which order."""
