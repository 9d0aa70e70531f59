"""Each kind of calendar system can be opened, is named for people, and is documented."""

from __future__ import annotations

from pathlib import Path

import pytest

from genie.providers.memory.world import World
from genie.providers.registry import (
    FOLDERS,
    ProviderSettings,
    UnknownKind,
    kind_of,
    label_of,
    offered,
    open_provider,
)

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("kind", FOLDERS)
def test_every_provider_has_a_page(kind):
    page = DOCS / "providers" / f"{kind}.md"
    assert page.exists(), f"write {page}: setup, access, limits, known gaps"
    assert label_of(kind) in page.read_text(), f"{page} does not say what people call it: {label_of(kind)}"


@pytest.mark.parametrize("kind", FOLDERS)
def test_every_setting_of_a_provider_is_on_its_page(kind):
    page = (DOCS / "providers" / f"{kind}.md").read_text()
    for name in kind_of(kind).options:
        assert f"`GENIE_{kind}_{name}`".upper() in page, f"describe {name} in docs/providers/{kind}.md"


@pytest.mark.parametrize("kind", FOLDERS)
def test_every_kind_says_how_the_access_is_taken_back_and_whose_pages_it_is_granted_on(kind):
    said = kind_of(kind)
    assert said.take_back and not said.take_back.endswith("."), "say what its owner does to take it back"
    assert bool(said.sign_in) == bool(said.signs_in_at), "name whose sign-in pages they are"
    assert bool(said.sign_in) == said.consent.endswith("."), "say what its owner does on those pages"


def test_labels_are_the_product_s_words():
    assert label_of("caldav") == "CalDAV (Apple iCloud, Fastmail, Nextcloud, …)"
    assert label_of("google") == "Google Gmail Calendar"
    assert label_of("microsoft") == "Microsoft Outlook Calendar"
    assert tuple(FOLDERS)[:3] == ("microsoft", "google", "caldav")
    assert offered(ProviderSettings()) == ("caldav",)
    client = {"client_id": "ours", "client_secret": "s3cret"}
    assert offered(ProviderSettings(options={"google": client})) == ("google", "caldav")


@pytest.mark.parametrize("proof", ["client_secret", "certificate"])
def test_one_of_several_proofs_is_enough(proof):
    def made(**given: str) -> tuple[str, ...]:
        return offered(ProviderSettings(options={"microsoft": given}))

    assert made(client_id="ours", **{proof: "x"}) == ("microsoft", "caldav")
    assert made(client_id="ours") == made(**{proof: "x"}) == ("caldav",)


def test_a_kind_is_opened_by_name():
    world = World("registry")
    world.add_account("ana@example.org")
    provider = open_provider("memory", world.secret("ana@example.org"), ProviderSettings())
    assert provider.kind == "memory"
    assert provider.account().label == "ana@example.org"


def test_an_unknown_kind_is_said():
    with pytest.raises(UnknownKind):
        open_provider("paper", {}, ProviderSettings())
    with pytest.raises(UnknownKind):
        label_of("paper")
