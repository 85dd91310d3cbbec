"""A real browser, where one is installed: does the page's script run, and what is to be seen?"""

import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.support.png import Picture, read_png

CHROMIUM: Final = shutil.which("chromium")
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="no browser here; on Debian: apt-get install chromium"
)
LONGEST_SECONDS: Final = 50.0


def screenshot(html: str, folder: Path, *, width: int = 1000, height: int = 900) -> Picture:
    """Return what a browser shows of a page."""
    picture = folder / "page.png"
    browse(html, folder, f"--screenshot={picture}", f"--window-size={width},{height}")
    return read_png(picture)


def dump(html: str, folder: Path) -> str:
    """Return the page as it is after its script ran."""
    return browse(html, folder, "--dump-dom")


def browse(html: str, folder: Path, *options: str) -> str:
    """Return what the browser writes about a page; it is ended, with its children, if it hangs."""
    path = folder / "page.html"
    path.write_text(html, "utf-8")
    program = [CHROMIUM or "chromium", "--headless=new", "--no-sandbox", "--disable-gpu"]
    quiet = ["--disable-dev-shm-usage", f"--user-data-dir={folder / 'profile'}"]
    with subprocess.Popen(
        [*program, *quiet, *options, path.as_uri()],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    ) as process:
        try:
            return process.communicate(timeout=LONGEST_SECONDS)[0]
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
