"""Balance traffic over servers, as a configuration or the options say.

  trio-lb run -p 8000 -b 127.0.0.1:9001 127.0.0.1:9002*3
  trio-lb run lb.yaml --set timeouts.total=10s

SIGTERM and SIGINT end it gracefully, a second one at once; SIGHUP reads the configuration
and its certificates again; SIGUSR1 opens the access log anew; SIGQUIT prints the task tree. Logs go to stderr, statistics to stdout.
"""

import argparse
import os
import sys
from functools import partial

import trio

from trio_lb.cli import garbage, starting
from trio_lb.cli.file_limit import ProcessFileLimit
from trio_lb.cli.program import Program
from trio_lb.cli.run_options import add_run_arguments, configuration, stats_period_seconds
from trio_lb.net.real import RealEnv
from trio_lb.observe.logs import renderer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``trio-lb run``."""
    add_run_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Run until told to end and return the exit code.

    Raises:
      ConfigError: the configuration, or an option in it, is refused.
    """
    config, problems = configuration(args)
    terminal = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    program = Program(
        config,
        RealEnv(owns_process=True),
        render=renderer(args.log_format, terminal=terminal),
        stats_period_seconds=stats_period_seconds(args),
        file_limit=ProcessFileLimit(),
        warnings=problems,
        read=partial(configuration, args),
        settle=_settle,
    )
    return trio.run(program.main)


def _settle() -> None:
    garbage.settle()
    starting.deliver()
