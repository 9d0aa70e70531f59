"""**Connection health**: the calendars that are read for busy time, how old that is, and what it blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.urls import reverse

from genie.core.saying import said_list
from genie.providers.registry import kind_of, label_of
from genie.store.models import Company, Module, RemoteCalendar, RemoteKey
from genie.store.queries.readings import Reading, readings
from genie.store.queries.silence import is_silent
from genie.store.queries.standing import LATE, SETTLING, TOLD_LATE
from genie.web.dashboard.remote.words import span


@dataclass(frozen=True, slots=True)
class BusyCalendar:
    """One calendar as the page says it. `level` is good, warn or bad."""

    reading: Reading
    system: str
    level: str
    state: str
    words: str
    advice: str
    blocks: str
    reauthorize: str
    """The page on which its key is re-authorized; empty where that is no help."""


def busy_calendars(company: Company, now: datetime) -> Sequence[BusyCalendar]:
    """Those of a company's schedules, by name."""
    return [_said(company, one, now) for one in readings(company, now)]


def _said(company: Company, one: Reading, now: datetime) -> BusyCalendar:
    calendar = one.calendar
    level, words, advice = _standing(one, now)
    lost = calendar.key.state == RemoteKey.State.NEEDS_REAUTHORIZATION
    again = {"slug": company.slug, "key_id": calendar.key_id}
    return BusyCalendar(
        reading=one,
        system=label_of(calendar.key.kind),
        level=level,
        state={"bad": "Needs a person", "warn": "Late", "good": "Good"}[level],
        words=words,
        advice=" ".join(filter(None, [_offered(one, now), advice])),
        blocks=f"times of {said_list([module.name for module in one.modules])}" if one.modules else "",
        reauthorize=reverse("reauthorize_key", kwargs=again) if lost else "",
    )


def _standing(one: Reading, now: datetime) -> tuple[str, str, str]:
    """Level, what is so, what to do. Until it is read again its busy time is that of the last read."""
    calendar = one.calendar
    account = calendar.key.label
    if calendar.key.state == RemoteKey.State.NEEDS_REAUTHORIZATION:
        words = f"The access to {account} has ended: it is not read until its owner signs in again."
        return "bad", words, "Press Re-authorize for a link that works once, for the account's owner."
    trouble = calendar.trouble or "The calendar cannot be reached."
    if calendar.state == RemoteCalendar.State.PARKED:
        todo = f"Make sure that {account} still has this calendar: it is tried again every 15 minutes."
        return "bad", trouble, f"{todo} If it is gone for good, remove it from the schedule."
    if calendar.attempts:
        return "warn", trouble, "There is nothing to do: it is tried again by itself."
    if calendar.read_at is None and now - one.since < SETTLING:
        return "good", "Being read for the first time.", ""
    if calendar.read_at is None or now - calendar.read_at > _late_after(one):
        age = span(now - calendar.read_at) if calendar.read_at else ""
        words = f"Not read for {age}." if age else "Not read yet."
        return "warn", words, "Is the worker running? Whoever runs this installation sees that at /healthz."
    return "good", "Read in time.", ""


def _late_after(one: Reading) -> timedelta:
    """Some systems are asked more rarely than others: twice their time is late."""
    rests = timedelta(seconds=kind_of(one.calendar.key.kind).read_every)
    return TOLD_LATE if one.told else max(LATE, 2 * rests)


def _offered(one: Reading, now: datetime) -> str:
    """What becomes of the times of modules for which it was not read for too long."""
    silent = [module for module in one.modules if is_silent(one.calendar, module, now)]
    none = [module for module in silent if module.unreachable_rule == Module.UnreachableRule.OFFER_NOTHING]
    rest = [module for module in silent if module not in none]
    said = []
    if none:
        said.append(f"Nothing is offered by {_named(none)} until it is read again.")
    if rest:
        said.append(f"Times of {_named(rest)} go on being offered by what was read last.")
    return " ".join(said)


def _named(modules: Sequence[Module]) -> str:
    return said_list([module.name for module in modules])
