"""Who may do what (PRODUCT.md, *Who may do what*), as one table of rights and roles."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """The four roles; the values are the ones stored with a user."""

    AGENCY_SUPER_ADMIN = "agency_super_admin"
    AGENCY_ADMIN = "agency_admin"
    COMPANY_ADMIN = "company_admin"
    COMPANY_LIGHT = "company_light"


class Right(StrEnum):
    """One line of the table each; the value is the name templates use (`may.edit_appointments`)."""

    SEE_LEADS = "see_leads"  # Leads calendar, Leads list, export
    SEE_CUSTOMERS = "see_customers"  # lead details and customer data, read only
    EDIT_APPOINTMENTS = "edit_appointments"  # customer data and appointments
    SCHEDULES = "schedules"  # availability schedules, time off
    CONNECT_CALENDARS = "connect_calendars"  # remote authorization keys, connect and unlink calendars
    APP_SETTINGS = "app_settings"  # scheduling, notifications, widget, order of apps
    COMPANY_DETAILS = "company_details"  # company details, CRM configurations, reports
    USER_ACCESS = "user_access"  # give and take away a user's access to the company
    USERS_AND_ROLES = "users_and_roles"  # create users, change roles, invite companies, holiday defaults
    ENABLE_APPS = "enable_apps"  # enable or disable apps and features for a company


_LIGHT = frozenset({Right.SEE_LEADS, Right.SEE_CUSTOMERS})
_COMPANY = _LIGHT | {
    Right.EDIT_APPOINTMENTS,
    Right.SCHEDULES,
    Right.CONNECT_CALENDARS,
    Right.APP_SETTINGS,
    Right.COMPANY_DETAILS,
    Right.USER_ACCESS,
}
_AGENCY = _COMPANY | {Right.USERS_AND_ROLES}

RIGHTS: dict[Role, frozenset[Right]] = {
    Role.AGENCY_SUPER_ADMIN: _AGENCY | {Right.ENABLE_APPS},
    Role.AGENCY_ADMIN: _AGENCY,
    Role.COMPANY_ADMIN: _COMPANY,
    Role.COMPANY_LIGHT: _LIGHT,
}


def rights_of(role: str) -> frozenset[Right]:
    """The rights of a role, by its stored value; none for a role nobody has heard of."""
    try:
        return RIGHTS[Role(role)]
    except ValueError:
        return frozenset()


def may(role: str, right: Right) -> bool:
    return right in rights_of(role)
