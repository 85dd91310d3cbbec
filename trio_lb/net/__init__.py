"""Streams, listeners and HTTP/1.1 framing: the only layer that meets the outside."""
