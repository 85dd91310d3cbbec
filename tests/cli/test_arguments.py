"""Options: suggestions for those that do not exist, the schema's bounds for those that do."""

import argparse

import pytest

from trio_lb.cli.arguments import Parser, listen_host, of_kind, port, weighted_server
from trio_lb.config.knobs import SECONDS, size_from


def parser() -> Parser:
    made = Parser(prog="trio-lb run")
    made.add_argument("config", nargs="?")
    made.add_argument("-p", "--port", type=port, default=8000)
    made.add_argument("-b", "--backends", nargs="+", type=weighted_server)
    group = made.add_argument_group("limits")
    group.add_argument("--max-connections", type=int)
    group.add_argument("--connection-timeout", type=of_kind(SECONDS))
    group.add_argument("--buffer-size", type=of_kind(size_from(1024)))
    return made


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (
            ["--max-conections", "5"],
            "unknown option '--max-conections'; did you mean '--max-connections'?",
        ),
        (
            ["--max-conections=5"],
            "unknown option '--max-conections'; did you mean '--max-connections'?",
        ),
        (["--max-conn", "5"], "unknown option '--max-conn'; did you mean '--max-connections'?"),
        (["--zzz"], "unknown option '--zzz'; see trio-lb run --help"),
        (["-x"], "unknown option '-x'; see trio-lb run --help"),
        (["a", "b"], "unexpected argument 'b'"),
        (["-p", "70000"], "argument -p/--port: '70000' is not in 1..65535 (0 = any free)"),
        (["-p", "http"], "argument -p/--port: 'http' is not a port"),
        (["-p", "-1"], "argument -p/--port: '-1' is not in 1..65535 (0 = any free)"),
        (["--connection-timeout", "0"], "'0' is not > 0 (seconds)"),
        (["--buffer-size", "1k1"], "'1k1' is not a size (32KiB, 64k, 1MiB, or bytes)"),
        (["-b", "h:80", "h"], "argument -b/--backends: 'h' is not an address"),
        (["-b", "h:80*0"], "'h:80*0' has the weight '0', which is not in 1..65535"),
    ],
)
def test_a_mistake_ends_with_two_and_says_what_is_right(
    argv: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        parser().parse(argv)
    told = capsys.readouterr().err
    assert caught.value.code == 2
    assert told.startswith("trio-lb run: ")
    assert message in told
    assert told.count("\n") == 1


def test_options_are_read_in_the_spellings_of_the_configuration() -> None:
    argv = ["-p", "0", "--connection-timeout", "250ms", "--buffer-size", "32KiB", "lb.yaml"]
    args = parser().parse(argv)
    assert (args.port, args.connection_timeout, args.buffer_size) == (0, 0.25, 32768)
    assert args.config == "lb.yaml"


def test_servers_may_carry_weights() -> None:
    args = parser().parse(["-b", "127.0.0.1:9001", "127.0.0.1:9002*3"])
    assert args.backends == ["127.0.0.1:9001", "127.0.0.1:9002*3"]


def test_what_follows_a_double_hyphen_is_no_option() -> None:
    assert parser().parse(["--", "--config"]).config == "--config"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            "a:1,b:2",
            "'a:1,b:2' has a comma, which is no part of an address: write one address each",
        ),
        ("https://a:1/x", "'https://a:1/x' has a path, which is no part of a server's address"),
    ],
)
def test_a_server_that_is_refused_says_why(text: str, why: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError) as caught:
        weighted_server(text)
    assert str(caught.value) == why


def test_a_host_to_listen_on_may_have_the_brackets_of_ipv6() -> None:
    assert [listen_host(text) for text in ("[::1]", "::1", "localhost")] == [
        "::1", "::1", "localhost"
    ]  # fmt: skip
    with pytest.raises(argparse.ArgumentTypeError, match=r"'\[x\]y' has the host"):
        listen_host("[x]y")
