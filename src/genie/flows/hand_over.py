"""Hand an appointment over to another member of the team: same visit, same time, another person."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction

from genie.flows.actor import Actor
from genie.flows.amend import Wanted, amend
from genie.flows.claim import SlotTaken
from genie.flows.offer import is_offered
from genie.flows.reschedule import is_wrong_there
from genie.flows.seat import NoSeat, lock_seat
from genie.store.models import Appointment, StaffMember

NOT_FREE = "Handed over by hand to somebody for whom the booking rules do not offer this time."


class NotOfTheTeam(Exception):
    """Nobody whom the module offers at this moment: not of its team, or switched off."""


def hand_over(
    *,
    company_id: int,
    appointment_id: UUID,
    staff_id: int,
    actor: Actor,
    now: datetime,
    force: bool = False,
    seen_revision: int | None = None,
    vouched: Collection[int] | None = None,
) -> Appointment:
    """It is with `staff_id` now, if the rules offer them its start. One transaction; nothing changes where it
    is with them already.

    The event goes from a calendar that does not serve them and is made on the one that does (flows/owe).
    `vouched`: what another system, asked about this start, offers in place of rules 1 to 6.

    Raises SlotTaken when the rules do not offer it; staff may `force`, and the appointment is then flagged.
    Raises Appointment.DoesNotExist, NotOfTheTeam, NotPossible, Overtaken.
    """
    try:
        with transaction.atomic():
            one = Appointment.objects.filter(id=appointment_id, company_id=company_id)
            if not StaffMember.objects.filter(id=staff_id, company_id=company_id).exists():
                raise NotOfTheTeam
            module = lock_seat(one, staff_id)
            found = one.select_related("kind").get()
            members = StaffMember.objects.filter(teams__module=module, active=True)
            staff = members.select_related("schedule").filter(id=staff_id).first()
            if staff is None:
                raise NotOfTheTeam
            if found.staff_id == staff.id:
                return found
            offered = is_offered(
                module=module,
                start=found.start,
                now=now,
                kind=found.kind,
                staff=staff,
                ignoring=appointment_id,
                vouched=vouched,
            )
            if not (offered or force):
                raise SlotTaken(found.start)
            return amend(
                appointment_id=appointment_id,
                company_id=company_id,
                changes=Wanted(
                    staff=staff,
                    attention=None if is_wrong_there(appointment_id) else "" if offered else NOT_FREE,
                    forced=force,
                ),
                actor=actor,
                now=now,
                seen_revision=seen_revision,
            )
    except StaffMember.DoesNotExist as exc:
        raise NotOfTheTeam from exc
    except (NoSeat, IntegrityError) as exc:
        raise SlotTaken("somebody was quicker") from exc
