"""What the documents say is held to the code; a failing test says what to write."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.management import get_commands

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
READS = re.compile(
    r"""(?:env\.(?:text|flag|words)|\btext|environ(?:ment)?\.get|environ)[(\[]\s*"([A-Z_]+)\""""
)
OPERATING = (ROOT / "docs/operating.md").read_text()


def names_read(*folders: str) -> list[str]:
    sources = [source for folder in folders for source in (ROOT / folder).glob("*.py")]
    names = {name for source in sources for name in READS.findall(source.read_text())}
    return sorted(names - {"DEBIAN_FRONTEND"})


@pytest.mark.parametrize("name", names_read("src/genie/config", "run"))
def test_each_variable_that_is_read_is_documented(name):
    assert f"`{name}`" in OPERATING, f"describe {name} in docs/operating.md"


def test_each_documented_variable_is_read():
    known = {*names_read("src/genie/config", "run"), "GENIE_DEMO_CALDAV_PASSWORD", "PYTHON"}
    said = set(re.findall(r"^\| (`[A-Z_`, ]+`) \|", OPERATING, re.M))
    listed = {name for cell in said for name in re.findall(r"[A-Z_]+", cell)}
    assert len(listed) > 15, "the tables of docs/operating.md were not found"
    assert listed <= known, f"docs/operating.md describes what nothing reads: {sorted(listed - known)}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document):
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text()):
        if "://" not in target and not target.startswith("mailto:"):
            assert (document.parent / target).exists(), f"{document.name} links to {target}: not there"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_make_command_that_is_named_exists(document):
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M)
    named = re.findall(r"(?:^|`|\s)make ([a-z]+)(?=[\s`,.)]|$)", code_of(document.read_text()), re.M)
    assert not set(named) - set(targets), f"{document.name} names a make command that is not in the Makefile"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_command_of_manage_py_that_is_named_exists(document):
    named = re.findall(r"manage\.py ([a-z_]+)", code_of(document.read_text()))
    missing = set(named) - {*get_commands(), "help"}
    assert not missing, f"{document.name} names what manage.py does not have: {missing}"


def code_of(text: str) -> str:
    """Only what is set as code; prose may say "make sure"."""
    return "\n".join([*re.findall(r"```sh\n(.*?)```", text, re.S), *re.findall(r"`[^`\n]+`", text)])


@pytest.mark.parametrize("path", sorted((ROOT / "docs/decisions").glob("*.md")), ids=lambda path: path.name)
def test_a_decision_has_a_number_and_says_what_was_decided(path):
    assert re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", path.name)
    text = path.read_text()
    assert text.startswith(f"# {path.name[:4]}: ")
    assert "\n## Decided\n" in text
