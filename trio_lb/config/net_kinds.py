"""Values of the network: where something listens or is reached, ports, and networks of peers."""

import re

import attrs

from trio_lb.config import values
from trio_lb.config.kinds import Refused, show
from trio_lb.config.values import Loose
from trio_lb.model.address import Address


@attrs.frozen(slots=True)
class Place:
    """An address: a listener's when ``bind``, else a server's."""

    bind: bool = False

    @property
    def allowed(self) -> str:
        return "host:port, [::1]:80 or unix:/path" + ("" if self.bind else ", http://host:port")

    def read(self, raw: object) -> Address:
        if isinstance(raw, Address):
            self.check(raw)
            return raw
        if not isinstance(raw, str):
            raise Refused(f"{show(raw)} is not {values.ADDRESS_FORM}")
        try:
            return values.bind_address(raw) if self.bind else values.server_address(raw)
        except ValueError as error:
            raise Refused(f"{show(raw)} {error}") from None

    def check(self, value: object) -> None:
        if not isinstance(value, Address):
            raise Refused(f"{show(value)} is not an Address")
        try:
            if value.is_unix:
                values.check_unix(value.host.removeprefix("unix:"))
            elif not value.is_inside:
                values.check_host(value.host)
                values.check_port(value.port, 0 if self.bind else 1)
        except ValueError as error:
            raise Refused(f"'{value}' {error}") from None


@attrs.frozen(slots=True)
class FlagOrPort:
    """true, false, or a port."""

    allowed: str = "true, false or a port in 1..65535"

    def read(self, raw: object) -> bool | int:
        if isinstance(raw, Loose):
            number = int(raw) if re.fullmatch(r"\d{1,5}", raw, re.ASCII) else raw
            raw = {"true": True, "false": False}.get(raw, number)
        self.check(raw)
        assert isinstance(raw, int)
        return raw

    def check(self, value: object) -> None:
        if isinstance(value, bool) or (isinstance(value, int) and 1 <= value <= 65535):
            return
        raise Refused(f"{show(value)} is not {self.allowed}")


@attrs.frozen(slots=True)
class Network:
    """A network in CIDR form, or one address; with ``unix`` also ``unix:``, every unix socket."""

    unix: bool = False

    @property
    def allowed(self) -> str:
        return "a network (10.0.0.0/8, ::1/128) or an IP address" + (
            ", or unix:" if self.unix else ""
        )

    def read(self, raw: object) -> str:
        self.check(raw)
        return str(raw)

    def check(self, value: object) -> None:
        import ipaddress

        if not isinstance(value, str):
            raise Refused(f"{show(value)} is not {self.allowed}")
        if self.unix and value == "unix:":
            return
        try:
            ipaddress.ip_network(value)
        except ValueError:
            raise Refused(f"{show(value)} is not {self.allowed}{_masked(value)}") from None


def _masked(text: str) -> str:
    """10.0.0.1/8 is nearly right: name the network that holds it."""
    import ipaddress

    try:
        return f"; did you mean '{ipaddress.ip_network(text, strict=False)}'?"
    except ValueError:
        return ""
