"""Finding runs that fail, making them small, and keeping them."""
