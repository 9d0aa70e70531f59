"""`python -m run`: what `make run` calls inside the virtual environment. PORT, HOST, DATABASE_URL, DEMO."""

from __future__ import annotations

import os
import sys

from run.supervisor import Installation, say


def main() -> int:
    port = os.environ.get("PORT") or "8000"
    if not port.isdigit() or not 0 < int(port) < 65536:
        say(f"PORT={port} is not a port. Give a number from 1 to 65535, or leave it out for 8000.")
        return 2
    demo = (os.environ.get("DEMO") or "yes").lower() not in ("no", "0", "false", "off")
    host = os.environ.get("HOST") or "127.0.0.1"
    return Installation(host=host, port=int(port), with_demo=demo).run()


if __name__ == "__main__":
    sys.exit(main())
