"""Decisions: ``now`` comes in; decision, deadline and events come out. No I/O, no clock."""
