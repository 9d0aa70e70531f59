"""Add somebody who logs in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError
from django.db.transaction import atomic

from genie.core.names import NotAName, name_from
from genie.flows.add_company import NoSuchAgency, the_agency
from genie.flows.set_password import WeakPassword, demand_strong
from genie.store.models import Access, Agency, Company, Role, User


class CannotAddUser(Exception):
    """Nobody was added; the message says why and what to do."""


def add_user(
    *,
    email: str,
    name: str,
    role: Role,
    password: str,
    agency: str = "",
    companies: Sequence[str] = (),
    now: datetime,
) -> User:
    """The new user. Raises CannotAddUser.

    An agency role belongs to the `agency` of that name and reaches all its companies; a company role reaches
    the `companies` of these slugs, which belong to one agency.
    """
    account = _address(email)
    try:
        home, reached = (
            _agency_role(role, agency, companies)
            if role.is_agency
            else _company_role(role, agency, companies)
        )
        user = User(email=account, name=name_from(name), role=role, agency=home, created_at=now)
        demand_strong(password, user)
    except (NotAName, NoSuchAgency, WeakPassword) as problem:
        raise CannotAddUser(f"{problem} Nobody was added.") from problem
    user.set_password(password)
    try:
        with atomic():
            user.save()
            Access.objects.bulk_create(Access(user=user, company=company) for company in reached)
    except IntegrityError as exc:
        if not User.objects.filter(email=account).exists():
            raise
        raise CannotAddUser(
            f"Somebody logs in as {account} already, so nobody was added. Use another address; for a new "
            f"password: set_password {account}"
        ) from exc
    return user


def _address(email: str) -> str:
    account = email.strip().lower()
    try:
        validate_email(account)
    except ValidationError:
        raise CannotAddUser(
            f"“{account}” is no e-mail address, so nobody was added. A user logs in with one, for example "
            "morgan@acme.example."
        ) from None
    return account


def _agency_role(role: Role, agency: str, companies: Sequence[str]) -> tuple[Agency, list[Company]]:
    if companies:
        raise CannotAddUser(
            f"Nobody was added: an {role.label} reaches all companies of an agency. Name the agency and no "
            "company."
        )
    if not agency:
        raise CannotAddUser(f"Nobody was added: an {role.label} belongs to an agency. Name it.")
    return the_agency(agency), []


def _company_role(role: Role, agency: str, companies: Sequence[str]) -> tuple[Agency, list[Company]]:
    if agency or not companies:
        raise CannotAddUser(
            f"Nobody was added: a {role.label} reaches the companies that are named, by the name in their "
            "addresses. Name at least one, and no agency."
        )
    wanted = list(dict.fromkeys(companies))
    found = {c.slug: c for c in Company.objects.filter(slug__in=wanted).select_related("agency")}
    missing = [slug for slug in wanted if slug not in found]
    if missing:
        raise CannotAddUser(
            f"There is no company {', '.join(f'“{slug}”' for slug in missing)}, so nobody was added. Check "
            "the name in its address, or add it with add_company."
        )
    agencies = {company.agency for company in found.values()}
    if len(agencies) > 1:
        raise CannotAddUser(
            "These companies belong to different agencies, so nobody was added: a user belongs to one. "
            "Add one user, with an address of its own, for each agency."
        )
    return agencies.pop(), list(found.values())
