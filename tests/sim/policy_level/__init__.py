"""Tests of trio_lb.sim.policy_level."""
