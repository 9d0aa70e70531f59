"""Order a module's team: visitors read the names so, and of equals the first gets the next visit."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.transaction import atomic

from genie.flows.seat import lock_module
from genie.store.models import Module, TeamMember


def order_team(*, company_id: int, module_id: int, order: Sequence[int]) -> None:
    """`order`: ids of staff members, the first first. Who is in the team and not named comes after them.

    Raises Module.DoesNotExist.
    """
    with atomic():
        Module.objects.only("id").get(id=module_id, company_id=company_id)
        lock_module(module_id)
        team = list(TeamMember.objects.filter(module_id=module_id))
        wanted = {staff_id: place for place, staff_id in enumerate(order)}
        team.sort(key=lambda member: wanted.get(member.staff_id, len(wanted)))
        for place, member in enumerate(team):
            member.position = place
        TeamMember.objects.bulk_update(team, ["position"])
