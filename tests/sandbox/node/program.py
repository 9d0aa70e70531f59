"""Running a script of this folder: a program of other people's libraries, with a person beside it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

PATIENCE = 60  # seconds for a whole script
HERE = Path(__file__).parent


def played(
    script: str, given: dict[str, Any], walk: Callable[[str], dict[str, str]], *, trusting: Path | None = None
) -> dict[str, Any]:
    """Run the script (talk.mjs says how it talks); `walk` is the person, sent to an address.

    `trusting` is a certificate to take for good. Returns the script's last word.
    """
    node = shutil.which("node")
    assert node, "these tests need Node, as the front end does"
    trust = {"NODE_EXTRA_CA_CERTS": str(trusting)} if trusting else {}
    with subprocess.Popen(
        [node, str(HERE / script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | trust,
    ) as program:
        assert program.stdin and program.stdout
        try:
            print(json.dumps(given), file=program.stdin, flush=True)
            first = program.stdout.readline()
            if first:
                print(json.dumps(walk(json.loads(first)["address"])), file=program.stdin, flush=True)
            said, wrong = program.communicate(timeout=PATIENCE)
        except BaseException:
            program.kill()
            raise
    assert program.returncode == 0, wrong
    last: dict[str, Any] = json.loads(said.splitlines()[-1])
    return last
