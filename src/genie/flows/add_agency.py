"""Add an agency: a partner that runs the platform for several companies."""

from __future__ import annotations

from genie.core.names import NotAName, name_from
from genie.store.models import Agency
from genie.store.queries.tenancy import agency_named


class CannotAddAgency(Exception):
    """No agency was added; the message says why and what to do."""


def add_agency(*, name: str) -> Agency:
    """The new agency; its name differs from others by more than capitals. Raises CannotAddAgency."""
    try:
        name = name_from(name)
    except NotAName as problem:
        raise CannotAddAgency(f"{problem} No agency was added. Give it another name.") from problem
    if agency_named(name) is not None:
        raise CannotAddAgency(
            f"There is an agency called “{name}” already, so none was added. Use that one, or choose a name "
            "that tells the two apart."
        )
    return Agency.objects.create(name=name)
