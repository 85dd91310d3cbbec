"""Tests of the scenarios: each passes, and fails without the protection it is about."""
