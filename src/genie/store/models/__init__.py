"""The tables. Invariants live in the database: a constraint stands behind each rule that must never break."""

from genie.store.models.appointment import Appointment, Change, Hold, Lead
from genie.store.models.calendar import (
    BusyTime,
    Channel,
    Connection,
    EventLink,
    Incident,
    RegistrationLink,
    RemoteCalendar,
    RemoteKey,
    RemoteObject,
)
from genie.store.models.count import SyncCount, SyncTotal
from genie.store.models.installation import Installation
from genie.store.models.message import Message
from genie.store.models.module import AppointmentKind, Module
from genie.store.models.schedule import (
    AvailabilityCalendar,
    DateOverride,
    Holiday,
    OpeningHours,
    PublicHolidays,
    Schedule,
    TimeOff,
)
from genie.store.models.sign_in import SignInAttempt
from genie.store.models.staff import StaffMember, TeamMember
from genie.store.models.tenancy import Access, Agency, Company, LoginTry, Role, User
from genie.store.models.turn import Turn

__all__ = [
    "Access",
    "Agency",
    "Appointment",
    "AppointmentKind",
    "AvailabilityCalendar",
    "BusyTime",
    "Change",
    "Channel",
    "Company",
    "Connection",
    "DateOverride",
    "EventLink",
    "Hold",
    "Holiday",
    "Incident",
    "Installation",
    "Lead",
    "LoginTry",
    "Message",
    "Module",
    "OpeningHours",
    "PublicHolidays",
    "RegistrationLink",
    "RemoteCalendar",
    "RemoteKey",
    "RemoteObject",
    "Role",
    "Schedule",
    "SignInAttempt",
    "StaffMember",
    "SyncCount",
    "SyncTotal",
    "TeamMember",
    "TimeOff",
    "Turn",
    "User",
]
