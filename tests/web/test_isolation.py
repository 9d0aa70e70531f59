"""A company's things are 404 for everybody else: walked over every address there is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from django.apps import apps
from django.core.serializers import serialize
from django.db import transaction
from django.test import Client
from tests.web.addresses import OPEN, Address, addresses, of_companies
from tests.web.tenants import Tenant, client_of, person, tenant, with_team

from genie.store.models import Role

pytestmark = pytest.mark.django_db
PUBLIC = ("book/", "visit/", "connect/", "hooks/", "healthz", "readyz", "metrics", "demo/")
"""Pages for strangers: what they show is found by an unguessable token or is meant for everybody."""


@pytest.fixture
def theirs() -> Tenant:
    return with_team(tenant("Victim"))


@pytest.fixture
def ours() -> Tenant:
    return with_team(tenant("Ours"))


def wrong(walked: Iterable[Address], look: Callable[[Address], str | None]) -> str:
    """What `look` complains about, a line per address; each address is asked on untouched rows."""
    complaints = []
    for address in walked:
        with transaction.atomic():
            complaint = look(address)
            transaction.set_rollback(True)
        if complaint:
            complaints.append(f"{address.route}: {complaint}")
    return "\n".join(complaints)


def ask(client: Client, path: str, data: dict[str, Any] | None = None) -> dict[str, int]:
    return {method: getattr(client, method)(path, data or {}).status_code for method in ("get", "post")}


def is_hidden(answers: dict[str, int]) -> bool:
    """404 for the methods the address has (405: it has not got this one)."""
    return set(answers.values()) <= {404, 405} and 404 in answers.values()


def test_every_address_is_of_a_company_or_known_to_need_none() -> None:
    strays = [
        address.route
        for address in addresses()
        if not address.of_a_company and address.name not in OPEN and not address.route.startswith(PUBLIC)
    ]
    assert not strays, (
        f"{strays}: put a page about a company below /company/<slug>/ behind `for_company`, "
        f"or add its name and the reason to OPEN in tests/web/addresses.py."
    )


def test_every_company_address_has_the_gate() -> None:
    without = [address.route for address in of_companies() if not hasattr(address.view, "right")]
    assert not without, f"{without}: decorate the view with `for_company(Right.…)`."


def test_another_companys_admin_finds_nothing(theirs: Tenant, ours: Tenant) -> None:
    client = client_of(ours.admin)

    def look(address: Address) -> str | None:
        answers = ask(client, address.path(theirs))
        return None if is_hidden(answers) else f"answered {answers} instead of 404"

    assert wrong(of_companies(), look) == ""


def test_things_of_another_company_are_not_found_below_ones_own(theirs: Tenant, ours: Tenant) -> None:
    client = client_of(person(Role.AGENCY_SUPER_ADMIN, ours.company.agency, email="most@ours.example"))
    before = rows(theirs)

    def look(address: Address) -> str | None:
        answers = ask(client, address.path(theirs, slug=ours.slug))
        if rows(theirs) != before:
            return "changed another company's rows"
        return None if is_hidden(answers) else f"answered {answers} instead of 404"

    with_ids = [address for address in of_companies() if set(address.arguments) - {"slug"}]
    assert wrong(with_ids, look) == ""


def test_ids_of_another_company_in_a_form_change_nothing_there(theirs: Tenant, ours: Tenant) -> None:
    """Whatever a form of our own company is sent, the other company's rows stay as they are."""
    client = client_of(ours.admin)
    before = rows(theirs)
    smuggled = {
        "schedule": theirs.schedule.pk,
        "key": theirs.key.pk,
        "key_id": theirs.key.pk,
        "calendar": theirs.calendar.pk,
        "calendar_id": theirs.calendar.pk,
        "link": theirs.event_link.pk,
        "link_id": theirs.event_link.pk,
        "module": theirs.module.pk,
        "kind": theirs.kind.slug,
        "kind_id": theirs.kind.pk,
        "appointment": theirs.appointment.pk,
        "lead": theirs.lead.pk,
        "staff": theirs.staff.pk,
    }

    def look(address: Address) -> str | None:
        client.post(address.path(ours), smuggled)
        return None if rows(theirs) == before else "changed another company's rows"

    assert wrong(of_companies(), look) == ""


def test_strangers_are_sent_to_the_login(theirs: Tenant) -> None:
    def look(address: Address) -> str | None:
        client, path = Client(), address.path(theirs)
        for response in (client.get(path), client.post(path)):
            if response.status_code != 405 and not response.headers.get("Location", "").startswith(
                "/login?next=/company/"
            ):
                return f"answered {response.status_code} to somebody who is not logged in"
        return None

    assert wrong(of_companies(), look) == ""


@pytest.mark.parametrize("role", [Role.AGENCY_SUPER_ADMIN, Role.AGENCY_ADMIN])
def test_an_agency_reaches_its_own_companies_only(role: Role, theirs: Tenant, ours: Tenant) -> None:
    client = client_of(person(role, ours.company.agency, email="agency@ours.example"))
    assert client.get(f"/company/{ours.slug}/apps").status_code == 200
    assert client.get(f"/company/{theirs.slug}/apps").status_code == 404


def test_a_company_of_the_same_agency_is_out_of_reach_without_access(ours: Tenant) -> None:
    sibling = tenant("Sibling", ours.company.agency)
    assert client_of(ours.admin).get(f"/company/{sibling.slug}/apps").status_code == 404


OWNERS = {
    "company": "company_id",
    "schedule": "schedule__company_id",
    "key": "key__company_id",
    "module": "module__company_id",
    "appointment": "appointment__company_id",
    "calendar": "calendar__key__company_id",
}
"""How a table's rows are tied to their company, by the field that ties them."""


def rows(owner: Tenant) -> str:
    """Every row of the owner's company, as text."""
    texts = []
    for model in apps.get_app_config("store").get_models():
        fields = {field.name for field in model._meta.get_fields() if field.concrete}
        tie = next((path for name, path in OWNERS.items() if name in fields), None)
        if tie:
            found = model._default_manager.filter(**{tie: owner.company.pk}).order_by("pk")
            texts.append(serialize("json", found))
    return "\n".join(texts)


def test_the_rows_compared_above_are_there(theirs: Tenant) -> None:
    said = rows(theirs)
    for part in (
        theirs.schedule,
        theirs.module,
        theirs.key,
        theirs.appointment,
        theirs.event_link,
        theirs.staff,
    ):
        assert part._meta.label_lower in said
