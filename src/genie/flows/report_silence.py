"""Report silence: a calendar that could not be read for long is told to the company's admins, once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from genie.core.saying import said_list
from genie.flows.tell_admins import calendar_page, tell_admins
from genie.store.models import AvailabilityCalendar, Connection, Module, RemoteCalendar
from genie.store.queries.remote_calendars import LIVING
from genie.store.queries.silence import modules_looking_at

GONE_FOR = timedelta(minutes=10)
"""A calendar that is not there: servers say so for a moment while they start, so the second time counts."""
USUALLY = 24
"""Hours that what was read last counts for, where no module says otherwise."""


@transaction.atomic
def report_silence(*, calendar: RemoteCalendar, why: str, gone: bool, now: datetime) -> None:
    """Call when a read failed. `gone`: the server answers, but not for this calendar; else it is silent,
    and the admins hear of it when what was read last has become too old (PRODUCT.md, *Slot rules*, 9).

    Once until it was read again, also where several workers find it so.
    """
    living = Connection.objects.filter(calendar=calendar, state__in=LIVING).order_by("id")
    connection = living.select_related("module__company").first()
    entry = AvailabilityCalendar.objects.filter(calendar=calendar).order_by("id").first()
    since = calendar.read_at or (connection and connection.linked_at) or (entry and entry.added_at)
    modules = modules_looking_at(calendar)
    if not since or now - since < (GONE_FOR if gone else _too_old(modules)):
        return
    slug, heading = calendar.key.company.slug, f"The calendar {calendar.name} cannot be reached"
    if connection is not None:
        path = calendar_page(connection)
        means = "appointments wait here and are not lost, and changes made there do not come in"
        todo = (
            "Once it is back it catches up by itself; if it is gone for good, unlink it and connect another."
        )
    elif entry is not None:
        path = f"/company/{slug}/schedules/{entry.schedule_id}"
        means = "its busy time is taken as it was read last"
        todo = "Once it is back it catches up by itself; if it is gone for good, remove it from the schedule."
    else:
        return
    untold = Q(silence_told_at=None) | Q(silence_told_at__lt=since)
    if not RemoteCalendar.objects.filter(untold, id=calendar.id).update(silence_told_at=now):
        return
    reason = f"{why} Until it can be read again, {means}.{_offers(modules)} {todo}"
    tell_admins(company=calendar.key.company, heading=heading, reason=reason, path=path, now=now)


def _too_old(modules: Sequence[Module]) -> timedelta:
    """The modules that look at it agree on nothing: the first to find it too old counts."""
    return timedelta(hours=min((module.mirror_age_hours for module in modules), default=USUALLY))


def _offers(modules: Sequence[Module]) -> str:
    """What becomes of the times offered, a sentence with a blank before it."""
    nothing = [one for one in modules if one.unreachable_rule == Module.UnreachableRule.OFFER_NOTHING]
    if not nothing:
        return " Times go on being offered, so one that is taken there may be booked." if modules else ""
    hours = min(module.mirror_age_hours for module in nothing)
    return (
        f" By the module’s rule nothing is offered by {said_list([module.name for module in nothing])} "
        f"once it has not been read for {hours} {'hour' if hours == 1 else 'hours'}."
    )
