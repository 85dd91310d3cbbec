"""Policies without bytes: the balancer's decisions before modelled servers, 10^5 requests a second."""
