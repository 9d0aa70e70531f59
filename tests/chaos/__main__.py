"""`make chaos [ROUNDS=10] [SEED=s] [SECONDS=60]`: the real programs under load, while all of them die.

Each round is a process of its own with a database of its own; its seed is the one before plus one. A round
that breaks something is printed with its evidence and leaves its logs in test-results/chaos. The last line is
the sum.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "test-results" / "chaos"
SHOWN = 10
"""So many violations of a round are printed; all are in its report."""


def main() -> int:
    given = _arguments()
    sums: Counter[str] = Counter()
    for seed in range(given.seed, given.seed + given.rounds):
        sums.update(_round(seed, given.seconds))
    print(
        f"chaos: {given.rounds} rounds, {sums['bookings']} bookings, {sums['changes_there']} changes there, "
        f"{sums['kills']} kills, {sums['violations']} violations"
    )
    return 1 if sums["violations"] else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="of the first round")
    parser.add_argument("--seconds", type=float, default=60, help="of load and faults in each round")
    given = parser.parse_args()
    if given.rounds < 1 or given.seconds < 5:
        parser.error("at least one round of five seconds")
    return given


def _round(seed: int, seconds: float) -> dict[str, int]:
    results = RESULTS / str(seed)
    shutil.rmtree(results, ignore_errors=True)
    results.mkdir(parents=True)
    begun = time.monotonic()
    with (results / "round.log").open("wb") as log:
        done = subprocess.run(
            [sys.executable, "-m", "tests.chaos.play", str(seed), f"{seconds:g}", str(results)],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
            stdout=log,
            stderr=log,
            check=False,
        )
    took = time.monotonic() - begun
    try:
        report: dict[str, Any] = json.loads((results / "report.json").read_text())
    except OSError:
        print(f"seed {seed}: the round ended without a verdict ({done.returncode}); see {_said(results)}")
        print((results / "round.log").read_text()[-2000:])
        return {"violations": 1}
    found = report["violations"]
    print(
        f"seed {seed}: {report['bookings']} bookings, {report['changes_there']} changes there, "
        f"{report['kills']} kills, in step after {report['notes'].get('seconds until in step', '?')} s, "
        f"{len(found)} violations, {took:.0f} s",
        flush=True,
    )
    if not found:
        shutil.rmtree(results)
    else:
        _tell(seed, seconds, results, found)
    sums = {name: report[name] for name in ("bookings", "changes_there", "kills")}
    return sums | {"violations": len(found)}


def _tell(seed: int, seconds: float, results: Path, found: list[dict[str, str]]) -> None:
    for one in found[:SHOWN]:
        about = f" (appointment {one['about']})" if one["about"] else ""
        print(f"  {one['what']}{about}")
        print("\n".join(f"    {line}" for line in one["evidence"].splitlines()))
    if len(found) > SHOWN:
        print(f"  and {len(found) - SHOWN} more")
    print(f"  the same load and faults again: make chaos ROUNDS=1 SEED={seed} SECONDS={seconds:g}")
    print(f"  logs and report: {_said(results)}", flush=True)


def _said(results: Path) -> str:
    return str(results.relative_to(ROOT))


if __name__ == "__main__":
    sys.exit(main())
