"""The control path: probes, timers, drain. It never sees a request."""
