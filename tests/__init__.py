"""The tests of trio_lb: they mirror the package file by file, and name what they promise."""
