"""Whoever takes part in a simulation besides the balancer: clients and servers, without tasks."""
