"""The balancer as an ASGI application, to be served by any ASGI server that runs on trio."""

from trio_lb.asgi.reverse_proxy import ReverseProxy as ReverseProxy
