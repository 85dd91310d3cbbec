"""``python -m trio_lb`` is the command line."""

import sys

from trio_lb.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
