"""The path of a unix socket: taken at the start, given back at the end, and left by the dead.

A process that is killed leaves its socket's file behind, and a file that is there can't be
bound. Whoever listens would then never start again. So a file at which nobody listens is
taken over, as HAProxy and Caddy do; one that serves, or that is no socket at all, is not.
"""

import contextlib
import errno
import os
import socket
import stat


def bind_path(sock: socket.socket, path: str) -> None:
    """Bind a unix socket to ``path``, in place of one that nobody listens on any more.

    Raises:
      OSError: it can't be bound; EADDRINUSE when somebody serves there, or it is a file.
    """
    try:
        sock.bind(path)
    except OSError as error:
        if error.errno != errno.EADDRINUSE or not _is_left_over(path):
            raise
        release_path(path)
        sock.bind(path)


def release_path(path: str) -> None:
    """Remove the file, if nobody has done so."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def _is_left_over(path: str) -> bool:
    """Whether a socket's file has nobody behind it: only then a connect is refused at once."""
    try:
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            return False
    except OSError:
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)  # A full backlog says "try again": somebody is there.
        return probe.connect_ex(path) == errno.ECONNREFUSED
