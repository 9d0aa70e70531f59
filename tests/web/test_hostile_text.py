"""What strangers typed is text on every page, and no page of the dashboard shows a door's key."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from django.db.models import CharField, EmailField, Field, Model, SlugField, TextField
from django.http import HttpResponseBase, StreamingHttpResponse
from tests.web.addresses import of_companies
from tests.web.tenants import Tenant, client_of, tenant

from genie.store.models import Message
from genie.store.sealed import unseal

pytestmark = pytest.mark.django_db
EVIL = "\"'><svg/onload=alert(1)><script>alert(2)</script>{{ 7|add:7 }}</template>"
KEPT = {"state", "zone", "visitor_zone", "manage_token", "kind", "audience", "origin", "field", "accent"}
KEPT |= {"unreachable_rule", "inbound_rule", "conflict_rule", "role", "password", "identity", "remote_id"}
KEPT |= {"token_hash", "cursor"}


class Markup(HTMLParser):
    """The tags and event handlers a browser would find."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [f"<{tag} {name}>" for name, _ in attrs if name.startswith("on")]
        self.found += [
            f"<{tag}>" for name, value in attrs if (value or "").lstrip().lower().startswith("javascript:")
        ]

    def handle_data(self, data: str) -> None:
        if data.strip() == "alert(2)":
            self.found.append("<script> of a stranger")


def poison(row: Model) -> None:
    """Put hostile text into every field that holds words."""
    row.refresh_from_db()
    for field in row._meta.concrete_fields:
        if is_words(field):
            setattr(row, field.name, EVIL[: field.max_length or None])
    row.save()


def is_words(field: Field[object, object]) -> bool:
    words = isinstance(field, CharField | TextField) and not isinstance(field, EmailField | SlugField)
    return words and field.name not in KEPT and not field.primary_key and not field.choices


@pytest.fixture
def poisoned() -> Tenant:
    them = tenant("Acme")
    history = them.appointment.history.get()
    for row in (
        them.company,
        them.admin,
        them.schedule,
        them.module,
        them.time_off,
        them.key,
        them.calendar,
        them.connection,
        them.lead,
        them.appointment,
        them.event_link,
        history,
        Message.objects.get(),
    ):
        poison(row)
    for row in (them.company, them.module, them.lead, them.appointment):
        row.refresh_from_db()
    assert EVIL[:120] in them.lead.name
    return them


def page_of(response: HttpResponseBase) -> str:
    content = (
        b"".join(response.streaming_content)  # type: ignore[arg-type]
        if isinstance(response, StreamingHttpResponse)
        else getattr(response, "content", b"")
    )
    return content.decode()


def test_the_hostile_text_would_be_noticed() -> None:
    assert Markup(f"<p title='{EVIL}'>").found == ["<svg onload>", "<script> of a stranger"]
    assert Markup("<a href=' JavaScript:alert(1)'>").found == ["<a>"]


def test_no_page_of_the_dashboard_runs_what_a_stranger_typed(poisoned: Tenant) -> None:
    client = client_of(poisoned.admin)
    seen = 0
    for address in of_companies():
        for headers in ({}, {"HX-Request": "true"}):
            response = client.get(address.path(poisoned), headers=headers)
            assert response.status_code < 500, address.route
            if "text/html" not in response.headers.get("Content-Type", ""):
                continue
            page = page_of(response)
            seen += EVIL[:20] in page or "svg/onload" in page
            assert Markup(page).found == [], address.route
            assert "14</template>" not in page, f"{address.route}: a stranger's text was run as a template"
    assert seen > 5, "the hostile text was shown nowhere, so nothing was tested"


def test_no_public_page_runs_it(poisoned: Tenant) -> None:
    client = client_of(poisoned.admin)
    for path in (
        f"/book/{poisoned.slug}/{poisoned.module.slug}?utm_source={EVIL}&zone={EVIL}&day={EVIL}",
        f"/book/{poisoned.slug}/{poisoned.module.slug}/details?at={EVIL}",
        f"/visit/{poisoned.appointment.manage_token}",
        f"/visit/{poisoned.appointment.manage_token}/change",
        f"/visit/{poisoned.appointment.manage_token}/cancel",
        f"/login?next={EVIL}",
        f"/companies?q={EVIL}",
        f"/connect/{EVIL.replace('/', '')}",
        f"/connect/return/{EVIL.replace('/', '')}?state={EVIL}&code={EVIL}&error={EVIL}",
        f"/connect/ended?said={EVIL}",
    ):
        response = client.get(path)
        assert response.status_code < 500, path
        assert Markup(page_of(response)).found == [], path


def test_no_page_of_the_dashboard_shows_a_secret(poisoned: Tenant) -> None:
    """Staff act in their own name: the customer's link and an account's password are not for their eyes."""
    client = client_of(poisoned.admin)
    secrets = [poisoned.appointment.manage_token]
    secrets += [
        value for value in unseal(poisoned.key.secret).values() if isinstance(value, str) and len(value) > 5
    ]
    assert len(secrets) > 1
    for address in of_companies():
        page = page_of(client.get(address.path(poisoned)))
        for secret in secrets:
            assert secret not in page or secret == poisoned.key.label, address.route
