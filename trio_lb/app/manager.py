"""Several balancers of one program, by name."""

from trio_lb.app.balancer import LoadBalancer


class LoadBalancerManager:
    """A register of running balancers. It owns none: whoever opened one closes it.

    Names are those that the balancers have when they are registered.
    """

    def __init__(self) -> None:
        self._by_name: dict[str, LoadBalancer] = {}

    def register(self, lb: LoadBalancer) -> None:
        """Enter a balancer under its name.

        Raises:
          ValueError: that name is taken.
        """
        if lb.name in self._by_name:
            raise ValueError(f"a load balancer called {lb.name!r} is registered already")
        self._by_name[lb.name] = lb

    def get(self, name: str) -> LoadBalancer:
        """Return the balancer of that name.

        Raises:
          LookupError: there is none.
        """
        try:
            return self._by_name[name]
        except KeyError:
            raise LookupError(self._unknown(name)) from None

    def list(self) -> list[LoadBalancer]:
        """Return all, in the order in which they came."""
        return [*self._by_name.values()]

    def deregister(self, name: str) -> None:
        """Strike a name out; the balancer goes on.

        Raises:
          LookupError: there is none of that name.
        """
        if self._by_name.pop(name, None) is None:
            raise LookupError(self._unknown(name))

    def _unknown(self, name: str) -> str:
        known = ", ".join(self._by_name) or "none"
        return f"no load balancer is called {name!r}; registered are: {known}"
