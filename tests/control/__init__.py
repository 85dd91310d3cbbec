"""Tests of the control path, in virtual time."""
