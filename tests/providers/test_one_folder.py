"""A provider is a folder and a line: no other file of the product knows it by name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import genie
from genie.providers.registry import (
    FOLDERS,
    ProviderSettings,
    kind_of,
    of_host,
    public_calendar,
    sign_in,
    typed_sign_in,
)

PRODUCT = Path(genie.__file__).parent
PROVIDERS = PRODUCT / "providers"
KINDS = tuple(name for name in FOLDERS if not kind_of(name).for_tests)
ALSO = {"microsoft": ("outlook", "azure", "graph"), "google": ("gmail",)}
"""What else a kind is known by, each as a word of its own: a paragraph is none."""
EXCEPTIONS = {
    ("providers/registry.py", '": "genie.providers.'): "the one line of each folder",
    ("providers/zone_names.py", '"tzone://microsoft/utc"'): "the name of a zone, met in anybody's files",
    ("providers/ical/busy.py", '"X-MICROSOFT-CDO-BUSYSTATUS"'): "the name of a property of iCalendar files",
    (
        "config/settings.py",
        '"caldav": env.text("GENIE_DEMO_CALDAV_URL")',
    ): "where the demo's own server stands",
    ("worker/management/commands/seed_demo.py", '("google", "'): "utm_source: how a lead of the demo came",
    ("web/health.py", "MigrationLoader(None).graph"): "Django's graph of migrations",
}
"""(file, what stands on the line) → why it is not about a provider, or is the one place for it."""


WORDS = {"ics": r"""["']ics["']|providers[./]ics\b"""}
"""Where a kind's name is an everyday word as well, as that of a file format: how the kind is meant."""


def words_of(kind: str) -> re.Pattern[str]:
    if kind in WORDS:
        return re.compile(WORDS[kind])
    also = "|".join(rf"\b{name}\b" for name in ALSO.get(kind, ()))
    return re.compile(f"{kind}|{also}" if also else kind, re.IGNORECASE)


def sources() -> list[Path]:
    """Code, templates and what else is written by hand; comments and docstrings count, too."""
    found = (
        path for path in PRODUCT.rglob("*") if path.suffix in (".py", ".html", ".txt", ".css", ".js", ".ts")
    )
    return sorted(path for path in found if not path.is_relative_to(PRODUCT / "web" / "static" / "build"))


def mentions(kind: str) -> list[tuple[str, str]]:
    """(file, line) of each mention of a kind outside its folder."""
    word, own = words_of(kind), PROVIDERS / kind
    return [
        (str(path.relative_to(PRODUCT)), line)
        for path in sources()
        if not path.is_relative_to(own)
        for line in path.read_text().splitlines()
        if word.search(line)
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_no_other_file_mentions_a_provider_s_name(kind):
    left = [
        f"{file}: {line.strip()}"
        for file, line in mentions(kind)
        if not any(file == where and part in line for where, part in EXCEPTIONS)
    ]
    assert not left, f"say it in providers/{kind}/ (its KIND), or for all kinds alike:\n" + "\n".join(left)


def test_each_exception_is_still_needed():
    found = [mention for kind in KINDS for mention in mentions(kind)]
    for where, part in EXCEPTIONS:
        assert any(file == where and part in line for file, line in found), f"nothing in {where} has {part}"


def test_the_search_finds_something():
    assert len(sources()) > 200
    assert words_of("microsoft").search("from Microsoft Graph") and not words_of("microsoft").search(
        "paragraph"
    )
    assert mentions("caldav")


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_granted_on_its_own_pages_or_by_what_is_typed(kind):
    said, settings = kind_of(kind), ProviderSettings()
    assert [bool(said.sign_in), bool(said.typed), bool(said.public)].count(True) == 1
    made = (sign_in(kind, settings), typed_sign_in(kind, settings), public_calendar(kind, settings))
    assert [bool(one) for one in made].count(True) == 1


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind_of(kind).typed or kind_of(kind).public])
def test_what_is_typed_is_described_so_that_a_page_can_ask_for_it(kind):
    typed = typed_sign_in(kind, ProviderSettings()) or public_calendar(kind, ProviderSettings())
    assert typed is not None
    names = [one.name for one in typed.fields]
    assert len(set(names)) == len(names)
    assert typed.who in names
    assert set(typed.beside.values()) <= set(names)
    assert all(one.missing.endswith(".") and one.longest > 0 for one in typed.fields)
    assert any(one.secret for one in typed.fields)
    assert all(bool(one.question) == bool(one.answers) for one in typed.fields)


@pytest.mark.parametrize(
    ("host", "kind"),
    [
        ("gmail.com", "google"),
        ("calendar.google.com", "google"),
        ("outlook.com", "microsoft"),
        ("outlook.office365.com.", "microsoft"),
        ("OUTLOOK.com", "microsoft"),
        ("notgoogle.com", ""),
        ("google.com.example.org", ""),
        ("", ""),
    ],
)
def test_a_host_tells_which_kind_is_meant(host, kind):
    assert of_host(host) == kind
