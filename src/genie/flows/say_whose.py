"""Say whose an appointment is, when its event went to the calendar of somebody else of the team."""

from __future__ import annotations

from datetime import datetime

from genie.core.appointment import LIVE
from genie.flows import actor
from genie.flows.amend import Wanted, amend
from genie.store.models import Appointment, Connection, EventLink, StaffMember
from genie.store.queries.connections import serving

WITH_ANOTHER = "On the calendar this was moved to that of "
NAME = 60
"""Characters of a name in a flag."""


def say_whose(*, link: EventLink, now: datetime) -> None:
    """Call INSIDE the transaction that followed the event. It is still with whom it was and takes their time,
    which a person should know. Back where it belongs, nobody need look any more.
    """
    appointment = Appointment.objects.select_related("staff").get(id=link.appointment_id)
    if appointment.staff is None or appointment.state not in LIVE:
        return
    other = _whose(link, appointment)
    attention = appointment.attention
    if other is not None and not attention:
        name = appointment.staff.name[:NAME]
        attention = (
            f"{WITH_ANOTHER}{other.name[:NAME]}. It is still with {name}, whose time it takes; if that is "
            "meant otherwise, hand it over."
        )
    elif other is None and attention.startswith(WITH_ANOTHER):
        attention = ""
    amend(
        appointment_id=appointment.id,
        company_id=appointment.company_id,
        changes=Wanted(attention=attention, owes_push=False),
        actor=actor.calendar(link.calendar.name),
        now=now,
    )


def _whose(link: EventLink, appointment: Appointment) -> StaffMember | None:
    """Somebody else's own calendar; None for one where it belongs, or that is nobody's in particular."""
    right = serving(module_id=appointment.module_id, staff_id=appointment.staff_id)
    if right is not None and right.calendar_id == link.calendar_id:
        return None
    own = Connection.objects.filter(
        module_id=appointment.module_id, calendar_id=link.calendar_id, state=Connection.State.LINKED
    )
    found = own.exclude(staff=None).exclude(staff_id=appointment.staff_id).select_related("staff")
    other = found.order_by("id").first()
    return other.staff if other else None
