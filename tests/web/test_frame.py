"""What every page has: a strict policy, the house's error pages, icons that exist, three-part errors."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.template.loader import render_to_string
from django.test import Client, override_settings
from tests.web.tenants import client_of, tenant

from genie.core.contrast import ENOUGH, contrast, mixed
from genie.web.templatetags import ui

WEB = Path(ui.__file__).resolve().parent.parent
TEMPLATES = sorted((WEB / "templates").rglob("*.html"))
# the demo pages of the stand-ins are not ours


@pytest.mark.django_db
def test_every_answer_has_the_policy_with_a_nonce_of_its_own() -> None:
    policies = [Client().get("/login")["Content-Security-Policy"] for _ in range(2)]
    assert policies[0] != policies[1]
    assert "script-src 'self';" in policies[0]
    assert "unsafe" not in policies[0]
    assert "default-src 'none'" in policies[0]
    response = Client().get("/login")
    assert response["Referrer-Policy"] == "same-origin"
    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.relative_to(WEB).as_posix())
def test_a_template_obeys_the_policy(template: Path) -> None:
    text = re.sub(r"{% comment %}.*?{% endcomment %}|{#.*?#}", "", template.read_text(), flags=re.S)
    assert not re.search(r"\sstyle=", text), "style attributes are refused: use a class"
    assert not re.search(r"\son[a-z]+=[\"']", text), "inline handlers are refused: use a data attribute"
    assert not re.search(r"\shx-on", text), "hx-on is refused: use a data attribute"
    scripts = re.findall(r"<script\b([^>]*)>", text)
    assert all("src=" in attributes for attributes in scripts), "inline scripts are refused"
    styles = re.findall(r"<style\b([^>]*)>", text)
    assert all("nonce=" in attributes for attributes in styles), "a <style> needs the nonce"


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.relative_to(WEB).as_posix())
def test_the_icons_of_a_template_exist(template: Path) -> None:
    for name in re.findall(r"{% icon \"([^\"]+)\"", template.read_text()):
        ui.drawing(name)


def test_an_unknown_icon_says_what_to_do() -> None:
    with pytest.raises(ui.NoSuchIcon, match=r"icons\.txt"):
        ui.drawing("no-such-icon")
    with pytest.raises(ui.NoSuchIcon):
        ui.drawing("../security")


@pytest.mark.parametrize("status", ["400", "400_host", "403", "403_csrf", "404", "500"])
def test_an_error_page_says_what_happened_what_it_means_and_what_to_do(status: str) -> None:
    page = render_to_string(f"{status}.html")
    body = page[page.index("<main") : page.index("</main")]
    assert len(re.findall(r"<h1", body)) == 1
    assert len(re.findall(r"<p>[^<]{20,}", body)) >= 2
    assert status[:3] not in re.sub(r"<[^>]+>", "", body)


@pytest.mark.django_db
@override_settings(DEBUG=False)
def test_a_missing_page_is_in_the_house_style() -> None:
    acme = tenant("Acme")
    response = client_of(acme.admin).get("/company/nobody/apps")
    assert response.status_code == 404
    assert "There is nothing at this address" in response.content.decode()


def test_another_host_is_refused_and_the_operator_told_what_to_set() -> None:
    response = Client().get("/login", headers={"host": "elsewhere.example"})
    assert response.status_code == 400
    assert "GENIE_ALLOWED_HOSTS" in response.content.decode()
    assert "elsewhere" not in response.content.decode()


@pytest.mark.django_db
def test_a_forged_form_is_refused_in_words() -> None:
    response = Client(enforce_csrf_checks=True).post("/login", {"email": "a@b.example", "password": "x"})
    assert response.status_code == 403
    assert "load the page again" in response.content.decode()


def test_a_public_page_carries_the_companys_accent_made_readable() -> None:
    style = ui.accent_style({"request": None}, "#ffff66")  # type: ignore[arg-type]
    light = re.search(r"--color-primary:(#\w+)", style)
    assert light
    assert contrast(light[1], "#ffffff") >= ENOUGH


def tokens() -> list[dict[str, str]]:
    """The colours of the light and the dark theme."""
    text = (WEB.parent.parent.parent / "frontend" / "styles" / "tokens.css").read_text()
    themes = re.findall(r'@plugin "daisyui/theme" {(.*?)\n}', text, re.S)
    return [dict(re.findall(r"--color-([\w-]+): (#\w{6});", theme)) for theme in themes]


@pytest.mark.parametrize("theme", tokens(), ids=["light", "dark"])
def test_the_colours_of_a_theme_can_be_read(theme: dict[str, str]) -> None:
    pairs = [("base-content", base) for base in ("base-100", "base-200")]
    pairs += [(f"{name}-content", name) for name in ("primary", "error", "warning", "success", "info")]
    pairs += [(n, b) for n in ("primary", "error", "warning", "success") for b in ("base-100", "base-200")]
    poor = {pair: contrast(theme[pair[0]], theme[pair[1]]) for pair in pairs}
    assert {pair: ratio for pair, ratio in poor.items() if ratio < ENOUGH} == {}
    quiet = mixed(theme["base-content"], theme["base-200"], 0.28)  # `.quiet` is 72 % of the text's colour
    assert contrast(quiet, theme["base-200"]) >= ENOUGH
