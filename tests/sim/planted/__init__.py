"""Bugs planted into the product, and the hunt that finds them by scenarios as they are."""
