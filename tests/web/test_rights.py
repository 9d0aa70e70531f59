"""A missing right is 403 at every address, and what one may not do is not offered."""

from __future__ import annotations

import pytest
from django.db import transaction
from tests.web.addresses import Address, of_companies
from tests.web.tenants import Tenant, client_of, person, tenant

from genie.core.rights import Right, may
from genie.store.models import Role, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme() -> Tenant:
    return tenant("Acme")


@pytest.fixture(params=Role, ids=str)
def user(request: pytest.FixtureRequest, acme: Tenant) -> User:
    return person(request.param, acme.company.agency, acme.company, email="someone@acme.example")


def test_every_address_asks_for_its_right(user: User, acme: Tenant) -> None:
    client = client_of(user)
    wrong = []
    for address in of_companies():
        for method, expected in expected_refusals(user.role, address).items():
            with transaction.atomic():
                status = getattr(client, method)(address.path(acme)).status_code
                transaction.set_rollback(True)
            if status != 405 and (status == 403) is not expected:
                wrong.append(f"{method} {address.route} answered {status} to {user.role}")
    assert wrong == []


def expected_refusals(role: str, address: Address) -> dict[str, bool]:
    right, to_change = address.view.right, address.view.to_change  # type: ignore[attr-defined]
    reads = may(role, right)
    return {"get": not reads, "post": not (reads and (to_change is None or may(role, to_change)))}


def test_a_light_user_reads_why_and_who_can_help(acme: Tenant) -> None:
    response = client_of(acme.light).get(f"/company/{acme.slug}/apps")
    assert response.status_code == 403
    page = response.content.decode()
    assert "Your role, Company Light, does not include this." in page
    assert "Company Admin" in page


def test_an_admin_is_not_sent_to_an_admin(acme: Tenant) -> None:
    response = client_of(acme.admin).post(f"/company/{acme.slug}/apps/{acme.module.slug}/enabled")
    assert response.status_code == 403
    assert "An Agency Super Admin of your agency can do it." in response.content.decode()


def test_the_side_menu_offers_what_the_role_may_open(acme: Tenant) -> None:
    menus = {
        user.role: client_of(user).get(f"/company/{acme.slug}/leads/list").content.decode()
        for user in (acme.admin, acme.light)
    }
    for words in (">Leads list", ">Leads calendar"):
        assert all(words in "".join(page.split("</svg> ")).replace("</svg>", ">") for page in menus.values())
    apps = f"/company/{acme.slug}/apps"
    assert apps in menus[Role.COMPANY_ADMIN]
    assert apps not in menus[Role.COMPANY_LIGHT]
    assert "Company Light" in menus[Role.COMPANY_LIGHT]


def test_only_a_super_admin_may_switch_a_module_off(acme: Tenant) -> None:
    address = f"/company/{acme.slug}/apps/{acme.module.slug}"
    assert "Switch this module off" not in client_of(acme.admin).get(address).content.decode()
    assert client_of(acme.admin).post(f"{address}/enabled", {"enabled": "off"}).status_code == 403
    most = client_of(person(Role.AGENCY_SUPER_ADMIN, acme.company.agency, email="most@acme.example"))
    assert "Switch this module off" in most.get(address).content.decode()
    most.post(f"{address}/enabled", {"enabled": "off"})
    acme.module.refresh_from_db()
    assert acme.module.enabled is False
    assert "takes no bookings" in most.get(address).content.decode()
    most.post(f"{address}/enabled", {"enabled": "on"})
    acme.module.refresh_from_db()
    assert acme.module.enabled is True


def test_the_database_and_the_table_know_the_same_roles() -> None:
    from genie.core import rights

    assert {role.value for role in Role} == {role.value for role in rights.Role}
    assert all(isinstance(right, Right) for right in Right)
