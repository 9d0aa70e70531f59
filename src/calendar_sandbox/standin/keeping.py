"""What runs beside the web server: notifications go out, and the file of all stand-ins is kept up to date.

One file holds them all: Google's world at its top, as it always was, the others below their names.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from calendar_sandbox.standin import saved
from calendar_sandbox.standin.outbox import deliver

SAVED_AFTER = 0.5  # seconds a change waits for the next one before the file is written
TOP = "google"

Standins = Mapping[str, Any]  # by name; each has a `world` and an `outbox`


@contextlib.asynccontextmanager
async def running(standins: Standins, file: Path | None) -> AsyncIterator[None]:
    """Deliver notifications and keep the file up to date while the block runs."""
    tasks = [asyncio.create_task(deliver(one.outbox)) for one in standins.values()]
    if file is not None:
        tasks.append(asyncio.create_task(_saving(standins, file)))
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if file is not None:
            save(standins, file)


async def _saving(standins: Standins, file: Path) -> None:
    """Write the file whenever something is different; reading does not count, tokens do."""
    written = None
    while True:
        state = [
            (one.world.edition, one.world.writes, len(one.world.access_tokens)) for one in standins.values()
        ]
        if state != written:
            save(standins, file)
            written = state
        await asyncio.sleep(SAVED_AFTER)


def save(standins: Standins, file: Path) -> None:
    """Write everything but the logs, whole or not at all; readable by its owner only."""
    state: dict[str, Any] = {"version": 1}
    for name, one in standins.items():
        with one.world.lock:
            state |= one.world.as_saved() if name == TOP else {name: one.world.as_saved()}
    saved.write(file, state)


def load(standins: Standins, file: Path) -> None:
    """Fill the worlds by what a file says; one from before a stand-in came leaves that one empty.

    Raise ValueError for a file that is not one of ours.
    """
    state = saved.read(file)
    for name, one in standins.items():
        found = state if name == TOP else state.get(name)
        if found is not None:
            with one.world.lock:
                one.world.restore(found)
