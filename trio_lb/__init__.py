"""A load-balancing proxy for trio: a program, a library, and a simulator."""
