"""`make simulate SEEDS=n [SEED=s] [ON=google,memory]`: play so many seeds and say what broke.

Each processor plays its share on a database of its own. A failing seed is shortened and printed; `SEED=s`
plays that one alone. The last line is the sum.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence


def main() -> int:
    given = _arguments()
    if os.environ.get("PYTHONHASHSEED") != "0":  # sets of words have one order
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, "-m", "tests.simulation", *sys.argv[1:]])
    if given.share is None and given.seed is None and given.processes > 1:
        return _shared_out(given)
    return _played(given)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make simulate", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--seed", type=int, help="this one alone")
    parser.add_argument("--on", default="", help="calendar systems, with commas")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--share", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--as-it-is", action="store_true", help="do not shorten what fails")
    parser.add_argument("--stop", type=int, default=5, help="give up after so many failing seeds")
    return parser.parse_args()


def _shared_out(given: argparse.Namespace) -> int:
    """One process for each share; their sums are added."""
    began = time.monotonic()
    asked = [sys.executable, "-m", "tests.simulation", *sys.argv[1:]]
    shares = [
        subprocess.Popen([*asked, "--share", str(number)], stdout=subprocess.PIPE, text=True)
        for number in range(given.processes)
    ]
    sums = [0, 0, 0]
    for share in shares:
        said, _ = share.communicate()
        *lines, last = said.splitlines() or [""]
        print("\n".join(lines), end="\n" if lines else "", flush=True)
        if share.returncode not in (0, 1) or not last.startswith("simulation:"):
            print(last)
            return 2
        sums = [one + int(word) for one, word in zip(sums, last.split()[1::2], strict=False)]
    print(_sum(*sums), f"({time.monotonic() - began:.0f} s)")
    return 1 if sums[2] else 0


def _played(given: argparse.Namespace) -> int:
    from tests.simulation.database import own_database

    with own_database():
        from tests.simulation.play import quietly
        from tests.simulation.stages import SYSTEMS

        quietly()
        systems = given.on.split(",") if given.on else list(SYSTEMS)
        seeds = [given.seed] if given.seed is not None else _share(given)
        return _report(seeds, systems, stop=given.stop, as_it_is=given.as_it_is)


def _share(given: argparse.Namespace) -> Sequence[int]:
    every = range(given.first, given.first + given.seeds)
    return every if given.share is None else every[given.share :: given.processes]


def _report(seeds: Sequence[int], systems: Sequence[str], *, stop: int, as_it_is: bool) -> int:
    from tests.simulation.play import play, shortened
    from tests.simulation.script import written

    played = steps = violations = 0
    for seed in seeds:
        script = written(seed, systems)
        found = play(script)
        played, steps = played + 1, steps + len(script.steps)
        if found:
            violations += 1
            print(f"\nseed {seed} breaks: {found.what}\nafter: {found.after}\n{found.trace}")
            short = script if as_it_is else shortened(script, found)
            print(f"played:\n{short}\nreplay: make simulate SEED={seed}\n", flush=True)
        if played % 250 == 0:
            print(_sum(played, steps, violations), "so far", file=sys.stderr, flush=True)
        if violations >= stop:
            break
    print(_sum(played, steps, violations))
    return 1 if violations else 0


def _sum(seeds: int, steps: int, violations: int) -> str:
    return f"simulation: {seeds} seeds, {steps} steps, {violations} violations"


if __name__ == "__main__":
    sys.exit(main())
