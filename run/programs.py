"""Small questions about this machine that several commands ask: a free port, a browser, does it answer."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path

BROWSER_NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]
BROWSER_PLACES = ["/usr/bin/chromium", "/usr/lib/chromium/chromium", "/snap/bin/chromium"]

NO_BROWSER = """No browser was found for the tests.
They drive a real Chromium, and none of these worked: the variable CHROMIUM, the names on PATH, Debian's
place, Playwright's own.
Install one (Debian, as root: apt-get install chromium; anywhere: .venv/bin/playwright install chromium), or
give its path in CHROMIUM."""


class NoBrowser(Exception):
    """There is no browser to test with; the message says how to get one."""


def free_port(preferred: int = 0, host: str = "127.0.0.1") -> int:
    """`preferred` if nobody listens there, else any free one."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError(f"no free port on {host}")


def is_taken(port: int, host: str = "127.0.0.1") -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def answers(port: int, host: str = "127.0.0.1") -> bool:
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def system_browser() -> Path | None:
    """A Chromium of this machine: CHROMIUM, then PATH, then Debian's places.

    Raise NoBrowser when CHROMIUM names something that cannot be run.
    """
    if named := os.environ.get("CHROMIUM"):
        if not shutil.which(named):
            raise NoBrowser(f"CHROMIUM={named} is not a program that can be run. Correct it or unset it.")
        return Path(named)
    for name in [*BROWSER_NAMES, *BROWSER_PLACES]:
        if (found := shutil.which(name)) and really_runs(Path(found)):
            return Path(found)
    return None


def really_runs(program: Path) -> bool:
    """Some systems put a stub on PATH that only says how to install the real one."""
    try:
        done = subprocess.run([str(program), "--version"], capture_output=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
