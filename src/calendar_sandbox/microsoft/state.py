"""What the Microsoft stand-in knows: accounts, mailboxes, subscriptions and grants, in one plain object.

`World` needs no server: it is called in process by Graph (`api/`), the sign-in pages (`oauth.py`), the
owner's calendar page and tests. It never looks at a clock of its own and draws every random thing from one
seeded generator, so the same calls give the same answers.

    world = World(clock=utc_now, seed=1)
    ana = world.add_account("ana@contoso.example", name="Ana Ortiz", time_zone="Europe/Madrid")
    team = world.add_calendar(ana, "Front desk")
    world.share(team, ben, "write")
    token = world.issue_access_token(ana, "some-client", ["User.Read", "Calendars.ReadWrite"])

A calendar lies in its owner's mailbox under an internal `key`; what an account calls it (`CalendarEntry.id`)
is its own, and can change. An event is kept under its immutable id; its default id changes when it moves.

Hold `world.lock` around anything that reads or writes it while a server runs in another thread.
"""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from calendar_sandbox.standin import saved, undoing
from calendar_sandbox.standin.undoing import REMEMBERED, Undo

Clock = Callable[[], datetime]
Resource = dict[str, Any]

PERSONAL_TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"  # every outlook.com account is in this one
ROLES = ("freeBusyRead", "limitedRead", "read", "write", "delegateWithPrivateEventAccess")  # least to most
WRITING_ROLES = ("write", "delegateWithPrivateEventAccess")
SCOPES = ("User.Read", "Calendars.ReadWrite", "Calendars.ReadWrite.Shared")
COLORS = {  # calendarColor and the hexColor Outlook shows for it
    "lightBlue": "#a6d1f5",
    "lightGreen": "#87d28e",
    "lightOrange": "#fcab73",
    "lightGray": "#c0c0c0",
    "lightYellow": "#f5e26b",
    "lightTeal": "#4adacc",
    "lightPink": "#f08cc0",
    "lightBrown": "#cba287",
    "lightRed": "#f88c9b",
}

CODE_LIFETIME = timedelta(minutes=10)
TOKEN_LIFETIME = timedelta(seconds=3600)
REFRESH_LIFETIME = timedelta(days=90)  # since its last use
OLD_REFRESH_TOKENS = timedelta(days=90)  # a replaced one goes on working that long
LONGEST_SUBSCRIPTION = timedelta(minutes=10_080)
REMEMBERED_SHAPES = 50  # of one series
LOGGED = 2000  # requests kept for `request_log`

HEX = "0123456789abcdef"
URL_SAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


@dataclass
class CalendarEntry:
    """A calendar as one account has it on its list: own, or shared by somebody.

    `former` are the ids it had before: a fresh calendar's id can change, and the old one is then not found.
    """

    id: str
    calendar: str  # the calendar's key
    name: str
    color: str = "auto"
    hex_color: str = ""
    change_key: str = ""
    former: list[str] = field(default_factory=list)


@dataclass
class Account:
    """A person with a mailbox. `oid` never changes; personal ones are of outlook.com.

    `mailbox` is false for mailboxes that lie on a company's own Exchange: Graph cannot read them.
    """

    oid: str
    tid: str
    upn: str  # userPrincipalName
    mail: str
    name: str  # displayName
    given_name: str = ""
    surname: str = ""
    personal: bool = False
    time_zone: str = "UTC"  # IANA; shown in Windows' words where Graph does
    language: str = "en-US"
    entries: list[CalendarEntry] = field(default_factory=list)
    mailbox: bool = True
    may_subscribe: bool = True
    suspended: bool = False
    admin: bool = False  # may consent for the whole tenant

    @property
    def id(self) -> str:
        """What Graph calls it: the object id, or of a personal account its last 16 hex digits."""
        return self.oid.replace("-", "")[-16:] if self.personal else self.oid


@dataclass
class Earlier:
    """The shape a series had until a change; see StoredEvent. `days` are of exceptions the change dropped."""

    until: int
    shape: Resource
    days: list[str] = field(default_factory=list)


@dataclass
class Former:
    """A default id the event had in this calendar before it moved away and back, and its last change then."""

    until: int
    id: str


@dataclass
class StoredEvent:
    """An event as it lies in one calendar: the Graph entity, and what Graph needs to know beside it.

    `resource` has Graph's names: `start` and `end` as Graph gives them by default, in UTC with seven digits
    (whole days: midnight), `body` as HTML. A deleted event stays as a tombstone. A changed or deleted
    occurrence is an event of its own with `series` (its master's immutable id) and `original` (the day it
    falls on by the rule, in the series' zone); its `resource` has what it does not inherit. `change` is the
    number of the calendar's change that last touched it. `earlier` remembers the times and rules a series
    had, each with the change that ended it: a delta must say which occurrences are gone.
    """

    immutable_id: str
    id: str
    resource: Resource
    change: int = 0
    deleted: bool = False
    series: str = ""
    original: str = ""  # 2026-11-24
    extended: dict[str, str] = field(default_factory=dict)  # singleValueExtendedProperties, by id
    earlier: list[Earlier] = field(default_factory=list)
    former: list[Former] = field(default_factory=list)
    known: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False, metadata={"saved": False})

    @property
    def kind(self) -> str:
        """Graph's `type`."""
        if self.series:
            return "exception"
        return "seriesMaster" if self.resource.get("recurrence") else "singleInstance"


@dataclass
class Calendar:
    """A calendar in its owner's mailbox. `shares` says who else may do what, by object id."""

    key: str
    owner: str  # object id
    default: bool = False
    read_only: bool = False  # also for its owner: holidays, birthdays
    shares: dict[str, str] = field(default_factory=dict)
    events: dict[str, StoredEvent] = field(default_factory=dict)  # by immutable id
    changes: int = 0  # number of the latest change; delta tokens name it
    epoch: int = 0  # grows when all delta tokens given out so far expire
    deleted: bool = False
    # the latest changes, newest last, by immutable ids
    undo: deque[Undo[StoredEvent]] = field(
        default_factory=lambda: deque(maxlen=REMEMBERED), metadata={"saved": False}
    )
    by_series: dict[str, set[str]] = field(default_factory=dict, metadata={"saved": False})


@dataclass
class Subscription:
    """A subscription to changes. `watched` is a calendar's key, or `mailbox:` and an object id."""

    id: str
    resource: str  # as it was asked for
    watched: str
    change_type: str
    notification_url: str
    account: str  # object id of the one whose token made it
    client_id: str
    expires: datetime
    lifecycle_url: str = ""
    client_state: str = ""
    immutable_ids: bool = False
    removed: bool = False
    unauthorized: bool = False  # its grant wants renewal: nothing is said until it is reauthorized
    told: set[str] = field(default_factory=set)  # events its receiver has been told of


@dataclass
class Tenant:
    """An organisation. Without `users_may_consent` an administrator must allow an app first."""

    id: str
    name: str
    users_may_consent: bool = True
    consented: list[str] = field(default_factory=list)  # clients an administrator allowed for everybody


@dataclass
class Client:
    """An app registered with Microsoft. Without `redirect_uris` any loopback address is taken.

    `audience` is who may sign in: common, organizations, consumers, or one tenant's id.
    """

    id: str
    secret: str = ""
    name: str = ""
    redirect_uris: list[str] = field(default_factory=list)
    audience: str = "common"
    needs_admin: bool = False  # its permissions are such that only an administrator can agree
    certificates: list[str] = field(default_factory=list)  # PEM: proofs in place of the secret


@dataclass
class AuthorizationCode:
    """A code between consent and token; good for one use."""

    code: str
    client_id: str
    account: str  # object id
    redirect_uri: str
    scopes: list[str]
    expires: datetime
    tenant: str = "common"  # as it stood in the path
    code_challenge: str = ""
    code_challenge_method: str = ""
    nonce: str = ""
    used: bool = False
    refresh_token: str = ""  # what it was exchanged for


@dataclass
class RefreshToken:
    """`replaced` is when a newer one was handed out for it."""

    token: str
    scopes: list[str]
    issued: datetime
    last_used: datetime
    replaced: datetime | None = None


@dataclass
class Grant:
    """What an account allowed a client; revoking ends all of it."""

    account: str  # object id
    client_id: str
    scopes: list[str] = field(default_factory=list)
    granted: datetime | None = None
    refresh_tokens: list[RefreshToken] = field(default_factory=list)


@dataclass
class AccessToken:
    token: str
    account: str  # object id
    client_id: str
    scopes: list[str]
    expires: datetime
    revoked: bool = False


@dataclass
class Logged:
    """One request as it came, for tests and for people who look why something happened."""

    number: int
    at: datetime
    method: str
    path: str
    query: str
    status: int
    account: str = ""  # userPrincipalName
    client_id: str = ""
    call: str = ""  # what was called, as `events.create`
    reason: str = ""
    fault: str = ""
    milliseconds: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)  # without Authorization
    body: str = ""


@dataclass(frozen=True)
class Change:
    """What the watchers are told: an event of a calendar was created, updated or deleted."""

    calendar: str  # key
    kind: str  # created, updated, deleted
    event: StoredEvent


Watcher = Callable[[Change], None]


def shape_of(stored: StoredEvent) -> Resource:
    """What decides which occurrences an event has; nothing for a deleted one."""
    if stored.deleted:
        return {}
    names = ("start", "end", "isAllDay", "recurrence", "originalStartTimeZone")
    return {name: stored.resource[name] for name in names if stored.resource.get(name) is not None}


class World:
    """All of it. `watchers` are called after each change of an event.

    Switches a test may turn: `strict_match` (an `If-Match` of another version is refused on events),
    `rotates_strictly` (a refresh token stops working as soon as it was exchanged), `forgets_returned` (a
    delta by immutable ids tells of an event that moved away and back as removed, and then never again:
    microsoft-graph-docs #21752), `finds_anywhere` (an app finds an event by its id under the address of any
    calendar of the mailbox: microsoft-graph-docs #391).
    """

    def __init__(self, *, clock: Clock, seed: int = 0) -> None:
        self.clock = clock
        self.seed = seed
        self.lock = threading.RLock()
        self.log_hooks: list[Callable[[Logged], None]] = []
        self.watchers: list[Watcher] = []
        self.root_url = "https://outlook.office365.com"  # where links into the calendar lead
        self._empty()

    def _empty(self) -> None:
        self.random = random.Random(self.seed)  # noqa: S311  repeatable on purpose
        self.offset = timedelta(0)
        self.skew = timedelta(0)
        self.strict_match = False
        self.rotates_strictly = False
        self.forgets_returned = False
        self.finds_anywhere = False
        self.tenants: dict[str, Tenant] = {}
        self.accounts: dict[str, Account] = {}  # by object id
        self.calendars: dict[str, Calendar] = {}  # by key
        self.subscriptions: dict[str, Subscription] = {}
        self.clients: dict[str, Client] = {}
        self.codes: dict[str, AuthorizationCode] = {}
        self.grants: dict[str, Grant] = {}  # by object id and client
        self.access_tokens: dict[str, AccessToken] = {}
        self.transactions: dict[str, str] = {}  # mailbox and transactionId: immutable id and what was asked
        self.request_log: deque[Logged] = deque(maxlen=LOGGED)
        self.mailed: deque[tuple[str, str, str]] = deque(
            maxlen=LOGGED
        )  # letters to guests: why, whom, subject
        self.places: dict[str, tuple[str, str]] = {}  # event id of either kind: calendar key, immutable id
        self.requests = 0
        self.writes = 0
        self.edition = 0  # grows with every change of anything; a page may show itself again when it differs

    def reset(self, *, seed: int | None = None) -> None:
        """Forget everything, also the time that was advanced; the apps stay registered."""
        clients = self.clients
        self.seed = self.seed if seed is None else seed
        self._empty()
        self.clients = clients

    # --- time and chance -------------------------------------------------------------------------------

    def now(self) -> datetime:
        """The present instant, in whole milliseconds of UTC; what `advance` added included."""
        moment = self.clock() + self.offset
        return moment.astimezone(UTC).replace(microsecond=moment.microsecond // 1000 * 1000)

    def stamp(self) -> str:
        """The service's own idea of now, as it writes it (`2026-11-24T09:00:00.0000000Z`); may be skewed."""
        return f"{(self.now() + self.skew).replace(tzinfo=None).isoformat(timespec='microseconds')}0Z"

    def advance(self, by: timedelta) -> None:
        self.offset += by

    def letters(self, count: int, alphabet: str = BASE64) -> str:
        return "".join(self.random.choices(alphabet, k=count))

    def new_guid(self) -> str:
        """A random UUID, as Microsoft writes it."""
        digits = self.letters(32, HEX)
        third = f"4{digits[13:16]}"
        return f"{digits[:8]}-{digits[8:12]}-{third}-8{digits[17:20]}-{digits[20:]}"

    def new_change_key(self) -> str:
        """A changeKey nobody had before; the ETag is `W/"<changeKey>"`."""
        self.writes += 1
        return f"{self.letters(16)}{self.writes:08d}=="

    # --- people ----------------------------------------------------------------------------------------

    def add_tenant(self, domain: str, **values: Any) -> Tenant:
        """The organisation of a domain, made if it is not there."""
        for tenant in self.tenants.values():
            if tenant.name == domain:
                return tenant
        tenant = Tenant(self.new_guid(), domain, **values)
        self.tenants[tenant.id] = tenant
        return tenant

    def add_account(
        self,
        upn: str,
        *,
        name: str = "",
        mail: str = "",
        personal: bool = False,
        time_zone: str = "UTC",
        calendar: str = "Calendar",
    ) -> Account:
        """Make an account with its default calendar. Raise ValueError when the address is taken.

        Work accounts of one domain are in one tenant, personal ones in Microsoft's own.
        """
        upn = upn.lower()
        if self.account_of(upn) is not None:
            raise ValueError(f"there is an account {upn} already")
        shown = name or upn.partition("@")[0].replace(".", " ").title()
        given, _, surname = shown.partition(" ")
        oid = self.new_guid()
        account = Account(
            oid=f"00000000-0000-0000-{oid[19:]}" if personal else oid,
            tid=PERSONAL_TENANT if personal else self.add_tenant(upn.partition("@")[2]).id,
            upn=upn,
            mail=(mail or upn).lower(),
            name=shown,
            given_name=given,
            surname=surname,
            personal=personal,
            time_zone=time_zone,
        )
        self.accounts[account.oid] = account
        self.add_calendar(account, calendar, default=True)
        return account

    def account_of(self, name: str) -> Account | None:
        """Find somebody by object id, Graph id, userPrincipalName or mail address."""
        wanted = name.lower()
        for account in self.accounts.values():
            if wanted in (account.oid, account.id, account.upn, account.mail):
                return account
        return None

    def account(self, name: str) -> Account:
        """The same; raise KeyError when there is nobody."""
        found = self.account_of(name)
        if found is None:
            raise KeyError(name)
        return found

    # --- calendars and who may what ---------------------------------------------------------------------

    def add_calendar(
        self, owner: Account, name: str, *, default: bool = False, color: str = "auto", hex_color: str = ""
    ) -> Calendar:
        """Make a calendar in somebody's mailbox and put it on the list."""
        calendar = Calendar(key=self.letters(12, HEX), owner=owner.oid, default=default)
        self.calendars[calendar.key] = calendar
        self._list(owner, calendar, name, color, hex_color)
        return calendar

    def _list(
        self, account: Account, calendar: Calendar, name: str, color: str = "auto", hex_color: str = ""
    ) -> CalendarEntry:
        entry = CalendarEntry(
            id=self.new_calendar_id(),
            calendar=calendar.key,
            name=name,
            color=color,
            hex_color=hex_color or COLORS.get(color, ""),
            change_key=self.new_change_key(),
        )
        account.entries.append(entry)
        self.edition += 1
        return entry

    def new_calendar_id(self) -> str:
        return f"AAMkAG{self.letters(80, URL_SAFE)}BGAAAAAAA{self.letters(20, URL_SAFE)}AAA="

    def share(self, calendar: Calendar, account: Account, role: str) -> None:
        """Let an account have a calendar on its list, with a role of `ROLES`; `none` takes it away."""
        if role == "none":
            calendar.shares.pop(account.oid, None)
            account.entries = [one for one in account.entries if one.calendar != calendar.key]
        elif role in ROLES:
            calendar.shares[account.oid] = role
            if self.entry_of(account, calendar) is None:
                owner = self.accounts[calendar.owner]
                name = owner.name if calendar.default else self.entry(owner, calendar).name
                self._list(account, calendar, name)
        else:
            raise ValueError(f"no such role: {role}; there are {', '.join(ROLES)}")
        self.edition += 1

    def entry_of(self, account: Account, calendar: Calendar) -> CalendarEntry | None:
        """How an account has a calendar on its list."""
        return next((one for one in account.entries if one.calendar == calendar.key), None)

    def entry(self, account: Account, calendar: Calendar) -> CalendarEntry:
        """The same; raise KeyError when it is not on the list."""
        found = self.entry_of(account, calendar)
        if found is None:
            raise KeyError(calendar.key)
        return found

    def renew_calendar_id(self, account: Account, calendar: Calendar) -> str:
        """Give the calendar another id on an account's list, as Exchange does soon after creation."""
        entry = self.entry(account, calendar)
        entry.former.append(entry.id)
        entry.id = self.new_calendar_id()
        self.edition += 1
        return entry.id

    def remove_calendar(self, calendar: Calendar) -> None:
        """Delete a calendar for everybody who has it, with its events."""
        self.clear_calendar(calendar)
        calendar.deleted = True
        for account in self.accounts.values():
            account.entries = [one for one in account.entries if one.calendar != calendar.key]
        self.edition += 1

    def clear_calendar(self, calendar: Calendar) -> None:
        """Delete every event, as one by one."""
        for stored in list(calendar.events.values()):
            if not stored.deleted and not stored.series:
                self.delete(calendar, stored)

    def role(self, account: Account, calendar: Calendar) -> str:
        """What the account may do with the calendar: `owner`, one of ROLES, or nothing."""
        return "owner" if calendar.owner == account.oid else calendar.shares.get(account.oid, "")

    def may_write(self, account: Account, calendar: Calendar) -> bool:
        return not calendar.read_only and self.role(account, calendar) in ("owner", *WRITING_ROLES)

    def calendars_of(self, account: Account) -> list[Calendar]:
        """The calendars on an account's list, its default one first."""
        return [self.calendars[entry.calendar] for entry in account.entries]

    def default_calendar(self, account: Account) -> Calendar:
        return next(one for one in self.calendars_of(account) if one.default and one.owner == account.oid)

    def calendar_of(self, account: Account, calendar_id: str) -> Calendar | None:
        """Find a calendar by the id this account has for it."""
        for entry in account.entries:
            if entry.id == calendar_id:
                return self.calendars[entry.calendar]
        return None

    # --- events as they lie; the rules of writing them are in api/ ----------------------------------------

    def new_event_ids(self) -> tuple[str, str]:
        """A default id and an immutable id for an event."""
        return (
            f"AAMkAG{self.letters(90, URL_SAFE)}AEAAA=",
            f"AAkALgAAAAAAHYQD{self.letters(60, URL_SAFE)}AEA=",
        )

    def keep(self, calendar: Calendar, stored: StoredEvent, *, dropped: Sequence[str] = ()) -> StoredEvent:
        """Store a new version of an event: a change of the calendar that a delta will report.

        The version gets a new changeKey and lastModifiedDateTime. `dropped` are the days of the exceptions
        the series loses by it.
        """
        old = calendar.events.get(stored.immutable_id)
        calendar.changes += 1
        calendar.undo.append(Undo(calendar.changes, self.now(), stored.immutable_id, old))
        stored.change = calendar.changes
        stored.resource = stored.resource | {
            "changeKey": self.new_change_key(),
            "lastModifiedDateTime": self.stamp(),
        }
        if old is not None:
            stored.earlier, stored.former = old.earlier, old.former
            if old.id != stored.id:
                stored.former = [*old.former, Former(old.change, old.id)][-REMEMBERED_SHAPES:]
            if (shape := shape_of(old)) != shape_of(stored) or dropped:
                before = Earlier(calendar.changes, shape, list(dropped))
                stored.earlier = [*old.earlier, before][-REMEMBERED_SHAPES:]
        calendar.events[stored.immutable_id] = stored
        self._index(calendar, stored)
        self.edition += 1
        fresh = old is None or old.deleted
        kind = "deleted" if stored.deleted else "created" if fresh and not stored.series else "updated"
        if not (stored.deleted and old is not None and old.deleted):
            self._tell(Change(calendar.key, kind, stored))
        return stored

    def drop_exceptions(self, calendar: Calendar, series: str) -> list[str]:
        """Forget what was changed or deleted of a series alone, as a new rule does; return the days."""
        days = []
        for other in self.exceptions(calendar, series):
            calendar.undo.append(Undo(calendar.changes, self.now(), other.immutable_id, other))
            del calendar.events[other.immutable_id]
            days.append(other.original)
        return days

    def delete(self, calendar: Calendar, stored: StoredEvent) -> StoredEvent:
        """Leave a tombstone; a series takes its changed occurrences along."""
        for other in self.exceptions(calendar, stored.immutable_id):
            if not other.deleted:
                self.keep(calendar, _gone(other))
        return self.keep(calendar, _gone(stored))

    def move(self, stored: StoredEvent, source: Calendar, target: Calendar) -> StoredEvent:
        """Put an event (a series with its exceptions) into another calendar of the same mailbox.

        Its default id is another one afterwards; the immutable id stays, unless the mailbox is another.
        """
        same = source.owner == target.owner
        others = self.exceptions(source, stored.immutable_id)
        default_id, immutable_id = self.new_event_ids()
        moved = renewed(stored, id=default_id, immutable_id=stored.immutable_id if same else immutable_id)
        copies = []
        for other in others:
            ids = occurrence_ids(moved, other.original)
            copies.append(renewed(other, id=ids[0], immutable_id=ids[1], series=moved.immutable_id))
        self.delete(source, stored)
        kept = self.keep(target, moved)
        for copy in copies:
            self.keep(target, copy)
        return kept

    def _index(self, calendar: Calendar, stored: StoredEvent) -> None:
        if stored.series:
            calendar.by_series.setdefault(stored.series, set()).add(stored.immutable_id)
        place = (calendar.key, stored.immutable_id)
        self.places[stored.id] = place
        known = self.places.get(stored.immutable_id)
        if known is None or known[0] == calendar.key or not stored.deleted:
            self.places[stored.immutable_id] = place

    def find_event(self, event_id: str) -> tuple[Calendar, StoredEvent] | None:
        """Find a stored event that is alive, by an id of either kind."""
        place = self.places.get(event_id)
        if place is None:
            return None
        calendar = self.calendars[place[0]]
        stored = calendar.events.get(place[1])
        if stored is None or stored.deleted or event_id not in (stored.id, stored.immutable_id):
            return None
        return calendar, stored

    def exceptions(self, calendar: Calendar, series: str) -> list[StoredEvent]:
        """The changed and deleted occurrences of a series, in a fixed order."""
        return exceptions_in(calendar.events, calendar, series)

    def as_it_was(
        self, calendar: Calendar, changes_ago: int, *, within: float | None = None
    ) -> tuple[dict[str, StoredEvent], int]:
        """The events as they lay some changes ago, and the number of the change that was the latest then.

        `within`: only of the changes of so many last seconds.
        """
        return undoing.as_it_was(
            calendar.events,
            reversed(calendar.undo),
            latest=calendar.changes,
            changes_ago=changes_ago,
            since=None if within is None else self.now() - timedelta(seconds=within),
        )

    def _tell(self, change: Change) -> None:
        for watcher in self.watchers:
            watcher(change)

    # --- clients, consent and tokens; the rules of OAuth are in oauth.py -----------------------------------

    def grant_of(self, account: Account, client_id: str) -> Grant | None:
        return self.grants.get(f"{account.oid} {client_id}")

    def grant(self, account: Account, client_id: str, scopes: Iterable[str]) -> Grant:
        """Add scopes to what the account allowed the client; nothing is taken away."""
        key = f"{account.oid} {client_id}"
        grant = self.grants.setdefault(key, Grant(account.oid, client_id, granted=self.now()))
        grant.scopes += [scope for scope in dict.fromkeys(scopes) if scope not in grant.scopes]
        self.edition += 1
        return grant

    def issue_code(
        self,
        account: Account,
        client_id: str,
        scopes: Iterable[str],
        *,
        redirect_uri: str,
        tenant: str = "common",
        code_challenge: str = "",
        code_challenge_method: str = "",
        nonce: str = "",
    ) -> AuthorizationCode:
        """Make an authorization code, good for ten minutes and one use."""
        code = AuthorizationCode(
            code=f"0.A{self.letters(200, URL_SAFE)}",
            client_id=client_id,
            account=account.oid,
            redirect_uri=redirect_uri,
            scopes=list(scopes),
            expires=self.now() + CODE_LIFETIME,
            tenant=tenant,
            code_challenge=code_challenge,
            code_challenge_method=code_challenge_method,
            nonce=nonce,
        )
        self.codes[code.code] = code
        return code

    def issue_refresh_token(
        self,
        account: Account,
        client_id: str,
        scopes: Iterable[str],
        *,
        instead_of: RefreshToken | None = None,
    ) -> RefreshToken:
        """Add a refresh token to the grant; the one it stands for counts as replaced from now on."""
        scopes = list(scopes)
        token = RefreshToken(f"0.A{self.letters(300, URL_SAFE)}", scopes, self.now(), self.now())
        if instead_of is not None and instead_of.replaced is None:
            instead_of.replaced = self.now()
        self.grant(account, client_id, scopes).refresh_tokens.append(token)
        return token

    def refresh_token(self, token: str) -> tuple[Grant, RefreshToken] | None:
        """Find a refresh token that works now: in a grant, used within 90 days.

        A replaced one goes on working, unless `rotates_strictly` is on.
        """
        now = self.now()
        for grant in self.grants.values():
            for known in grant.refresh_tokens:
                if known.token != token:
                    continue
                old = known.replaced is not None and (
                    self.rotates_strictly or now - known.replaced >= OLD_REFRESH_TOKENS
                )
                return None if old or now - known.last_used >= REFRESH_LIFETIME else (grant, known)
        return None

    def issue_access_token(
        self,
        account: Account,
        client_id: str,
        scopes: Iterable[str],
        *,
        lifetime: timedelta = TOKEN_LIFETIME,
    ) -> AccessToken:
        """Make an access token. Tests may call it without any consent: the grant is made on the way."""
        scopes = list(scopes)
        self.grant(account, client_id, scopes)
        value = f"EwB{self.letters(200, URL_SAFE)}"  # opaque to apps, says Microsoft; no JWT on purpose
        token = AccessToken(value, account.oid, client_id, scopes, self.now() + lifetime)
        self.access_tokens[value] = token
        return token

    def bearer(self, token: str) -> AccessToken | None:
        """Find an access token that counts now: known, not revoked, not expired, its account alive."""
        found = self.access_tokens.get(token)
        if found is None or found.revoked or found.expires <= self.now():
            return None
        account = self.accounts.get(found.account)
        return None if account is None or account.suspended else found

    def revoke_grant(self, account: Account, client_id: str) -> bool:
        """End all that the account allowed the client: tokens, codes, subscriptions. False: nothing was."""
        ended = self.grants.pop(f"{account.oid} {client_id}", None)
        for token in self.access_tokens.values():
            if (token.account, token.client_id) == (account.oid, client_id):
                token.revoked = True
        for code in self.codes.values():
            if (code.account, code.client_id) == (account.oid, client_id):
                code.used = True
        for subscription in self.subscriptions.values():
            if (subscription.account, subscription.client_id) == (account.oid, client_id):
                subscription.removed = True
        self.edition += 1
        return ended is not None

    # --- the log ----------------------------------------------------------------------------------------

    def note(self, logged: Logged) -> None:
        """Keep a request in the log and tell those who listen."""
        self.request_log.append(logged)
        for hook in self.log_hooks:
            hook(logged)

    # --- a file -----------------------------------------------------------------------------------------

    def as_saved(self) -> Resource:
        """Everything but the log, as JSON can write it."""
        state = {name: saved.plain(getattr(self, name)) for name in SAVED}
        return state | {"random": saved.plain(self.random.getstate())}

    def restore(self, state: Resource) -> None:
        """Replace everything by what `as_saved` gave."""
        self._empty()
        for name, kind in SAVED.items():
            if name in state:
                setattr(self, name, saved.built(kind, state[name]))
        version, internal, gauss = state["random"]
        self.random.setstate((version, tuple(internal), gauss))
        for calendar in self.calendars.values():
            for stored in sorted(calendar.events.values(), key=lambda one: one.change):
                self._index(calendar, stored)

    def save(self, path: Path) -> None:
        """Write everything but the log to a JSON file, whole or not at all; readable by its owner only."""
        with self.lock:
            state = self.as_saved()
        saved.write(path, state | {"version": 1})

    def load(self, path: Path) -> None:
        """Replace everything by what a file says. Raise ValueError for a file that is not one of ours."""
        state = saved.read(path)
        with self.lock:
            self.restore(state)


def exceptions_in(events: dict[str, StoredEvent], calendar: Calendar, series: str) -> list[StoredEvent]:
    """The same among some events of the calendar, as they were once."""
    return [events[id_] for id_ in sorted(calendar.by_series.get(series, ())) if id_ in events]


def occurrence_ids(master: StoredEvent, day: str) -> tuple[str, str]:
    """The default and the immutable id of a series' occurrence on a day (`2026-11-24`)."""
    immutable = f"{master.immutable_id.removesuffix('AEA=')}FRAAI{day.replace('-', '')}EA="
    return occurrence_id(master.id, day), immutable


def occurrence_id(default_id: str, day: str) -> str:
    """The default id of an occurrence, by its master's."""
    return f"{default_id.removesuffix('AEAAA=')}FRAAI{day.replace('-', '')}EAAA="


def renewed(stored: StoredEvent, **values: Any) -> StoredEvent:
    """A version of its own, to be changed and kept."""
    copied = {
        "resource": dict(stored.resource),
        "extended": dict(stored.extended),
    }
    return replace(stored, **(copied | {"known": {}, "earlier": [], "former": []} | values))


def _gone(stored: StoredEvent) -> StoredEvent:
    return renewed(stored, deleted=True)


SAVED: dict[str, Any] = {
    "seed": int,
    "offset": timedelta,
    "skew": timedelta,
    "strict_match": bool,
    "rotates_strictly": bool,
    "forgets_returned": bool,
    "finds_anywhere": bool,
    "writes": int,
    "requests": int,
    "edition": int,
    "tenants": dict[str, Tenant],
    "accounts": dict[str, Account],
    "calendars": dict[str, Calendar],
    "subscriptions": dict[str, Subscription],
    "clients": dict[str, Client],
    "codes": dict[str, AuthorizationCode],
    "grants": dict[str, Grant],
    "access_tokens": dict[str, AccessToken],
    "transactions": dict[str, str],
}
