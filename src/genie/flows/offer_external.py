"""Ask the system that a company names for a module's free times, in place of rules 1 to 6 (rule 10).

A visitor waits meanwhile, so it gets a second or two, and after three silences in a row a minute's rest.
Whenever it does not answer as it should, the local rules serve; its trouble is kept with the module.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from threading import Lock
from zoneinfo import ZoneInfo

from django.db import transaction

from genie.core.hours import DAY, span_of
from genie.core.spans import micros
from genie.flows.offer import last_date, rules_of
from genie.flows.tell_admins import letters_about, tell_admins
from genie.providers.external import NoAnswer, Question, ask
from genie.providers.registry import ProviderSettings
from genie.store.models import AppointmentKind, Module, StaffMember
from genie.store.sealed import Unreadable, unseal

SILENCES = 3
REST = timedelta(seconds=60)
FRESH = timedelta(seconds=15)
"""An answer serves so long for the same question: a visitor turns pages, and holds what they look at."""
ANSWERS = 500
AGAIN = timedelta(days=1)
"""Between two letters about it."""
NOTED_EVERY = timedelta(seconds=60)


@dataclass(slots=True)
class Breaker:
    """How often in a row it was silent, and until when it is left alone. One for each process."""

    silences: int = 0
    until: datetime | None = None


_lock = Lock()
_breakers: dict[tuple[int, str], Breaker] = {}
_answers: OrderedDict[tuple[str, bytes], tuple[datetime, list[int]]] = OrderedDict()


def offered_externally(
    *,
    module: Module,
    first: date,
    last: date,
    settings: ProviderSettings,
    now: datetime,
    kind: AppointmentKind | None = None,
    staff: StaffMember | None = None,
) -> list[int] | None:
    """The starts on the schedule's local dates `first` to `last`, in microseconds since 2000; None where the
    local rules serve: nobody else is to be asked, or there was no proper answer. Call it outside any
    transaction.
    """
    if not module.external_url:
        return None
    zone = ZoneInfo(module.schedule.zone)
    first = max(first, now.astimezone(zone).date() - DAY)
    last = min(last, last_date(module, now, kind))
    if first > last:
        return []
    low, high = span_of(first, last, zone)
    return _asked(_question(module, low, high, kind, staff), module, settings, now)


def vouched_externally(
    *,
    module: Module,
    start: datetime,
    settings: ProviderSettings,
    now: datetime,
    kind: AppointmentKind | None = None,
    staff: StaffMember | None = None,
    anew: bool = False,
) -> list[int] | None:
    """The same about one very start: itself, nothing, or None. `anew`: whatever it said just before."""
    if not module.external_url:
        return None
    high = start + timedelta(minutes=rules_of(module, kind).duration)
    question = _question(module, start.astimezone(UTC), high, kind, staff)
    found = _asked(question, module, settings, now, anew=anew)
    return None if found is None else [one for one in found if one == micros(start)]


def _question(
    module: Module, low: datetime, high: datetime, kind: AppointmentKind | None, staff: StaffMember | None
) -> Question:
    return Question(
        company=module.company.slug,
        module=module.slug,
        kind=kind.slug if kind else "",
        staff=staff.pk if staff else None,
        low=low,
        high=high,
        zone=module.schedule.zone,
        duration_minutes=rules_of(module, kind).duration,
    )


def _asked(
    question: Question, module: Module, settings: ProviderSettings, now: datetime, *, anew: bool = False
) -> list[int] | None:
    key = (module.external_url, question.body())
    with _lock:
        known = _answers.get(key)
        breaker = _breakers.setdefault((module.pk, module.external_url), Breaker())
        if known is not None and not anew and known[0] <= now < known[0] + FRESH:
            return known[1]
        if breaker.until is not None and now < breaker.until:
            return None
    try:
        secret = unseal(module.external_secret)["secret"] if module.external_secret else ""
        starts = ask(
            question,
            url=module.external_url,
            secret=secret,
            wait=module.external_wait_ms / 1000,
            settings=settings,
            now=now,
        )
    except (NoAnswer, Unreadable) as fault:
        _failed(module, breaker, str(fault), now)
        return None
    found = [micros(start) for start in starts]
    with _lock:
        breaker.silences, breaker.until = 0, None
        _answers[key] = (now, found)
        _answers.move_to_end(key)
        while len(_answers) > ANSWERS:
            _answers.popitem(last=False)
    if module.external_trouble:
        Module.objects.filter(pk=module.pk, external_url=module.external_url).update(external_trouble="")
    return found


def _failed(module: Module, breaker: Breaker, why: str, now: datetime) -> None:
    with _lock:
        breaker.silences += 1
        if breaker.silences >= SILENCES:
            breaker.until = now + REST
    noted = module.external_failed_at
    if module.external_trouble == why[:300] and noted is not None and now - noted < NOTED_EVERY:
        return
    with transaction.atomic():
        row = Module.objects.filter(pk=module.pk, external_url=module.external_url)
        if row.update(external_trouble=why[:300], external_failed_at=now):
            _tell(module, why, now)


def _tell(module: Module, why: str, now: datetime) -> None:
    heading = f"The free times of {module.name} come from here again"
    path = f"/company/{module.company.slug}/apps/{module.slug}"
    told = letters_about(company=module.company, heading=heading, path=path)
    if told.filter(created_at__gt=now - AGAIN).exists():
        return
    reason = (
        f"The system that is asked for them does not answer: {why} Until it does, times are offered by the "
        "opening hours, holidays and calendars kept here. Have whoever runs that system look, or take its "
        "address away on the page below."
    )
    tell_admins(company=module.company, heading=heading, reason=reason, path=path, now=now)
