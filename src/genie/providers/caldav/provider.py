"""The port over a CalDAV server (RFC 4791, 6578), by our own conditional requests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit
from xml.sax.saxutils import escape

from genie.core.errors import (
    CalendarGone,
    CursorExpired,
    Gone,
    IdentityTaken,
    Malformed,
    ProviderFault,
    Rejected,
    StaleVersion,
    Transient,
)
from genie.core.event import EventContent
from genie.providers.caldav import collections, mapping
from genie.providers.caldav.dav import ICS, Answer, Dav, canonical, normalised, quoted
from genie.providers.caldav.listing import Gathering, Listing
from genie.providers.caldav.multistatus import CS, C, D, Multistatus, Response, TooLarge, Unreadable
from genie.providers.ical import zones
from genie.providers.ical.times import Setting, needs_zone
from genie.providers.port import (
    Account,
    CalendarInfo,
    Changed,
    ChangePage,
    EventIdentity,
    RemoteEvent,
    Renew,
    Secret,
    Window,
    renew_alone,
)
from genie.providers.registry import ProviderSettings

BATCH = 80
"""Events asked for in one `calendar-multiget`."""

TRUNCATIONS = 1_000
"""How often in a row a server may say that there is more (507), before it is taken to go in circles."""

TOO_LARGE = "This event is too large to be read: its attachments would have to be taken out."

UNKNOWN_VERSION = "?"
"""A version no event ever has: the next conditional write is refused, and the event is read again."""

NAMESPACES = 'xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"'
SYNC = (
    '<?xml version="1.0" encoding="utf-8"?><d:sync-collection {}><d:sync-token>{}</d:sync-token>'
    "<d:sync-level>1</d:sync-level><d:prop><d:getetag/><d:getcontentlength/></d:prop></d:sync-collection>"
)
MULTIGET = (
    '<?xml version="1.0" encoding="utf-8"?><c:calendar-multiget {}><d:prop><d:getetag/><c:calendar-data/>'
    "</d:prop>{}</c:calendar-multiget>"
)
QUERY = (
    '<?xml version="1.0" encoding="utf-8"?><c:calendar-query {}>'
    "<d:prop><d:getetag/><c:calendar-data/></d:prop><c:filter>"
    '<c:comp-filter name="VCALENDAR"><c:comp-filter name="VEVENT"><c:prop-filter name="{}">'
    '<c:text-match collation="i;octet">{}</c:text-match>'
    "</c:prop-filter></c:comp-filter></c:comp-filter></c:filter></c:calendar-query>"
)


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as the server handed it out."""

    id: str
    version: str
    text: str


class CalDav:
    """One key: a user of one CalDAV server."""

    kind = "caldav"

    def __init__(self, secret: Secret, settings: ProviderSettings, renew: Renew = renew_alone) -> None:
        """`secret` is what `auth.authorize` returned."""
        self._principal: str = secret["principal"]
        self._homes: list[str] = list(secret["homes"])
        self._user: str = secret["user"]
        self._addresses = frozenset(secret.get("addresses", ()))
        self._settings = settings
        self._zones: dict[str, str] = {}
        server = secret.get("server") or self._principal
        scheme = secret.get("scheme", "basic")
        self._dav = Dav(server, self._user, secret["password"], scheme, settings)

    def close(self) -> None:
        self._dav.close()

    # --- the account

    def account(self) -> Account:
        self._demand(self._dav.propfind(self._principal, "<d:resourcetype/>"))
        return collections.account_of(self._principal, self._user)

    def calendars(self) -> list[CalendarInfo]:
        found: dict[str, CalendarInfo] = {}
        for home in self._homes:
            answer = self._demand(self._dav.propfind(home, collections.PROPERTIES, depth=1))
            found.update((info.id, info) for info in collections.calendars_of(answer, self._homes[0]))
        return list(found.values())

    # --- one event

    def create(self, calendar_id: str, identity: EventIdentity, content: EventContent) -> RemoteEvent:
        event_id = f"{identity.key}-{identity.generation}.ics"
        text = mapping.written(identity, content, now=self._settings.clock())
        answer = self._put(calendar_id, event_id, text, {"If-None-Match": "*"})
        if answer.ok:
            return self._as_stored(calendar_id, event_id, text, answer)
        if answer.status == 412:
            return self._adopted(calendar_id, event_id, identity)
        if answer.status in (403, 404, 409, 410):
            self._demand_calendar(calendar_id)
        if answer.status == 409 or (answer.status in (400, 403) and is_uid_conflict(answer)):
            return self._found_elsewhere(calendar_id, identity)
        raise self._refusal(answer)

    def get(self, calendar_id: str, event_id: str) -> RemoteEvent:
        return self._remote(calendar_id, self._stored(calendar_id, event_id))

    def update(self, calendar_id: str, event_id: str, content: EventContent, *, version: str) -> RemoteEvent:
        stored = self._stored(calendar_id, event_id)
        if stored.version != version:
            raise StaleVersion("Somebody changed the event on the calendar first.")
        why = self._remote(calendar_id, stored).read_only_why
        if why:
            raise Rejected(why)
        setting = self._setting(calendar_id)
        text = mapping.edited(stored.text, content, setting, now=self._settings.clock())
        answer = self._put(calendar_id, event_id, text, {"If-Match": quoted(version)})
        if answer.ok:
            return self._as_stored(calendar_id, event_id, text, answer)
        if answer.status in (404, 409, 410, 412):
            self._stored(calendar_id, event_id)  # Gone and CalendarGone are told apart here
            if answer.status == 412:
                raise StaleVersion("Somebody changed the event on the calendar first.")
        raise self._refusal(answer)

    def delete(self, calendar_id: str, event_id: str, *, version: str) -> bool:
        url = self._url(calendar_id, event_id)
        answer = self._dav.ask("DELETE", url, headers={"If-Match": quoted(version)})
        if answer.ok:
            return True
        if answer.status in (403, 404, 409, 410, 412):
            try:
                self._stored(calendar_id, event_id)
            except Gone:
                return False
            if answer.status == 412:
                raise StaleVersion("Somebody changed the event on the calendar first.")
        raise self._refusal(answer)

    def find(self, calendar_id: str, key: str) -> list[RemoteEvent]:
        found: list[RemoteEvent] = []
        for name in (mapping.KEY_PROPERTY, "UID"):  # some servers do not filter by what they do not know
            answer = self._dav.report(
                self._url(calendar_id), QUERY.format(NAMESPACES, name, escape(key)), depth=1
            )
            if answer.status == 207:
                found = self._bearers(calendar_id, answer.multistatus(), key)
            elif answer.status in (404, 410) or name == "UID":
                raise self._calendar_fault(answer)
            if found:
                break
        return found

    # --- many events

    def changes(
        self, calendar_id: str, *, cursor: str | None, window: Window, known: Mapping[str, str]
    ) -> Iterator[ChangePage]:
        listing = self._listing(calendar_id, cursor, known)
        names = list(listing.versions)
        batches = [names[n : n + BATCH] for n in range(0, len(names), BATCH)] or [[]]
        gone = list(listing.gone)
        for number, batch in enumerate(batches, start=1):
            changed, missing = self._looked_at(calendar_id, batch, listing, window)
            yield ChangePage(
                changed=changed,
                removed=gone + missing,
                cursor=listing.cursor if number == len(batches) else None,
                full=cursor is None,
            )
            gone = []

    # --- within: listings

    def _listing(self, calendar_id: str, cursor: str | None, known: Mapping[str, str]) -> Listing:
        if cursor is None:
            return self._first_listing(calendar_id)
        mode, _, token = cursor.partition(":")
        if mode == "sync":
            return self._synced(calendar_id, token)
        if mode == "ctag":
            return self._tagged(calendar_id, token, known)
        raise CursorExpired("How far the calendar was read is not known any more.")

    def _first_listing(self, calendar_id: str) -> Listing:
        """Everything: by an empty sync token, else by names and ETags."""
        try:
            return self._synced(calendar_id, "")
        except CursorExpired:
            tag = self._tag(calendar_id)
            return self._named(calendar_id, tag)

    def _synced(self, calendar_id: str, token: str) -> Listing:
        """What changed since `token`, all truncated answers together (RFC 6578, 3.6)."""
        gathered = self._gathering(calendar_id)
        for _ in range(TRUNCATIONS):
            gathered.more = False
            following = self._next_token(calendar_id, token, gathered)
            if not following or (gathered.more and following == token):
                raise CursorExpired("The calendar server does not say how far the calendar was read.")
            token = following
            if not gathered.more:
                return gathered.listing(f"sync:{token}")
        raise CursorExpired("The calendar server does not come to an end with what changed.")

    def _gathering(self, calendar_id: str) -> Gathering:
        return Gathering(lambda href: self._name(calendar_id, href), self._settings.max_answer_bytes)

    def _next_token(self, calendar_id: str, token: str, gathered: Gathering) -> str:
        url = self._url(calendar_id)
        answer = self._dav.report(url, SYNC.format(NAMESPACES, escape(token)), each=gathered.changed)
        if answer.status == 207:
            return answer.multistatus().token
        if answer.status in (404, 410):
            raise self._calendar_fault(answer)
        raise CursorExpired("The calendar server forgot how far the calendar was read.")

    def _tag(self, calendar_id: str) -> str:
        """The calendar's own version, as a cursor: its sync token if it hands one out here, else its ctag."""
        answer = self._dav.propfind(self._url(calendar_id), "<d:sync-token/><cs:getctag/>")
        properties = self._own(calendar_id, self._of_calendar(answer))
        token = properties.properties.value(D + "sync-token")
        if token:
            return f"sync:{token}"
        return f"ctag:{properties.properties.value(CS + 'getctag')}"

    def _tagged(self, calendar_id: str, tag: str, known: Mapping[str, str]) -> Listing:
        """For servers without sync-collection: nothing if the ctag is the same, else ETags compared."""
        answer = self._dav.propfind(self._url(calendar_id), "<cs:getctag/>")
        own = self._own(calendar_id, self._of_calendar(answer))
        now = own.properties.value(CS + "getctag")
        if now and now == tag:
            return Listing({}, {}, [], f"ctag:{now}")
        there = self._named(calendar_id, f"ctag:{now}")
        differing = {name: version for name, version in there.versions.items() if known.get(name) != version}
        gone = [name for name in known if name not in there.versions]
        return Listing(differing, there.sizes, gone, there.cursor)

    def _named(self, calendar_id: str, cursor: str) -> Listing:
        """All names and ETags. The cursor was taken before, so what changes meanwhile comes again."""
        gathered = self._gathering(calendar_id)
        wanted = "<d:getetag/><d:getcontentlength/><d:resourcetype/>"
        answer = self._dav.propfind(self._url(calendar_id), wanted, depth=1, each=gathered.there)
        self._of_calendar(answer)
        return gathered.listing(cursor)

    # --- within: looking at events

    def _looked_at(
        self, calendar_id: str, names: Sequence[str], listing: Listing, window: Window
    ) -> tuple[list[Changed], list[str]]:
        """The events of these names, as hints; and the names that are not there any more."""
        limit = self._settings.max_event_bytes
        small = [name for name in names if listing.sizes[name] <= limit]
        changed = [
            Changed(name, listing.versions[name], problem=TOO_LARGE)
            for name in names
            if listing.sizes[name] > limit
        ]
        there = self._fetched(calendar_id, small) if small else {}
        missing = []
        for name in small:
            stored = there.get(name)
            if stored is None:
                missing.append(name)
            elif isinstance(stored, str):
                changed.append(Changed(name, listing.versions[name], problem=stored))
            else:
                changed.append(self._hint(calendar_id, stored, window))
        return changed, missing

    def _fetched(self, calendar_id: str, names: Sequence[str]) -> dict[str, Stored | str]:
        """Objects by name; a text in place of an object says why the server cannot hand it out.

        A server that fails over a batch, or answers with more than we read, is asked for halves, so that
        one broken object hides no other. A server that fails over everything is out of order: Transient.
        """
        hrefs = "".join(f"<d:href>{escape(self._path(calendar_id, name))}</d:href>" for name in names)
        try:
            answer = self._dav.report(self._url(calendar_id), MULTIGET.format(NAMESPACES, hrefs), depth=1)
            if answer.status == 207:
                return self._objects(calendar_id, answer.multistatus())
        except (TooLarge, Unreadable) as fault:
            if len(names) == 1:
                return {names[0]: TOO_LARGE if isinstance(fault, TooLarge) else str(fault)}
            return self._in_halves(calendar_id, names)
        if answer.status in (403, 404, 410):
            raise self._calendar_fault(answer)
        if answer.status < 500:
            raise self._refusal(answer)
        if len(names) > 1:
            return self._in_halves(calendar_id, names)
        self._demand(self._dav.propfind(self._url(calendar_id, names[0]), "<d:getetag/>"))
        return {names[0]: f"The calendar server cannot hand out this event (HTTP {answer.status})."}

    def _in_halves(self, calendar_id: str, names: Sequence[str]) -> dict[str, Stored | str]:
        middle = len(names) // 2
        first = self._fetched(calendar_id, names[:middle])
        return first | self._fetched(calendar_id, names[middle:])

    def _objects(self, calendar_id: str, answer: Multistatus) -> dict[str, Stored | str]:
        found: dict[str, Stored | str] = {}
        for response in answer.responses:
            name = self._name(calendar_id, response.href)
            if not name or response.status in (404, 410):
                continue
            text = response.properties.raw(C + "calendar-data")
            if text:
                version = normalised(response.properties.value(D + "getetag"))
                found[name] = Stored(name, version, text)
            elif response.status != 200:
                found[name] = f"The calendar server cannot hand out this event (HTTP {response.status})."
        return found

    def _hint(self, calendar_id: str, stored: Stored, window: Window) -> Changed:
        if len(stored.text) > self._settings.max_event_bytes:
            return Changed(stored.id, stored.version, problem=TOO_LARGE)
        if not mapping.is_event(stored.text):
            return Changed(stored.id, stored.version)
        try:
            read = mapping.read(stored.text, self._setting(calendar_id, stored.text), window)
        except Malformed as fault:
            return Changed(stored.id, stored.version, problem=str(fault))
        return Changed(stored.id, stored.version, read.uid, read.identity, read.busy, read.problem)

    def _stored(self, calendar_id: str, event_id: str) -> Stored:
        """Read by id. Raises Gone only while the calendar itself answers, else CalendarGone."""
        found = self._fetched(calendar_id, [event_id]).get(event_id)
        if found is None:
            answer = self._dav.propfind(self._url(calendar_id, event_id), "<d:getetag/>")
            if answer.status == 207 and any(one.status == 200 for one in answer.multistatus().responses):
                raise Transient("The calendar server did not hand out the event, though it is there.")
            raise Gone("This event is not on the calendar any more.")
        if isinstance(found, str):
            raise Malformed(found)  # the server answers for the others: it is this one's own trouble
        return found

    def _remote(self, calendar_id: str, stored: Stored) -> RemoteEvent:
        """Raises Malformed, with the version in which it is."""
        if len(stored.text) > self._settings.max_event_bytes:
            raise Malformed(TOO_LARGE, version=stored.version)
        try:
            read = mapping.read(stored.text, self._setting(calendar_id, stored.text))
        except Malformed as fault:
            raise Malformed(str(fault), version=stored.version) from fault
        if read.unknown_zone:
            raise Malformed(read.problem, version=stored.version)
        return RemoteEvent(
            id=stored.id,
            version=stored.version,
            content=read.content,
            uid=read.uid,
            identity=read.identity,
            recurring=read.recurring,
            occurrences=read.busy if read.recurring else (),
            read_only_why=read.read_only_why,
        )

    def _bearers(self, calendar_id: str, answer: Multistatus, key: str) -> list[RemoteEvent]:
        """Raises Malformed where our key is only in what cannot be read: that is not *nowhere*."""
        found: list[RemoteEvent] = []
        unreadable: Malformed | None = None
        for stored in self._objects(calendar_id, answer).values():
            if isinstance(stored, Stored) and key in stored.text:
                try:
                    remote = self._remote(calendar_id, stored)
                except Malformed as fault:
                    unreadable = fault
                    continue
                if remote.identity and remote.identity.key == key:
                    found.append(remote)
        if unreadable is not None and not found:
            raise unreadable
        return found

    # --- within: writing

    def _put(self, calendar_id: str, event_id: str, text: str, condition: dict[str, str]) -> Answer:
        headers = {"Content-Type": ICS, **condition}
        return self._dav.ask("PUT", self._url(calendar_id, event_id), body=text, headers=headers)

    def _as_stored(self, calendar_id: str, event_id: str, text: str, answer: Answer) -> RemoteEvent:
        """The event as it stands after our write: what came back, if it is still ours that came back.

        Somebody may have changed the event since. Then ours is returned, in a version that is not the
        present one, so that the next look finds their change.
        """
        version = normalised(answer.headers.get("ETag", "")) or UNKNOWN_VERSION
        sent = self._remote(calendar_id, Stored(event_id, version, text))
        try:
            there = self.get(calendar_id, event_id)
        except ProviderFault:
            return sent  # the write stands; what happened since is for the next look
        if there.version == version:
            return there
        same = there.content.when.same_instants(sent.content.when) or there.recurring
        untouched = same and there.content.cancelled == sent.content.cancelled
        return there if version == UNKNOWN_VERSION and untouched else sent

    def _adopted(self, calendar_id: str, event_id: str, identity: EventIdentity) -> RemoteEvent:
        """The event under our own name, if it is ours."""
        try:
            there = self.get(calendar_id, event_id)
        except Gone:
            raise IdentityTaken("The calendar server does not take this event's name again.") from None
        if there.identity != identity:
            raise IdentityTaken("Another event has this event's name on the calendar server.")
        return there

    def _found_elsewhere(self, calendar_id: str, identity: EventIdentity) -> RemoteEvent:
        """The server knows our UID: perhaps it keeps our event under a name of its own."""
        for there in self.find(calendar_id, identity.key):
            if there.identity == identity and there.uid == mapping.uid_of(identity):
                return there
        raise IdentityTaken("The calendar server knows this event from before and does not take it again.")

    def _refusal(self, answer: Answer) -> Exception:
        if answer.status == 403:
            return Rejected("The calendar server does not let this account write to this calendar.")
        if answer.status in (413, 507):
            return Rejected("The event is too large for the calendar server, or its storage is full.")
        return self._dav.fault(answer, writes=True)

    # --- within: the calendar itself

    def _demand_calendar(self, calendar_id: str) -> None:
        """Raises CalendarGone if the calendar is not there."""
        self._of_calendar(self._dav.propfind(self._url(calendar_id), "<d:resourcetype/>"))

    def _demand(self, answer: Answer) -> Multistatus:
        """The answer's multistatus; anything else is the fault that its status means."""
        if answer.status != 207:
            raise self._dav.fault(answer)
        return answer.multistatus()

    def _of_calendar(self, answer: Answer) -> Multistatus:
        """The same, where a refusal says that the calendar is gone."""
        if answer.status != 207:
            raise self._calendar_fault(answer)
        return answer.multistatus()

    def _calendar_fault(self, answer: Answer) -> Exception:
        if answer.status in (404, 410):
            return CalendarGone("This calendar is not on the server any more.")
        if answer.status == 403:
            return CalendarGone("This account may not read this calendar any more.")
        return self._dav.fault(answer)

    def _own(self, calendar_id: str, answer: Multistatus) -> Response:
        """What an answer says of the calendar itself."""
        for response in answer.responses:
            if not self._name(calendar_id, response.href):
                return response
        raise CalendarGone("The calendar server says nothing about this calendar.")

    def _setting(self, calendar_id: str, text: str = "") -> Setting:
        """How to read an object; the calendar's zone is asked for once, and only where times need it."""
        if calendar_id not in self._zones and needs_zone(text):
            self._zones[calendar_id] = self._zone(calendar_id)
        return Setting(self._zones.get(calendar_id) or self._settings.zone, self._addresses)

    def _zone(self, calendar_id: str) -> str:
        answer = self._dav.propfind(self._url(calendar_id), "<c:calendar-timezone/>")
        if answer.status != 207:
            return ""
        told = (one.properties.raw(C + "calendar-timezone") for one in answer.multistatus().responses)
        return zones.of_calendar(next(told, ""))

    def _path(self, calendar_id: str, event_id: str = "") -> str:
        return urlsplit(self._url(calendar_id, event_id)).path

    def _url(self, calendar_id: str, event_id: str = "") -> str:
        calendar = urljoin(self._homes[0], calendar_id)
        return urljoin(calendar, event_id) if event_id.startswith("/") else calendar + event_id

    def _name(self, calendar_id: str, href: str) -> str:
        """An event's id: its name in the calendar; "" for the calendar itself."""
        path = canonical(urlsplit(href).path)
        collection = self._path(calendar_id)
        if path.rstrip("/") == collection.rstrip("/"):
            return ""
        return path.removeprefix(collection)


def is_uid_conflict(answer: Answer) -> bool:
    """Whether a refusal is about the UID: by its precondition, or in words as Nextcloud says it."""
    body = answer.body[:20_000].lower()
    return answer.says("no-uid-conflict") or (b"uid" in body and b"exist" in body)
