"""The team of a module, for the module's page."""

from __future__ import annotations

from typing import Any

from django import template

from genie.store.models import Module
from genie.store.queries.modules import ModuleState
from genie.store.queries.staff import staff_of

register = template.Library()


@register.simple_tag
def module_team(state: ModuleState) -> dict[str, Any]:
    """Who is in it (`state.team`), who else of the company could be, and the two ways to find somebody."""
    joined = {member.staff.pk for member in state.team if member.joined}
    others = staff_of(company_id=state.module.company_id).filter(active=True)
    return {
        "members": [member for member in state.team if member.joined],
        "left": [member for member in state.team if not member.joined],
        "others": [one for one in others if one.pk not in joined],
        "assignments": Module.Assignment.choices,
    }
