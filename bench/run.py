"""`make bench`: every figure, with the floors measured in the same run, printed and kept in results.json."""

from __future__ import annotations

import json
from pathlib import Path

from bench import (
    bookings,
    google_pull,
    google_sync,
    hooks,
    microsoft_pull,
    microsoft_sync,
    recurrence,
    slots,
    sync,
)

PARTS = (sync, google_pull, google_sync, microsoft_pull, microsoft_sync, hooks, slots, bookings, recurrence)
"""Modules with `measure`, which returns figures by name, and `report`, which says them in words."""
RESULTS = Path(__file__).resolve().parent / "results.json"


def main() -> None:
    figures: dict[str, float] = {}
    for part in PARTS:
        found = part.measure()
        print(part.report(found), flush=True)
        figures |= found
    RESULTS.write_text(
        json.dumps({name: round(value, 4) for name, value in figures.items()}, indent=2) + "\n"
    )
    print(f"\nwritten to {RESULTS.relative_to(Path.cwd())}")


if __name__ == "__main__":
    main()
