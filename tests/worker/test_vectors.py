"""The command that runs worked slot cases: its last line, its exit code, and what it says of a failure."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

GIVEN = Path(__file__).parents[1] / "core" / "slot_vectors.json"


def run(file):
    out = io.StringIO()
    code = 0
    try:
        call_command("vectors", str(file), stdout=out)
    except SystemExit as stop:
        code = stop.code
    return code, out.getvalue().splitlines()


@pytest.fixture
def write(tmp_path):
    def _write(*cases, bare=False):
        file = tmp_path / "cases.json"
        file.write_text(json.dumps(list(cases) if bare else {"cases": cases}))
        return file

    return _write


def case(**changes):
    return {
        "id": "one",
        "zone": "Europe/Madrid",
        "now": "2026-03-01T12:00:00Z",
        "hours": {"mon": [["09:00", "11:00"]]},
        "duration": 60,
        "date": "2026-03-02",
        "starts": ["09:00", "10:00"],
        **changes,
    }


def test_the_given_cases_pass():
    code, lines = run(GIVEN)
    assert (code, lines) == (0, [f"{len(json.loads(GIVEN.read_text())['cases'])} passed, 0 failed"])


def test_a_failure_is_shown_with_expected_and_got(write):
    code, lines = run(write(case(), case(id="two", starts=["09:00"]), bare=True))
    assert code == 1
    assert lines[0] == "FAILED two"
    assert lines[1] == "  expected 03-02 09:00 (08:00Z)"
    assert lines[2] == "  got      03-02 09:00 (08:00Z), 03-02 10:00 (09:00Z)"
    assert lines[-1] == "1 passed, 1 failed"


def test_a_case_that_cannot_be_run_does_not_hide_the_others(write):
    code, lines = run(write(case(zone="Mars/Olympus"), case(), "nonsense"))
    assert code == 1
    assert "cannot be run" in lines[1]
    assert lines[-1] == "1 passed, 2 failed"


@pytest.mark.parametrize(
    "changes",
    [
        {"overrides": [{"date": "2026-03-02", "hours": []}], "starts": []},
        {"overrides": [{"date": "2026-03-02"}], "starts": []},
        {"hours": {"monday": [["09:00", "24:00"]]}, "starts": [f"{h:02}:00" for h in range(9, 24)]},
        {"hours": {"mon": [["9:00", "11:00"]]}},
        {"hours": {"mon": [["00:00", "00:00"]]}, "duration": 720, "starts": ["00:00", "12:00"]},
        {"busy": [["2026-03-02T08:00:00Z", "2026-03-02T09:00:00Z"]], "starts": ["10:00"]},
        {"busy": [["2026-03-02T09:00:00+01:00", "2026-03-02T09:01"]], "starts": ["10:00"]},
        {"time_off": [["2026-03-02", "2026-03-03"]], "starts": []},
        {"appointments": ["2026-03-02T08:00:00Z"], "starts": ["10:00"]},
        {"holidays": [{"title": "x", "month": 3, "day": 2, "year": 2027}]},
        {"holidays": [{"month": 3, "weekday": "mon", "week": 1}], "starts": []},
        {"per_day": None, "capacity": None, "horizon_days": None, "busy": None},
        {"starts": ["2026-03-02T08:00:00Z", "2026-03-02T10:00"]},
        {"capacity_by_weekday": {"mon": 0}, "starts": []},
    ],
)
def test_every_field_may_be_said_or_left_out(write, changes):
    code, lines = run(write(case(**changes)))
    assert (code, lines) == (0, ["1 passed, 0 failed"])


def test_a_wall_time_said_twice_is_both_of_them(write):
    code, lines = run(
        write(
            case(
                zone="America/New_York",
                hours={"sun": [["01:00", "03:00"]]},
                date="2026-11-01",
                starts=["01:00", "01:00", "02:00"],
            )
        )
    )
    assert (code, lines[-1]) == (0, "1 passed, 0 failed")


@pytest.mark.parametrize("content", ["{", '{"cases": 3}', "7"])
def test_a_file_of_another_form_is_refused(tmp_path, content):
    file = tmp_path / "bad.json"
    file.write_text(content)
    with pytest.raises(CommandError):
        run(file)
