"""A thousand addresses for one origin."""

import ipaddress

from benchmarks.rows.probes import SERVERS, addresses


def test_a_thousand_hosts_differ_and_are_all_on_the_loopback() -> None:
    hosts = addresses(SERVERS)
    assert len(set(hosts)) == 1000
    assert all(ipaddress.ip_address(host).is_loopback for host in hosts)
    assert (hosts[0], hosts[249], hosts[250]) == ("127.0.1.1", "127.0.1.250", "127.0.2.1")
