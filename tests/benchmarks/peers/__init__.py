"""How each peer is configured, and that it does the work."""
