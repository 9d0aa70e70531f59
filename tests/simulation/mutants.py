"""`make simulate-mutants [SEEDS=2000] [ONLY=name,name]`: does the simulation notice planted faults?

Each patch in `mutants/` breaks one rule of the sync, and says which in its first line. Applied to a copy of
the product, seeds are played on that copy until one breaks. What is not noticed is a hole in the
simulation, or stands in `HARMLESS` with the reason why nothing can break.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATCHES = Path(__file__).parent / "mutants"
BROKEN = re.compile(r"^seed (\d+) breaks: (.*)$", re.MULTILINE)

HARMLESS: Mapping[str, str] = {
    "no-calendar-lock": "The lock saves work and is no proof: each commit compares and sets. In one thread "
    "there is nobody to wait for anyway; tests/flows/test_sync_workers.py has real ones.",
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="make simulate-mutants", description=__doc__)
    parser.add_argument("--seeds", type=int, default=2000)
    parser.add_argument("--only", default="", help="names, with commas")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="mutants at once")
    given = parser.parse_args()
    names = given.only.split(",") if given.only else names_of_all()
    with ThreadPoolExecutor(given.processes) as at_once:
        seen = list(at_once.map(lambda name: noticed(name, given.seeds), names))
    unnoticed = [name for name, was_seen in zip(names, seen, strict=True) if not was_seen]
    open_ones = [name for name in unnoticed if name not in HARMLESS]
    print(f"mutants: {len(names)} planted, {len(names) - len(unnoticed)} noticed, {len(open_ones)} missed")
    return 1 if open_ones else 0


def names_of_all() -> list[str]:
    return sorted(patch.stem for patch in PATCHES.glob("*.patch"))


def noticed(name: str, seeds: int) -> bool:
    """Play seeds on the broken product; say after how many it was noticed."""
    began = time.monotonic()
    with planted(name) as copy:
        command = [
            sys.executable,
            "-m",
            "tests.simulation",
            "--seeds",
            str(seeds),
            "--stop",
            "1",
            "--processes",
            "1",  # the others play another mutant, instead of going on after the first has noticed this one
            "--as-it-is",
        ]
        environment = os.environ | {"PYTHONPATH": f"{copy / 'src'}:{ROOT}"}
        done = subprocess.run(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=False
        )
    found = BROKEN.search(done.stdout)
    seconds = time.monotonic() - began
    if found:
        print(f"{name}: noticed by seed {found[1]} ({seconds:.0f} s): {found[2][:110]}", flush=True)
    elif done.returncode == 0:
        why = HARMLESS.get(name, "MISSED")
        print(f"{name}: not noticed by {seeds} seeds ({seconds:.0f} s): {why}", flush=True)
    else:
        raise RuntimeError(f"{name}: the simulation did not run:\n{done.stdout[-2000:]}")
    return bool(found)


@contextmanager
def planted(name: str) -> Iterator[Path]:
    """A copy of the product with the patch applied."""
    with tempfile.TemporaryDirectory(prefix="genie-mutant-") as folder:
        copy = Path(folder)
        shutil.copytree(
            ROOT / "src", copy / "src", ignore=shutil.ignore_patterns("__pycache__", "build", "node_modules")
        )
        apply(name, copy)
        yield copy


def apply(name: str, folder: Path) -> None:
    """Raises CalledProcessError when the product has moved on and the patch does not fit any more."""
    _git(["apply", "--whitespace=nowarn", str(PATCHES / f"{name}.patch")], folder)


def _git(arguments: Sequence[str], folder: Path) -> None:
    outside = os.environ | {"GIT_CEILING_DIRECTORIES": str(folder.parent)}  # it is no part of a repository
    subprocess.run(["git", *arguments], cwd=folder, env=outside, check=True, capture_output=True)


if __name__ == "__main__":
    sys.exit(main())
