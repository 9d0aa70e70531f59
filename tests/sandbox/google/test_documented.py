"""docs/sandbox.md says what the Google stand-in does: each fault, and what is not offered."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from calendar_sandbox.google import control
from calendar_sandbox.google.api.methods import METHODS
from calendar_sandbox.google.faults import KINDS

PAGE = (Path(__file__).parents[3] / "docs" / "sandbox.md").read_text()


@pytest.mark.parametrize("kind", KINDS)
def test_each_fault_is_documented(kind: str):
    assert f"`{kind}`" in PAGE, f"describe the fault {kind} in docs/sandbox.md"


def test_what_is_not_offered_is_said():
    left_out = re.search(r"\*\*Not offered\*\* \(501\): (.*)\n", PAGE)
    assert left_out is not None
    said = re.findall(r"`([\w.*]+)`", left_out[1])
    missing = {method.id.removeprefix("calendar.") for method in METHODS if method.run is None}
    assert {name if not name.startswith("acl.") else "acl.*" for name in missing} == set(said)


def test_each_control_is_in_the_list():
    listed = control.__doc__ or ""
    for route in control.routes:
        path = str(getattr(route, "path", "")).removeprefix(control.PREFIX).partition("{path")[0]
        assert path.rstrip("/") in listed, f"{path} is missing in the docstring of control.py"
