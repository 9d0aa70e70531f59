"""What the Google stand-in knows: accounts, calendars, events, channels and grants, in one plain object.

`World` needs no server: it is called in process by the API (`api/`), the sign-in pages (`oauth.py`), the
owner's calendar page and tests. It never looks at a clock of its own and draws every random thing from one
seeded generator, so the same calls give the same answers.

    world = World(clock=utc_now, seed=1)
    ana = world.add_account("ana@example.org", name="Ana Ortiz", time_zone="Europe/Madrid")
    team = world.add_calendar(ana, "Front desk")
    token = world.issue_access_token(ana, "some-client", [CALENDAR])

Hold `world.lock` around anything that reads or writes it while a server runs in another thread.
"""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from calendar_sandbox.standin import saved, undoing
from calendar_sandbox.standin.undoing import REMEMBERED, Undo

Clock = Callable[[], datetime]
Resource = dict[str, Any]

CALENDAR = "https://www.googleapis.com/auth/calendar"
READING_ROLES = ("reader", "writerWithoutPrivateAccess", "writer", "owner")
WRITING_ROLES = ("writerWithoutPrivateAccess", "writer", "owner")
ROLES = ("freeBusyReader", *READING_ROLES)  # from least to most

CODE_LIFETIME = timedelta(minutes=10)
TOKEN_LIFETIME = timedelta(seconds=3600)
MOST_REFRESH_TOKENS = 100  # per account and client; one more, and the oldest stops working without a word
REMEMBERED_SHAPES = 50  # of one event
LOGGED = 2000  # requests kept for `request_log`

ALPHABET = "0123456789abcdefghijklmnopqrstuv"  # base32hex, what event ids are made of
URL_SAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@dataclass
class ListEntry:
    """A calendar on one account's list; `change` numbers this account's list for its sync token."""

    calendar_id: str
    color_id: str = "14"
    background: str = ""  # else the one of color_id
    foreground: str = "#000000"
    selected: bool = True
    hidden: bool = False
    summary_override: str = ""
    reminders: list[Resource] = field(default_factory=list)
    deleted: bool = False
    change: int = 0


@dataclass
class Account:
    """A person at Google. `sub` never changes; `email` is also the id of the primary calendar."""

    sub: str
    email: str
    name: str
    given_name: str = ""
    family_name: str = ""
    picture: str = ""
    time_zone: str = "UTC"
    locale: str = "en"
    entries: dict[str, ListEntry] = field(default_factory=dict)  # by calendar id
    list_changes: int = 0
    suspended: bool = False


@dataclass
class Earlier:
    """The shape an event had until a change; see StoredEvent."""

    until: int
    shape: Resource


@dataclass
class StoredEvent:
    """An event as it lies in one calendar, and what the API needs to know beside it.

    A deleted event stays with `status: cancelled`: its id is never free again. An exception of a series is an
    event of its own whose `resource` has `recurringEventId` and `originalStartTime`. `change` is the number
    of the calendar's change that last touched it. `earlier` remembers the shapes (times and rules) a series
    had before, each with the change that ended it: a sync must say which instances are gone.
    """

    resource: Resource
    change: int
    moved_away: bool = False  # lives on in another calendar
    earlier: list[Earlier] = field(default_factory=list)
    known: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False, metadata={"saved": False})

    @property
    def deleted(self) -> bool:
        return bool(self.resource.get("status") == "cancelled")

    @property
    def id(self) -> str:
        return str(self.resource["id"])

    @property
    def series(self) -> str:
        """The id of the recurring event this is an exception of, or nothing."""
        return str(self.resource.get("recurringEventId", ""))


@dataclass
class Calendar:
    """A calendar. `acl` maps an account's address to its role, and `default` to everybody's."""

    id: str
    summary: str
    time_zone: str
    owner: str  # an account's address; empty for a calendar of Google's own (holidays)
    description: str = ""
    location: str = ""
    primary: bool = False
    acl: dict[str, str] = field(default_factory=dict)
    refuses_push: bool = False  # holidays, birthdays, rooms
    made_by: str = ""  # the client that made it over the API; what the scope calendar.app.created is about
    etag: str = ""
    events: dict[str, StoredEvent] = field(default_factory=dict)
    changes: int = 0  # number of the latest change; sync tokens name it
    epoch: int = 0  # grows when all sync tokens given out so far expire
    updated: datetime | None = None
    deleted: bool = False
    # the latest changes, newest last
    undo: deque[Undo[StoredEvent]] = field(
        default_factory=lambda: deque(maxlen=REMEMBERED), metadata={"saved": False}
    )
    by_series: dict[str, set[str]] = field(default_factory=dict, metadata={"saved": False})
    by_uid: dict[str, list[str]] = field(default_factory=dict, metadata={"saved": False})


@dataclass
class Channel:
    """A watch channel; `resource` is what is watched, as `events:<calendar id>` or `list:<account>`."""

    id: str
    resource: str
    resource_id: str
    resource_uri: str
    address: str
    account: str
    client_id: str
    expires: datetime
    token: str = ""
    message_number: int = 1
    stopped: bool = False


@dataclass
class Client:
    """An app registered with Google. Without `redirect_uris` any loopback address is taken."""

    id: str
    secret: str = ""
    name: str = ""
    redirect_uris: list[str] = field(default_factory=list)
    testing: bool = False  # consent screen "External, Testing": refresh tokens die after 7 days
    scopes_offered: list[str] = field(default_factory=list)


@dataclass
class AuthorizationCode:
    """A code between consent and token; good for one use."""

    code: str
    client_id: str
    account: str
    redirect_uri: str
    scopes: list[str]
    expires: datetime
    code_challenge: str = ""
    code_challenge_method: str = ""
    nonce: str = ""
    offline: bool = False
    used: bool = False
    refresh_token: str = ""  # what it was exchanged for


@dataclass
class RefreshToken:
    token: str
    scopes: list[str]
    issued: datetime
    last_used: datetime


@dataclass
class Grant:
    """What an account allowed a client; revoking any token of it ends all of it."""

    account: str
    client_id: str
    scopes: list[str] = field(default_factory=list)
    granted: datetime | None = None
    refresh_tokens: list[RefreshToken] = field(default_factory=list)


@dataclass
class AccessToken:
    token: str
    account: str
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
    account: str = ""
    client_id: str = ""
    call: str = ""  # the API method's id, `calendar.events.list`
    reason: str = ""
    fault: str = ""
    milliseconds: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)  # without Authorization
    body: str = ""


def shape_of(resource: Resource) -> Resource:
    """What decides which instances an event has; nothing for a deleted one."""
    if resource.get("status") == "cancelled":
        return {}
    return {name: resource[name] for name in ("start", "end", "recurrence") if name in resource}


Watcher = Callable[[str], None]


class World:
    """All of it. `watchers` are called with the name of a resource after each change of it."""

    def __init__(self, *, clock: Clock, seed: int = 0) -> None:
        self.clock = clock
        self.seed = seed
        self.lock = threading.RLock()
        self.log_hooks: list[Callable[[Logged], None]] = []
        self.watchers: list[Watcher] = []
        self.root_url = "https://www.google.com"  # where links into the calendar lead
        self._empty()

    def _empty(self) -> None:
        self.random = random.Random(self.seed)  # noqa: S311  repeatable on purpose
        self.offset = timedelta(0)
        self.skew = timedelta(0)
        self.accounts: dict[str, Account] = {}
        self.calendars: dict[str, Calendar] = {}
        self.channels: dict[str, Channel] = {}  # by client id and channel id
        self.clients: dict[str, Client] = {}
        self.codes: dict[str, AuthorizationCode] = {}
        self.grants: dict[str, Grant] = {}  # by account and client
        self.access_tokens: dict[str, AccessToken] = {}
        self.request_log: deque[Logged] = deque(maxlen=LOGGED)
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
        """The service's own idea of now, as it writes it (`2026-11-24T09:00:00.000Z`); may be skewed."""
        return f"{(self.now() + self.skew).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"

    def advance(self, by: timedelta) -> None:
        self.offset += by

    def letters(self, count: int, alphabet: str = ALPHABET) -> str:
        return "".join(self.random.choices(alphabet, k=count))

    def new_etag(self) -> str:
        """A strong, quoted ETag nobody had before."""
        self.writes += 1
        return f'"{int(self.now().timestamp())}{self.writes:06d}"'

    # --- people ----------------------------------------------------------------------------------------

    def add_account(
        self, email: str, *, name: str = "", time_zone: str = "UTC", picture: str = ""
    ) -> Account:
        """Make an account with its primary calendar. Raise ValueError when the address is taken."""
        email = email.lower()
        if email in self.accounts:
            raise ValueError(f"there is an account {email} already")
        shown = name or email.partition("@")[0].replace(".", " ").title()
        given, _, family = shown.partition(" ")
        account = Account(
            sub=f"1{self.random.randrange(10**20):020d}",
            email=email,
            name=shown,
            given_name=given,
            family_name=family,
            picture=picture,
            time_zone=time_zone,
        )
        self.accounts[email] = account
        self.add_calendar(account, email, id=email, primary=True)
        return account

    def account(self, email: str) -> Account:
        """Raise KeyError for an address nobody has."""
        return self.accounts[email.lower()]

    # --- calendars and who may what ---------------------------------------------------------------------

    def add_calendar(
        self,
        owner: Account | None,
        summary: str,
        *,
        id: str = "",
        time_zone: str = "",
        primary: bool = False,
        description: str = "",
        refuses_push: bool = False,
    ) -> Calendar:
        """Make a calendar; its owner has it on the list. Without an owner it is one of Google's own."""
        calendar = Calendar(
            id=id or f"c_{self.letters(64)}@group.calendar.google.com",
            summary=summary,
            time_zone=time_zone or (owner.time_zone if owner else "UTC"),
            owner=owner.email if owner else "",
            description=description,
            primary=primary,
            refuses_push=refuses_push,
            etag=self.new_etag(),
            updated=self.now(),
        )
        self.calendars[calendar.id] = calendar
        if owner:
            self.share(calendar, owner.email, "owner")
        return calendar

    def share(self, calendar: Calendar, email: str, role: str) -> None:
        """Give an account (or `default`, everybody) a role; role `none` takes it away.

        An account that is here has the calendar on its list from now on, and off it without a role.
        """
        email = email.lower()
        if role == "none":
            calendar.acl.pop(email, None)
        elif role in ROLES:
            calendar.acl[email] = role
        else:
            raise ValueError(f"no such role: {role}")
        for account in self.accounts.values():
            if account.email == email and role != "none":
                self.subscribe(account, calendar)
            elif not self.role(account, calendar):
                self._lose(account, calendar)
        self.calendar_touched(calendar)

    def subscribe(self, account: Account, calendar: Calendar) -> ListEntry:
        """Put a calendar on an account's list, or back on it."""
        entry = account.entries.get(calendar.id)
        if entry is None:
            colour = str(len(account.entries) * 7 % 24 + 1)
            primary = [{"method": "popup", "minutes": 30}]
            own = calendar.primary and calendar.owner == account.email
            entry = ListEntry(calendar.id, color_id=colour, reminders=primary if own else [])
            account.entries[calendar.id] = entry
            entry.deleted = True
        if entry.deleted:
            entry.deleted = False
            self.touch_list(account, calendar.id)
        return entry

    def touch_list(self, account: Account, calendar_id: str) -> None:
        """Note that an entry of an account's list differs now.

        Another role alone is no difference, says the reference of calendarList.list; losing all access is.
        """
        entry = account.entries[calendar_id]
        account.list_changes += 1
        entry.change = account.list_changes
        self.tell(f"list:{account.email}")

    def remove_calendar(self, calendar: Calendar) -> None:
        """Delete a calendar for everybody who has it; its id stays taken."""
        calendar.deleted = True
        for account in self.accounts.values():
            self._lose(account, calendar)
        self.tell(f"events:{calendar.id}")

    def _lose(self, account: Account, calendar: Calendar) -> None:
        entry = account.entries.get(calendar.id)
        if entry is not None and not entry.deleted:
            entry.deleted = True
            self.touch_list(account, calendar.id)

    def clear_calendar(self, calendar: Calendar) -> None:
        """Delete every event, as one by one."""
        for stored in list(calendar.events.values()):
            if not stored.deleted:
                gone = {"status": "cancelled", "etag": self.new_etag(), "updated": self.stamp()}
                self.keep(calendar, stored.resource | gone)

    def open_channel(self, key: str, channel: Channel) -> None:
        """Keep a channel and let the one who delivers say `sync` on it."""
        self.channels[key] = channel
        self.tell(f"channel:{key}")

    def calendar_touched(self, calendar: Calendar) -> None:
        """Note that a calendar's own properties differ now."""
        calendar.etag = self.new_etag()
        self.edition += 1

    def role(self, account: Account, calendar: Calendar) -> str:
        """Return the account's role on the calendar, or nothing."""
        roles = [calendar.acl.get(account.email, ""), calendar.acl.get("default", "")]
        known = [role for role in roles if role in ROLES]
        return max(known, key=ROLES.index, default="")

    def calendar_of(self, account: Account, calendar_id: str) -> Calendar | None:
        """Find a calendar the account may see at all; `primary` is its own."""
        wanted = account.email if calendar_id == "primary" else calendar_id
        calendar = self.calendars.get(wanted) or self.calendars.get(wanted.lower())
        if calendar is None or calendar.deleted or not self.role(account, calendar):
            return None
        return calendar

    # --- events as they lie; the rules of writing them are in api/events.py --------------------------------

    def keep(self, calendar: Calendar, resource: Resource, *, moved_away: bool = False) -> StoredEvent:
        """Store a new version of an event: a change of the calendar that a sync will report."""
        old = calendar.events.get(resource["id"])
        calendar.changes += 1
        calendar.undo.append(Undo(calendar.changes, self.now(), resource["id"], old))
        stored = StoredEvent(resource, calendar.changes, moved_away)
        if old is not None:
            stored.earlier = old.earlier
            if (shape := shape_of(old.resource)) != shape_of(resource):
                stored.earlier = [*old.earlier, Earlier(calendar.changes, shape)][-REMEMBERED_SHAPES:]
        calendar.events[stored.id] = stored
        self._index(calendar, stored)
        calendar.updated = self.now()
        self.tell(f"events:{calendar.id}")
        return stored

    @staticmethod
    def _index(calendar: Calendar, stored: StoredEvent) -> None:
        if stored.series:
            calendar.by_series.setdefault(stored.series, set()).add(stored.id)
        same = calendar.by_uid.setdefault(str(stored.resource.get("iCalUID", "")), [])
        if stored.id not in same:
            same.append(stored.id)

    def exceptions(self, calendar: Calendar, series: str) -> list[StoredEvent]:
        """The exceptions of a recurring event, cancelled ones too, in a fixed order."""
        return [calendar.events[id_] for id_ in sorted(calendar.by_series.get(series, ()))]

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

    def tell(self, resource: str) -> None:
        """Tell the watchers that a resource differs now."""
        self.edition += 1
        for watcher in self.watchers:
            watcher(resource)

    # --- clients, consent and tokens; the rules of OAuth are in oauth.py -----------------------------------

    def grant_of(self, account: Account, client_id: str) -> Grant | None:
        return self.grants.get(f"{account.email} {client_id}")

    def grant(self, account: Account, client_id: str, scopes: Iterable[str]) -> Grant:
        """Add scopes to what the account allowed the client; nothing is taken away."""
        key = f"{account.email} {client_id}"
        grant = self.grants.setdefault(key, Grant(account.email, client_id, granted=self.now()))
        grant.scopes += [scope for scope in dict.fromkeys(scopes) if scope not in grant.scopes]
        return grant

    def issue_code(
        self,
        account: Account,
        client_id: str,
        scopes: Iterable[str],
        *,
        redirect_uri: str,
        code_challenge: str = "",
        code_challenge_method: str = "",
        nonce: str = "",
        offline: bool = False,
    ) -> AuthorizationCode:
        """Make an authorization code, good for ten minutes and one use."""
        code = AuthorizationCode(
            code=f"4/0A{self.letters(60, URL_SAFE)}",
            client_id=client_id,
            account=account.email,
            redirect_uri=redirect_uri,
            scopes=list(scopes),
            expires=self.now() + CODE_LIFETIME,
            code_challenge=code_challenge,
            code_challenge_method=code_challenge_method,
            nonce=nonce,
            offline=offline,
        )
        self.codes[code.code] = code
        return code

    def issue_refresh_token(self, account: Account, client_id: str, scopes: Iterable[str]) -> RefreshToken:
        """Add a refresh token to the grant; past a hundred the oldest one stops working."""
        scopes = list(scopes)
        token = RefreshToken(f"1//0{self.letters(90, URL_SAFE)}", scopes, self.now(), self.now())
        grant = self.grant(account, client_id, scopes)
        grant.refresh_tokens = [*grant.refresh_tokens, token][-MOST_REFRESH_TOKENS:]
        return token

    def refresh_token(self, token: str) -> tuple[Grant, RefreshToken] | None:
        """Find a refresh token that has not been revoked. Its age is for the caller to judge."""
        for grant in self.grants.values():
            for known in grant.refresh_tokens:
                if known.token == token:
                    return grant, known
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
        value = f"ya29.a0{self.letters(120, URL_SAFE)}"
        token = AccessToken(value, account.email, client_id, scopes, self.now() + lifetime)
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
        """End all that the account allowed the client: tokens, codes, channels. False: there was nothing."""
        ended = self.grants.pop(f"{account.email} {client_id}", None)
        for token in self.access_tokens.values():
            if (token.account, token.client_id) == (account.email, client_id):
                token.revoked = True
        for code in self.codes.values():
            if (code.account, code.client_id) == (account.email, client_id):
                code.used = True
        for channel in self.channels.values():
            if (channel.account, channel.client_id) == (account.email, client_id):
                channel.stopped = True
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
            setattr(self, name, saved.built(kind, state[name]))
        version, internal, gauss = state["random"]
        self.random.setstate((version, tuple(internal), gauss))
        for calendar in self.calendars.values():
            for stored in calendar.events.values():
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


SAVED: dict[str, Any] = {
    "seed": int,
    "offset": timedelta,
    "skew": timedelta,
    "writes": int,
    "requests": int,
    "edition": int,
    "accounts": dict[str, Account],
    "calendars": dict[str, Calendar],
    "channels": dict[str, Channel],
    "clients": dict[str, Client],
    "codes": dict[str, AuthorizationCode],
    "grants": dict[str, Grant],
    "access_tokens": dict[str, AccessToken],
}
