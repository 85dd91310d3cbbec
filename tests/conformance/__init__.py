"""What HTTP/1.1 demands of the proxy: raw cases in both directions, and a fuzz."""
