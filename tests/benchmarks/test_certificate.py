"""One certificate a run."""

import ssl
from pathlib import Path

import pytest

from benchmarks.certificate import make_certificate
from benchmarks.program import find
from benchmarks.rows.base import Bench

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(find("openssl") is None, reason="openssl is not installed"),
]


def test_certificate_and_key_belong_together_and_both_are_in_one_file(tmp_path: Path) -> None:
    made = make_certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(made.chain, made.key)
    context.load_cert_chain(made.both)
    context.load_verify_locations(made.chain)
    (shown,) = context.get_ca_certs()
    assert shown["subjectAltName"] == (("IP Address", "127.0.0.1"),)


def test_a_bench_makes_one_for_all_its_rows(bench: Bench) -> None:
    first, again = bench.certificate(), bench.certificate()
    assert first == again
    assert first.chain.is_file()
