"""`python -m run`: what `make run` calls inside the virtual environment. PORT, HOST, DATABASE_URL, DEMO."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from run.supervisor import Installation, say


def main() -> int:
    asked = argparse.ArgumentParser("run", description="Start Schedule Genie and keep it running.")
    asked.add_argument("what", nargs="?", choices=["all", "sandbox"], default="all")
    asked.add_argument("--state", type=Path, help="folder of data, secrets and logs; else .run")
    options = asked.parse_args()

    port = os.environ.get("PORT") or "8000"
    if not port.isdigit() or not 0 < int(port) < 65536:
        say(f"PORT={port} is not a port. Give a number from 1 to 65535, or leave it out for 8000.")
        return 2
    installation = Installation(
        host=os.environ.get("HOST") or "127.0.0.1",
        port=int(port),
        with_demo=(os.environ.get("DEMO") or "yes").lower() not in ("no", "0", "false", "off"),
    )
    if options.state:
        installation.state = options.state.resolve()
    return installation.run() if options.what == "all" else installation.run_sandbox()


if __name__ == "__main__":
    sys.exit(main())
