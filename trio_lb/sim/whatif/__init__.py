"""Two configurations in the same outages: which does better, and where they first decide otherwise."""
