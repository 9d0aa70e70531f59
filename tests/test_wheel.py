"""A wheel holds what the code reads beside itself: templates, icons, styles, scripts."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKED = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
PACKAGES = sorted(file.parent.name for file in (ROOT / "src").glob("*/__init__.py"))


def is_read(file: Path) -> bool:
    inside = file.relative_to(ROOT).parts
    hidden = any(part.startswith(".") or part == "__pycache__" for part in inside)
    return file.is_file() and file.suffix != ".py" and not hidden


@pytest.mark.parametrize("package", PACKAGES)
def test_each_file_that_is_not_python_is_packed(package: str) -> None:
    folder = ROOT / "src" / package
    patterns = PACKED.get("package-data", {}).get(package, [])
    packed = {file for pattern in patterns for file in folder.glob(pattern)}
    left_out = sorted(
        str(file.relative_to(folder)) for file in set(folder.rglob("*")) - packed if is_read(file)
    )
    assert left_out == [], f"name them in [tool.setuptools.package-data] of pyproject.toml: {left_out}"


@pytest.mark.parametrize("package", PACKAGES)
def test_each_folder_with_python_is_a_package(package: str) -> None:
    """setuptools passes by a folder without `__init__.py`."""
    folders = {file.parent for file in (ROOT / "src" / package).rglob("*.py")}
    bare = sorted(str(folder) for folder in folders if not (folder / "__init__.py").exists())
    assert bare == [], f"give each an __init__.py: {bare}"


def test_the_patterns_take_the_built_front_end(static_files: None) -> None:
    folder = ROOT / "src/genie"
    packed = {file for pattern in PACKED["package-data"]["genie"] for file in folder.glob(pattern)}
    for name in ("booking.js", "booking.css", "dashboard.js", "leads.js", "public.css"):
        assert folder / "web/static/build" / name in packed
