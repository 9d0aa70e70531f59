"""Who or what caused a change, for the history."""

from __future__ import annotations

from dataclasses import dataclass

from genie.store.models import Change, User


@dataclass(frozen=True, slots=True)
class Actor:
    """`by` is shown as it stands: a person's name, *the customer*, a calendar's name."""

    origin: Change.Origin
    by: str
    user: User | None = None


def person(user: User) -> Actor:
    return Actor(Change.Origin.PERSON, user.name or user.email, user)


def customer(name: str) -> Actor:
    return Actor(Change.Origin.CUSTOMER, name)


def calendar(name: str) -> Actor:
    return Actor(Change.Origin.CALENDAR, name)


SYSTEM = Actor(Change.Origin.SYSTEM, "Schedule Genie")
