"""Report what was put aside: that a calendar refuses what is sent is told to the company's admins, once."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from genie.flows.tell_admins import calendar_page, tell_admins
from genie.store.models import Connection, EventLink


@transaction.atomic
def report_put_aside(*, link_id: UUID, why: str, now: datetime) -> None:
    """Call when what a link owes is refused, first in the transaction that puts it aside.

    An incident begins with the first event of a connection that is refused for a reason, and ends when none
    is left that was: one letter. Trying again, an edit or *Retry* do not end it, the event has to be in step.
    """
    link = EventLink.objects.select_related("calendar", "connection__module__company").get(id=link_id)
    # its events are put aside one after the other; unlinking, too, takes the connection before its links
    Connection.objects.select_for_update(of=("self",), no_key=True).get(id=link.connection_id)
    living = EventLink.objects.exclude(state=EventLink.State.ENDED)
    same = living.filter(connection_id=link.connection_id, refused=why[:300]).exists()
    new = living.filter(id=link_id, refused="").update(refused=why[:300])
    if same or not new:
        return
    module, calendar = link.connection.module, link.calendar
    reason = (
        f"{why} What changed here waits and is not lost, but it is not on the calendar. Open the page below, "
        "which lists each appointment it is about; put right what is said there, then press Retry."
    )
    tell_admins(
        company=module.company,
        heading=f"An appointment needs a person: {calendar.name}",
        reason=reason,
        path=calendar_page(link.connection),
        now=now,
    )
