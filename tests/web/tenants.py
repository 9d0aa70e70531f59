"""A company with one of everything, and people of every role: for tests of pages, rights and isolation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import cache

from django.contrib.auth.hashers import make_password
from django.test import Client

from genie.providers.memory.world import World
from genie.store.models import (
    Access,
    Agency,
    Appointment,
    AppointmentKind,
    AvailabilityCalendar,
    Change,
    Company,
    Connection,
    DateOverride,
    EventLink,
    Holiday,
    Incident,
    Lead,
    Message,
    Module,
    OpeningHours,
    PublicHolidays,
    RegistrationLink,
    RemoteCalendar,
    RemoteKey,
    Role,
    Schedule,
    StaffMember,
    TeamMember,
    TimeOff,
    User,
)
from genie.store.sealed import seal

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
FUTURE = datetime(2100, 3, 2, 12, 0, tzinfo=UTC)
"""Pages ask the real clock; what shall lie ahead lies far ahead."""
PASSWORD = "correct horse battery"


@dataclass
class Tenant:
    """A company and what belongs to it."""

    company: Company
    admin: User
    light: User
    schedule: Schedule
    module: Module
    time_off: TimeOff
    override: DateOverride
    holiday: Holiday
    followed: PublicHolidays
    kind: AppointmentKind
    key: RemoteKey
    calendar: RemoteCalendar
    connection: Connection
    link: RegistrationLink
    lead: Lead
    appointment: Appointment
    event_link: EventLink
    incident: Incident
    staff: StaffMember

    @property
    def slug(self) -> str:
        return self.company.slug


@cache
def hashed() -> str:
    """PASSWORD as it is stored; hashed once, since that is slow on purpose."""
    return make_password(PASSWORD)


def person(role: Role, agency: Agency, *companies: Company, email: str) -> User:
    user = User.objects.create(
        email=email, password=hashed(), name=role.label, role=role, agency=agency, created_at=NOW
    )
    for company in companies:
        Access.objects.create(user=user, company=company)
    return user


def client_of(user: User) -> Client:
    """A browser in which the user is logged in."""
    client = Client()
    client.force_login(user)
    return client


def tenant(name: str, agency: Agency | None = None) -> Tenant:
    """A company called `name`, its slug in lower case; addresses and slugs of its parts hold the name too."""
    agency = agency or Agency.objects.create(name=f"Agency of {name}")
    slug = name.lower()
    company = Company.objects.create(
        agency=agency, name=name, slug=slug, zone="America/New_York", created_at=NOW
    )
    admin = person(Role.COMPANY_ADMIN, agency, company, email=f"admin@{slug}.example")
    schedule = Schedule.objects.create(company=company, name=f"{name} hours", zone="America/New_York")
    OpeningHours.objects.create(schedule=schedule, weekday=0, opens=time(9), closes=time(17))
    module = Module.objects.create(
        company=company, name=f"{name} office", slug=f"{slug}-office", schedule=schedule, created_at=NOW
    )
    account = f"desk@{slug}.example"
    world = World(slug)
    world.add_account(account)
    key = RemoteKey.objects.create(
        company=company,
        kind="memory",
        identity=slug,
        label=account,
        secret=seal(world.secret(account)),
        created_at=NOW,
    )
    calendar = RemoteCalendar.objects.create(key=key, remote_id="work", name=f"{name} desk", may_write=True)
    connection = Connection.objects.create(module=module, calendar=calendar, linked_at=NOW)
    AvailabilityCalendar.objects.create(schedule=schedule, calendar=calendar, added_at=NOW)
    lead = Lead.objects.create(
        company=company, name=f"Pat of {name}", email=f"pat@{slug}.example", created_at=NOW
    )
    appointment = visit(module, lead, FUTURE)
    Message.objects.create(
        company=company,
        appointment=appointment,
        kind=Message.Kind.BOOKED,
        audience=Message.Audience.CUSTOMER,
        recipient=lead.email,
        not_before=NOW,
        created_at=NOW,
    )
    staff = StaffMember.objects.create(
        company=company, name=f"Sam of {name}", email=f"sam@{slug}.example", schedule=schedule, created_at=NOW
    )
    return Tenant(
        company=company,
        admin=admin,
        light=person(Role.COMPANY_LIGHT, agency, company, email=f"light@{slug}.example"),
        schedule=schedule,
        module=module,
        time_off=TimeOff.objects.create(
            schedule=schedule, title=f"{name} off", start=FUTURE, end=FUTURE + timedelta(days=1)
        ),
        override=DateOverride.objects.create(schedule=schedule, date=FUTURE.date()),
        holiday=Holiday.objects.create(schedule=schedule, title=f"{name} day", month=3, day=1),
        followed=PublicHolidays.objects.create(schedule=schedule, country="US", region="VT"),
        kind=AppointmentKind.objects.create(
            module=module, name=f"{name} visit", slug=f"{slug}-visit", duration=60, enabled=False
        ),
        key=key,
        calendar=calendar,
        connection=connection,
        link=RegistrationLink.objects.create(
            company=company,
            kind="caldav",
            token_hash=slug,
            token_secret=b"",
            created_at=NOW,
            expires_at=FUTURE,
        ),
        lead=lead,
        appointment=appointment,
        event_link=EventLink.objects.create(
            appointment=appointment, connection=connection, calendar=calendar
        ),
        incident=Incident.objects.create(
            calendar=calendar, opened_at=appointment.created_at, decision="let_go"
        ),
        staff=staff,
    )


def with_team(of: Tenant) -> Tenant:
    """The same; the staff member is the module's team now, and has a linked calendar of their own."""
    TeamMember.objects.create(module=of.module, staff=of.staff)
    own = RemoteCalendar.objects.create(key=of.key, remote_id="own", name="Own", may_write=True)
    Connection.objects.create(module=of.module, staff=of.staff, calendar=own, linked_at=NOW)
    return of


def visit(module: Module, lead: Lead, start: datetime) -> Appointment:
    appointment = Appointment.objects.create(
        company_id=module.company_id,
        module=module,
        lead=lead,
        state="confirmed",
        start=start,
        end=start + timedelta(hours=1),
        zone="America/New_York",
        lane=0,
        title=f"Visit to {module.name}",
        created_at=NOW,
        changed_at=NOW,
    )
    Change.objects.create(
        appointment=appointment, at=NOW, revision=1, field="booked", origin=Change.Origin.CUSTOMER
    )
    return appointment
