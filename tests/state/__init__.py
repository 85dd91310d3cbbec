"""Tests of the books: servers, pools, the registry and the ledger."""
