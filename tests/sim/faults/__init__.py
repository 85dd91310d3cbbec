"""Tests of trio_lb.sim.faults."""
