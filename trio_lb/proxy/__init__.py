"""The data path: from an accepted connection to its last byte."""
