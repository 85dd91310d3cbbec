"""The simulator: virtual networks and (later) actors, faults, traces and checkers."""
