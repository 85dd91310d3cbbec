"""Frozen values that every layer shares: addresses, heads, outcomes, events, errors.

Nothing here decides, waits or performs I/O; nothing here imports another layer.
"""
