"""`python -m run.browser`: a Chromium for the tests: this machine's, Debian's package, Playwright's own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from run.programs import NO_BROWSER, NoBrowser, really_runs, system_browser


def debian_package() -> Path | None:
    """As root on Debian: install its Chromium."""
    if os.geteuid() != 0 or not shutil.which("apt-get") or not Path("/etc/debian_version").exists():
        return None
    print("Installing Debian's Chromium for the tests …", flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
        done = subprocess.run(
            ["/usr/bin/apt-get", "-qq", *command], env=environment, stdout=subprocess.DEVNULL, check=False
        )
        if done.returncode != 0:
            return None
    return system_browser()


def playwrights_own() -> Path | None:
    """The browser that Playwright downloads into the user's cache folder."""
    if (known := installed_by_playwright()) is not None:
        return known
    print("Downloading Playwright's Chromium for the tests …", flush=True)
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
    return installed_by_playwright()


def installed_by_playwright() -> Path | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        program = Path(playwright.chromium.executable_path)
    return program if program.exists() and really_runs(program) else None


def main() -> int:
    try:
        found = system_browser() or debian_package() or playwrights_own()
    except NoBrowser as trouble:
        print(trouble)
        return 1
    if found is None:
        print(NO_BROWSER)
        return 1
    print(f"Tests use the browser {found}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
