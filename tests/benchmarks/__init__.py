"""The benchmarks' own arithmetic and housekeeping; nothing here puts a load on anything."""
