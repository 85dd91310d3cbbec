"""The report of a simulated run: tallies while it runs, then a page, a summary and JSON."""
