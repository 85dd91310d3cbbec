"""The root: the only place where data path, control path and books are joined."""

from trio_lb.app.balancer import LoadBalancer as LoadBalancer
from trio_lb.app.balancer import Service as Service
from trio_lb.app.manager import LoadBalancerManager as LoadBalancerManager
from trio_lb.app.opening import open_load_balancer as open_load_balancer
