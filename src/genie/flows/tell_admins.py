"""Owe the company's admins a letter about something other than an appointment: a key to authorize again …"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from genie.store import jobs
from genie.store.models import Company, Connection, Message, Role, User


def tell_admins(*, company: Company, heading: str, reason: str, path: str, now: datetime) -> None:
    """One letter to each Company Admin, or the agency's admins if there is none. Call INSIDE a transaction.

    `heading` and `reason` are words for people, `path` the page to open (it asks for a login). It writes each
    time it is called: the caller knows that something *became* so.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("tell_admins belongs into the transaction of what it tells of")
    for address in _addresses(company):
        message = Message.objects.create(
            company=company,
            kind=Message.Kind.ATTENTION,
            audience=Message.Audience.COMPANY,
            recipient=address,
            details={"heading": heading, "reason": reason, "path": path},
            not_before=now,
            created_at=now,
        )
        jobs.wake_message(message.pk)


def letters_about(*, company: Company, heading: str, path: str) -> QuerySet[Message]:
    """The letters of `tell_admins` so far that say the same: whoever tells of it only once looks there."""
    told = Message.objects.filter(company=company, kind=Message.Kind.ATTENTION)
    return told.filter(details__heading=heading, details__path=path)


def calendar_page(connection: Connection) -> str:
    """The path of **Remote Calendar Configuration** of a module's or staff member's linked calendar."""
    module = connection.module
    whose = f"team/{connection.staff_id}/" if connection.staff_id else ""
    return f"/company/{module.company.slug}/apps/{module.slug}/{whose}calendar"


def _addresses(company: Company) -> list[str]:
    active = User.objects.filter(is_active=True).order_by("id")
    own = active.filter(role=Role.COMPANY_ADMIN, accesses__company=company)
    agency = active.filter(role__in=[Role.AGENCY_SUPER_ADMIN, Role.AGENCY_ADMIN], agency_id=company.agency_id)
    return list(own.values_list("email", flat=True)) or list(agency.values_list("email", flat=True))
