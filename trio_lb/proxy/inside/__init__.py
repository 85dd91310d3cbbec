"""Servers that are functions of this process: hosted, called over memory streams, contained."""
