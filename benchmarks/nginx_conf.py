"""The frame of an nginx configuration that runs in the foreground, out of one folder.

Both the origin and the peer are nginx; what differs is the ``http`` block's content.
"""

import os
from pathlib import Path
from typing import Final

from benchmarks.program import require

_FRAME: Final = """\
{user}
daemon off;
worker_processes 1;
worker_rlimit_nofile 16384;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{
    worker_connections 16384;
}}
http {{
    access_log off;
    # The default, 1000, would make connections end in the middle of a run.
    keepalive_requests 1000000000;
    client_body_temp_path {folder}/client_body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{http}
}}
"""


def render(folder: Path, http: str) -> str:
    """A whole configuration around the lines of the ``http`` block."""
    indented = "\n".join(f"    {line}".rstrip() for line in http.strip().splitlines())
    return _FRAME.format(user=_user_line(os.geteuid()), folder=folder, http=indented)


def _user_line(uid: int) -> str:
    """Started by root, nginx's worker would be a user who can't enter our folder."""
    return "user root root;" if uid == 0 else ""


def command_line(folder: Path, http: str) -> list[str]:
    """Write the configuration into ``folder`` and say how to run it."""
    folder.mkdir(parents=True, exist_ok=True)
    configuration = folder / "nginx.conf"
    configuration.write_text(render(folder, http), "utf-8")
    return [require("nginx"), "-p", str(folder), "-c", str(configuration), "-e", "stderr"]
