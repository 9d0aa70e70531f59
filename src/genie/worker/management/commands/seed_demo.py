"""Fill an empty installation with a demo: an agency, a dental practice, four users, bookings."""

from __future__ import annotations

import uuid
from argparse import ArgumentParser
from datetime import datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from genie.flows.book import BookingForm, book
from genie.flows.follow_public_holidays import follow_public_holidays
from genie.flows.offer import slots
from genie.store.models import (
    Access,
    Agency,
    AppointmentKind,
    Company,
    Module,
    OpeningHours,
    Role,
    Schedule,
    User,
)

COMPANY = "acme-dental"
ZONE = "America/New_York"
USERS = [
    ("super@bright-agency.example", "Sasha Bright", Role.AGENCY_SUPER_ADMIN),
    ("admin@bright-agency.example", "Avery Bright", Role.AGENCY_ADMIN),
    ("admin@acme-dental.example", "Morgan Reyes", Role.COMPANY_ADMIN),
    ("light@acme-dental.example", "Robin Park", Role.COMPANY_LIGHT),
]


class Booking(NamedTuple):
    """Somebody of the demo: `days` from today, `wall` time; `came` is source, medium, campaign; `kind` is the
    slug of what they come for."""

    days: int
    wall: time
    name: str
    email: str
    notes: str
    came: tuple[str, str, str]
    kind: str = "check-up"


BOOKINGS = [
    Booking(
        1,
        time(10),
        "Priya Natarajan",
        "priya@customer.example",
        "Check-up, no pain.",
        ("google", "cpc", "autumn"),
    ),
    Booking(1, time(14), "Tom Becker", "tom@customer.example", "Chipped a tooth.", ("google", "organic", "")),
    Booking(2, time(9), "Lucía Fernández", "lucia@customer.example", "", ("instagram", "social", "smile")),
    Booking(
        3,
        time(11),
        "Grace Okafor",
        "grace@customer.example",
        "Second opinion on a crown.",
        ("newsletter", "email", "november"),
        "first-visit",
    ),
    Booking(
        6,
        time(15),
        "Jonas Lindqvist",
        "jonas@customer.example",
        "First visit; may need a translator.",
        ("", "", ""),
        "first-visit",
    ),
    Booking(8, time(10), "Mei Tanaka", "mei@customer.example", "Whitening.", ("google", "cpc", "autumn")),
]


KINDS = [("Check-up", "check-up", 30), ("First visit", "first-visit", 60)]
"""Name, slug, minutes."""


class Command(BaseCommand):
    help = __doc__
    requires_migrations_checks = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--if-empty", action="store_true", help="do nothing, without a complaint, if a company is there"
        )
        parser.add_argument(
            "--force", action="store_true", help="add the demo beside companies that are real"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if Company.objects.filter(slug=COMPANY).exists():
            self.stdout.write("The demo company is there already; nothing was changed.")
            return
        if Company.objects.exists() and not options["force"]:
            if options["if_empty"]:
                return
            raise CommandError(
                "This database holds a company that is not the demo's, so it may be a real one. "
                "Nothing was changed. If you do want the demo beside it: seed_demo --force"
            )
        if not settings.GENIE_DEMO_PASSWORD:
            raise CommandError(
                "The demo's users need a password. Put one into GENIE_DEMO_PASSWORD (10 characters or more)."
            )
        seed(password=settings.GENIE_DEMO_PASSWORD, now=timezone.now())
        self.stdout.write(
            f"Made the company {COMPANY} and its users: {', '.join(email for email, *_ in USERS)}"
        )


@transaction.atomic
def seed(*, password: str, now: datetime) -> Module:
    """Make the demo, all of it or nothing; returns its module."""
    agency = Agency.objects.create(name="Bright Agency")
    company = Company.objects.create(
        agency=agency, name="Acme Dental", slug=COMPANY, zone=ZONE, accent="#0f766e", created_at=now
    )
    for email, name, role in USERS:
        user = User.objects.create_user(email, password, name=name, role=role, agency=agency, created_at=now)
        if not role.is_agency:
            Access.objects.create(user=user, company=company)
    module = Module.objects.create(
        company=company,
        name="Main office",
        slug="main-office",
        schedule=opening_hours(company),
        title="Dental visit",
        place="12 Harbor Street, Portland",
        recipients=["frontdesk@acme-dental.example"],
        created_at=now,
    )
    for position, (name, slug, minutes) in enumerate(KINDS):
        AppointmentKind.objects.create(
            module=module, name=name, slug=slug, duration=minutes, start_every=30, position=position
        )
    follow_public_holidays(
        company_id=company.pk,
        schedule_id=module.schedule_id,
        followed_id=None,
        country="US",
        region="ME",
        left_out=[],
        now=now,
    )
    for booking in BOOKINGS:
        book_one(module, booking, now=now)
    return module


def opening_hours(company: Company) -> Schedule:
    schedule = Schedule.objects.create(company=company, name="Office hours", zone=ZONE)
    OpeningHours.objects.bulk_create(
        OpeningHours(schedule=schedule, weekday=day, opens=time(9), closes=time(17)) for day in range(5)
    )
    return schedule


def book_one(module: Module, booking: Booking, *, now: datetime) -> None:
    """Book the first slot offered at or after the wished time, as a visitor of the page would."""
    zone = ZoneInfo(module.schedule.zone)
    day = now.astimezone(zone).date() + timedelta(days=booking.days)
    wished = datetime.combine(day, booking.wall, zone)
    kind = module.kinds.get(slug=booking.kind)
    offered = slots(module=module, first=day, last=day + timedelta(days=7), now=now, kind=kind)
    start = next((slot for slot in offered if slot >= wished), None)
    if start is None:
        return  # the rules offer nothing in that week; it is a demo without this booking
    source, medium, campaign = booking.came
    answers = BookingForm(
        key=uuid.uuid4(),
        name=booking.name,
        email=booking.email,
        phone="+12075550142",
        notes=booking.notes,
        visitor_zone=ZONE,
        source=source,
        medium=medium,
        campaign=campaign,
    )
    book(module_id=module.pk, kind_id=kind.pk, start=start, answers=answers, now=now)
