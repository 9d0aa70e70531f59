"""`make scripts`: play many random two-way scripts on each calendar system; a line for each.

    make scripts                              500 on each, other ones each time
    make scripts SCRIPTS=50 ON=google SEED=7  fifty on Google, the same again

It calls the tests that play them, bundle by bundle. Each bundle has a seed of its own, so that what failed is
played again in a minute or two. SHRINK=1 has Hypothesis shorten a failing script first.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUNDLE = 50
"""Scripts played by one process."""
LARGEST_SEED = 2**31


@dataclass(frozen=True)
class Way:
    """A way to play scripts: the test that does it, and the variable that tells it how many."""

    name: str
    test: str
    variable: str


WAYS = (
    Way("memory", "test_sync_scripts.py", "SYNC_SCRIPTS"),
    Way("memory with push", "test_push_scripts.py", "SYNC_SCRIPTS"),
    Way(
        "caldav",
        "test_sync_on_caldav.py::test_any_script_ends_in_agreement[sync-collection]",
        "CALDAV_SCRIPTS",
    ),
    Way(
        "caldav by etags",
        "test_sync_on_caldav.py::test_any_script_ends_in_agreement[etags]",
        "CALDAV_SCRIPTS",
    ),
    Way("google", "test_sync_on_google.py", "GOOGLE_SCRIPTS"),
    Way("microsoft", "test_sync_on_microsoft.py", "MICROSOFT_SCRIPTS"),
)


class BadOrder(Exception):
    """What was asked for makes no sense; in words."""


@dataclass(frozen=True)
class Order:
    """What to play."""

    ways: Sequence[Way]
    scripts: int
    seed: int


def understood(given: Mapping[str, str]) -> Order:
    """Read SCRIPTS, ON and SEED. Raises BadOrder."""
    seed = _number(given, "SEED", secrets.randbelow(LARGEST_SEED), least=0)
    return Order(_ways(given.get("ON") or ""), _number(given, "SCRIPTS", 500, least=1), seed)


def _ways(named: str) -> Sequence[Way]:
    """A calendar system's name stands for all ways to play on it."""
    systems = list(dict.fromkeys(way.name.split()[0] for way in WAYS))
    wanted = [name.strip() for name in named.split(",")] if named else systems
    for name in wanted:
        if name not in systems:
            raise BadOrder(
                f"ON names {name!r}, which is no calendar system that scripts are played on. "
                f"Nothing was played. Name some of {','.join(systems)}."
            )
    return [way for way in WAYS if way.name.split()[0] in wanted]


def _number(given: Mapping[str, str], name: str, otherwise: int, *, least: int) -> int:
    text = given.get(name) or str(otherwise)
    if not (text.isascii() and text.isdigit()) or int(text) < least:
        raise BadOrder(
            f"{name} is {text!r}, which is no whole number from {least}. Nothing was played. "
            f"Leave it out, or give one, as {name}={max(otherwise, least)}."
        )
    return int(text)


def bundles(order: Order) -> Iterator[tuple[int, int]]:
    """So many scripts, and the seed they come from; the first bundle has the order's own."""
    for number, begun in enumerate(range(0, order.scripts, BUNDLE)):
        yield min(BUNDLE, order.scripts - begun), order.seed + number


def play(way: Way, order: Order) -> bool:
    """Play a way's scripts, and say how it went. False if any failed."""
    began, clean, failures = time.monotonic(), 0, 0
    for scripts, seed in bundles(order):
        if sys.stderr.isatty():
            print(f"{way.name}: {clean} of {order.scripts} …", end="\r", file=sys.stderr, flush=True)
        done = _pytest(way, scripts, seed)
        if done.returncode == 0:
            clean += scripts
            continue
        failures += 1
        print(done.stdout)
        again = f"make scripts ON={way.name.split()[0]} SCRIPTS={scripts} SEED={seed}"
        print(f"{way.name}: the script above fails. Play it again: {again}", flush=True)
    count = f"{clean} of {order.scripts} scripts clean" if failures else _so_many(order.scripts, "script")
    took = f"{time.monotonic() - began:.0f} s"
    print(f"{way.name}: {count}, {_so_many(failures, 'failure')}, {took}", flush=True)
    return not failures


def _so_many(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _pytest(way: Way, scripts: int, seed: int) -> subprocess.CompletedProcess[str]:
    test = f"{Path(__file__).parent.relative_to(ROOT)}/{way.test}"
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--no-header", f"--hypothesis-seed={seed}", test],
        cwd=ROOT,
        env={**os.environ, way.variable: str(scripts)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def main() -> int:
    try:
        order = understood(os.environ)
    except BadOrder as trouble:
        print(trouble, file=sys.stderr)
        return 2
    print(f"SEED={order.seed}", flush=True)
    went_well = [play(way, order) for way in order.ways]
    return 0 if all(went_well) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
