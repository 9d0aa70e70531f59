"""`make simulate-mutants [SEEDS=2000] [ONLY=name,name]`: does the simulation notice planted faults?

Each patch in `mutants/` breaks one rule of the sync, and says which in its first line. Applied to a copy of
the product, seeds are played on that copy until one breaks. At the end stands a table. What is not noticed
is a hole in the simulation, or stands in `HARMLESS` with the reason why nothing can break.
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
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATCHES = Path(__file__).parent / "mutants"
BROKEN = re.compile(r"^seed (\d+) breaks: (.*)$", re.MULTILINE)
ENDED = re.compile(r"^simulation: ", re.MULTILINE)

HARMLESS: Mapping[str, str] = {
    "no-calendar-lock": "The lock saves work and is no proof: each commit compares and sets. In one thread "
    "there is nobody to wait for anyway; tests/flows/test_sync_workers.py has real ones.",
}


@dataclass(frozen=True)
class Result:
    """What became of one mutant."""

    name: str
    seed: int | None
    """The first that noticed it."""
    seeds: int
    """How many it had."""

    @property
    def verdict(self) -> str:
        if self.seed:
            return f"noticed by seed {self.seed}"
        if self.name in HARMLESS:
            return f"harmless: {HARMLESS[self.name]}"
        return f"MISSED by {self.seeds} seeds"

    @property
    def is_hole(self) -> bool:
        return self.seed is None and self.name not in HARMLESS


def main() -> int:
    parser = argparse.ArgumentParser(prog="make simulate-mutants", description=__doc__)
    parser.add_argument("--seeds", type=int, default=2000)
    parser.add_argument("--only", default="", help="names, with commas")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="mutants at once")
    given = parser.parse_args()
    names = given.only.split(",") if given.only else names_of_all()
    with ThreadPoolExecutor(given.processes) as at_once:
        results = list(at_once.map(lambda name: noticed(name, given.seeds), names))
    print("\n" + table(results))
    seen = sum(one.seed is not None for one in results)
    holes = sum(one.is_hole for one in results)
    print(f"mutants: {len(names)} planted, {seen} noticed, {holes} missed")
    return 1 if holes else 0


def table(results: Sequence[Result]) -> str:
    """One line each: name, the rule it breaks, what noticed it."""
    wide = max(len(one.name) for one in results)
    lines = [f"{one.name:{wide}}  {rule_of(one.name)}\n{'':{wide}}  -> {one.verdict}" for one in results]
    return "\n".join(lines)


def rule_of(name: str) -> str:
    return (PATCHES / f"{name}.patch").read_text().partition("\n")[0]


def files_of(name: str) -> list[str]:
    """What the patch changes, from the project's root."""
    return re.findall(r"^\+\+\+ b/(.+)$", (PATCHES / f"{name}.patch").read_text(), re.MULTILINE)


def names_of_all() -> list[str]:
    return sorted(patch.stem for patch in PATCHES.glob("*.patch"))


def noticed(name: str, seeds: int) -> Result:
    """Play seeds on the broken product; say which one noticed it. One that breaks the product as it is has
    noticed nothing."""
    began = time.monotonic()
    found, first = None, 1
    with planted(name) as copy:
        while first <= seeds and (found := broken(copy, first=first, seeds=seeds + 1 - first)):
            if not broken(ROOT, first=found[0], seeds=1):
                break
            print(f"{name}: seed {found[0]} breaks the product as it is: {found[1]}", flush=True)
            found, first = None, found[0] + 1
    result = Result(name, found[0] if found else None, seeds)
    what = found[1] if found else ""
    print(f"{name}: {result.verdict} ({time.monotonic() - began:.0f} s) {what}", flush=True)
    return result


def broken(product: Path, *, first: int, seeds: int) -> tuple[int, str] | None:
    """The first of the seeds that breaks this product, and what it breaks."""
    command = [sys.executable, "-m", "tests.simulation", "--first", str(first), "--seeds", str(seeds)]
    # one process: the others play another mutant, instead of going on after this one was noticed
    done = subprocess.run(
        [*command, "--stop", "1", "--processes", "1", "--as-it-is"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"{product / 'src'}:{ROOT}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    if done.returncode not in (0, 1) or not ENDED.search(done.stdout):
        raise RuntimeError(f"the simulation did not run on {product}:\n{done.stdout[-2000:]}")
    found = BROKEN.search(done.stdout)
    return (int(found[1]), found[2][:110]) if found else None


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
