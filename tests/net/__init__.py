"""Tests of trio_lb.net."""
