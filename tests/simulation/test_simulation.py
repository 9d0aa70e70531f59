"""The simulation itself: some seeds of it, and that it can find, repeat and shorten what is wrong."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.simulation.play import Violation, play, shortened
from tests.simulation.script import Script, written
from tests.simulation.stages import SYSTEMS

from genie.flows import push, vanish
from genie.store.models import Appointment, EventLink, Message

ROOT = Path(__file__).resolve().parents[2]
SEEDS, SHARES = 200, 4
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("share", range(SHARES))
def test_nothing_breaks(share: int) -> None:
    for seed in range(1 + share, SEEDS + 1, SHARES):
        script = written(seed, list(SYSTEMS))
        found = play(script)
        assert found is None, f"seed {seed} breaks: {found}\n{shortened(script, found)}"


def end_of(script: Script) -> tuple[Violation | None, list[object]]:
    found = play(script)
    rows: list[object] = [
        *Appointment.objects.order_by("id").values_list("id", "state", "start", "title", "revision"),
        *EventLink.objects.order_by("id").values_list("id", "state", "remote_id", "etag"),
        *Message.objects.order_by("id").values_list("id", "kind", "state"),
    ]
    return found, rows


@pytest.mark.parametrize("system", ["memory", "google", "microsoft"])
def test_a_script_plays_the_same_again(system: str) -> None:
    script = written(7, [system])
    first, second = end_of(script), end_of(script)
    assert first == second
    assert len(first[1]) > 3


def test_a_fault_is_found_and_its_script_shortened(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that does not look where else an event may be takes a move by cut and paste for a deletion."""
    with monkeypatch.context() as patch:
        for flow in (vanish, push):
            patch.setattr(flow, "bearer", lambda *_asked: None)
        script, found = next(
            (script, found)
            for script in (written(seed, ["memory"]) for seed in range(1, 100))
            if (found := play(script))
        )
        short = shortened(script, found)
        assert len(short.steps) < len(script.steps) / 2
        assert play(short) is not None
    assert play(short) is None, "without the fault nothing breaks"


def test_the_command_says_its_sum(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.simulation", "--seeds", "4", "--processes", "2", "--on", "memory"]
    done = subprocess.run(command, cwd=ROOT, env=_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^simulation: 4 seeds, \d+ steps, 0 violations", done.stdout, re.MULTILINE)


def _environment() -> dict[str, str]:
    import os

    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return kept | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
