"""Books: pools, servers and their counts. Synchronous, owned by one task at a time."""
