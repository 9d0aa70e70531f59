"""Report what was put aside: that a calendar refuses what is sent is told to the company's admins, once."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from genie.flows.tell_admins import calendar_page, letters_about, tell_admins
from genie.store.models import EventLink

AGAIN = timedelta(days=1)
"""One letter tells of everything that is put aside on a calendar in this time."""


@transaction.atomic
def report_put_aside(*, link_id: UUID, why: str, now: datetime) -> None:
    """Call when what a link owes was refused and put aside, and was not so before."""
    link = EventLink.objects.select_related("calendar", "connection__module__company").get(id=link_id)
    module, calendar = link.connection.module, link.calendar
    heading = f"An appointment needs a person: {calendar.name}"
    path = calendar_page(link.connection)
    told = letters_about(company=module.company, heading=heading, path=path)
    if told.filter(created_at__gt=now - AGAIN).exists():
        return
    reason = (
        f"{why} What changed here waits and is not lost, but it is not on the calendar. Open the page below, "
        "which lists each appointment it is about; put right what is said there, then press Retry."
    )
    tell_admins(company=module.company, heading=heading, reason=reason, path=path, now=now)
