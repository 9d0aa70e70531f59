"""The rights table of PRODUCT.md, line by line."""

from __future__ import annotations

import pytest

from genie.core.rights import RIGHTS, Right, Role, may, rights_of

SUPER, AGENCY, COMPANY, LIGHT = Role

# as the table stands in PRODUCT.md: super admin, agency admin, company admin, light
TABLE = {
    Right.SEE_LEADS: "✓✓✓✓",
    Right.SEE_CUSTOMERS: "✓✓✓✓",
    Right.EDIT_APPOINTMENTS: "✓✓✓–",
    Right.SCHEDULES: "✓✓✓–",
    Right.CONNECT_CALENDARS: "✓✓✓–",
    Right.APP_SETTINGS: "✓✓✓–",
    Right.COMPANY_DETAILS: "✓✓✓–",
    Right.USER_ACCESS: "✓✓✓–",
    Right.USERS_AND_ROLES: "✓✓––",
    Right.ENABLE_APPS: "✓–––",
}


@pytest.mark.parametrize("right", Right)
def test_each_right_belongs_to_the_roles_of_the_table(right: Right) -> None:
    said = "".join("✓" if may(role, right) else "–" for role in (SUPER, AGENCY, COMPANY, LIGHT))
    assert said == TABLE[right]


def test_every_role_stands_in_the_table() -> None:
    assert set(RIGHTS) == set(Role)


def test_an_unknown_role_may_nothing() -> None:
    assert rights_of("owner") == frozenset()
    assert not may("", Right.SEE_LEADS)
