"""The kinds of appointment of a module, for the section of its page."""

from __future__ import annotations

from typing import Any

from django import template

from genie.core.places import PlaceKind, place_offered
from genie.store.models import Module
from genie.web.dashboard.kinds import said_of

register = template.Library()


@register.simple_tag
def module_kinds(module: Module) -> dict[str, Any]:
    """`rows` is (kind, its place in words) in order; `said`: what visitors meet on the booking page."""
    kinds = list(module.kinds.all())
    return {
        "rows": [(kind, _place(kind.place_kind, kind.place, module)) for kind in kinds],
        "said": said_of(module, kinds),
    }


def _place(kind: str, place: str, module: Module) -> str:
    if kind == PlaceKind.ADDRESS:
        return place or module.place
    if kind == PlaceKind.VIDEO and place:
        return f"{place_offered(kind, place)}: {place}"
    return place_offered(kind, place)
