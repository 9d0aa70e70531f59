"""The port over Microsoft Graph (v1.0). Nothing is remembered between calls but the connection and the
access token."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from genie.core.errors import (
    AccessLost,
    CalendarGone,
    CursorExpired,
    Gone,
    IdentityTaken,
    Malformed,
    PushRefused,
    Rejected,
    StaleVersion,
    Transient,
)
from genie.core.event import Busy, EventContent
from genie.providers.conversation import Answer
from genie.providers.microsoft import mapping
from genie.providers.microsoft.api import NO_MAILBOX, NOT_THERE, Api
from genie.providers.microsoft.mapping import Event
from genie.providers.port import (
    Account,
    CalendarInfo,
    Changed,
    ChangePage,
    Channel,
    EventIdentity,
    RemoteEvent,
    Renew,
    Secret,
    Window,
    renew_alone,
)
from genie.providers.registry import ProviderSettings

CURSOR = "microsoft1:"
"""Before each delta link, and before `LIST`."""
DELTA = "/delta"
LIST = "list"
"""The cursor of a calendar whose delta Graph refuses: its window is listed and compared."""
OURS = "#ours="
"""Behind a delta link: the ids of the series that were made of our events. That an occurrence was deleted is
told by its own id alone."""
READING = {"page": 500}
"""So many events are asked for at once; Graph may give fewer."""

ONE = {"$expand": mapping.EXPAND}
NOT_FOUND = ("ErrorInvalidIdMalformed", "ErrorInvalidId", "ErrorItemNotFound", "ErrorInvalidMailboxItemId")
"""Said of ids that name nothing, with 400 or 404."""
TAKEN = ("ErrorDuplicateTransactionId", "ErrorDuplicateTransaction")
ANEW = ("syncstatenotfound", "syncstateinvalid", "resyncrequired", "errorinvalidsyncstatedata")
"""Codes of an expired delta link, in lower case: their case varies."""

AROUND = timedelta(days=1)
SERIES_SPAN = timedelta(days=400)
"""How far a series' occurrences are followed when it is read by id."""
LIVES = timedelta(minutes=10_070)
"""What a subscription is asked to last: ten minutes less than the most for Outlook (*subscription*)."""

STALE = "Somebody changed the event on the calendar first."
TAKEN_BEFORE = "This event was made before and deleted; Outlook does not make it twice."
NOT_HERE = "This event is not on the calendar any more."
FORGOTTEN = "Microsoft forgot how far the calendar was read."


class NoMailbox(CalendarGone):
    """The account is there, its mailbox is not: on a server of its organisation, or without a licence."""


@dataclass(slots=True)
class Reading:
    """What all pages of one read have in common, and what was seen on earlier ones."""

    calendar_id: str
    window: Window
    known: Mapping[str, str]
    full: bool
    series: dict[str, Event | None] = field(default_factory=dict)
    """Series by id, as a page or a request of their own gave them; None: not there."""
    ours: set[str] = field(default_factory=set)
    """Series made of our events that were reported already."""
    there: set[str] = field(default_factory=set)
    """All series made of our events, as far as earlier reads and this one know."""

    def cursor(self, link: str) -> str:
        return f"{CURSOR}{link}{OURS}{','.join(sorted(self.there))}" if self.there else f"{CURSOR}{link}"


class Microsoft:
    """One key: a Microsoft account, of an organisation or a person."""

    kind = "microsoft"

    def __init__(self, secret: Secret, settings: ProviderSettings, renew: Renew = renew_alone) -> None:
        """`secret` is what `auth.MicrosoftSignIn.exchange` returned."""
        self._settings = settings
        self._secret = secret
        self._api = Api(secret, settings, renew)

    def close(self) -> None:
        self._api.close()

    # --- the account

    def account(self) -> Account:
        """Who it is was said once, by the token: `/me` does not know the tenant. It is asked all the same, so
        that a grant that has ended shows."""
        me = self._demand(self._api.ask("GET", "me", params={"$select": ME})).body
        return account_of(me, self._secret)

    def calendars(self) -> list[CalendarInfo]:
        """Also those that others share with this account and that it has added to its own."""
        own = {str(self._secret.get(name) or "").lower() for name in ("email", "preferred_username")}
        found: list[CalendarInfo] = []
        for answer in self._pages("me/calendars", {"$top": "100"}):
            if answer.reason in NO_MAILBOX:
                raise NoMailbox(NOT_THERE)
            entries = self._demand(answer).body.get("value") or ()
            found += [mapping.calendar_of(entry, own) for entry in entries]
        return sorted(found, key=lambda info: not info.primary)

    # --- one event

    def create(self, calendar_id: str, identity: EventIdentity, content: EventContent) -> RemoteEvent:
        """A repeated creation answers with the event made first (`transactionId`). It is read back in any
        case, since the answer does not show whether our property was kept.

        What is refused is looked for before it counts as refused: some refusals have made the event all the
        same (FACTS S13).
        """
        made_by = token_hex(4)
        body = mapping.written(identity, content, made_by)
        answer = self._api.ask("POST", events(calendar_id), body=body)
        if answer.ok:
            event = self._read_back(calendar_id, identity, str(answer.body["id"]))
            if mapping.was_made_by(event, made_by) and mapping.is_off_by_zone_rules(event, content.when):
                event = self._exact(calendar_id, event, content)
            return self._remote(calendar_id, event, identity=identity)
        if answer.status == httpx.codes.NOT_FOUND:
            self._demand_calendar(calendar_id)
        made = self._bearer(calendar_id, identity)
        if made is not None:
            return made
        if answer.reason in TAKEN:
            raise IdentityTaken(TAKEN_BEFORE)
        raise self._api.fault(answer)

    def get(self, calendar_id: str, event_id: str) -> RemoteEvent:
        event = self._stored(calendar_id, event_id)
        self._demand_on_calendar(calendar_id, event)
        return self._remote(calendar_id, self._shown(calendar_id, event))

    def update(self, calendar_id: str, event_id: str, content: EventContent, *, version: str) -> RemoteEvent:
        """Reads first: only what differs is written, into the body as it is now."""
        there = self._stored(calendar_id, event_id)
        if mapping.version_of(there) != version:
            raise StaleVersion(STALE)
        if mapping.is_private(there):
            there = self._shown(calendar_id, there)
        why = mapping.read_only_why(there)
        if why:
            raise Rejected(why)
        patch = mapping.edited(there, content, self._settings.zone)
        if not patch:
            return self._remote(calendar_id, there)
        changed = self._patched(calendar_id, there, patch)
        if "start" in patch and mapping.is_off_by_zone_rules(changed, content.when):
            changed = self._exact(calendar_id, changed, content)
        return self._remote(calendar_id, changed, identity=mapping.identity_of(there))

    def delete(self, calendar_id: str, event_id: str, *, version: str) -> bool:
        """Reads first: Graph does not promise to look at a version itself."""
        try:
            there = self._stored(calendar_id, event_id)
        except Gone:
            return False
        if mapping.version_of(there) != version:
            raise StaleVersion(STALE)
        answer = self._api.ask("DELETE", events(calendar_id, event_id), etag=mapping.etag_of(there))
        if answer.ok:
            return True
        with suppress(Gone):
            now = self._stored(calendar_id, event_id)
            self._demand_on_calendar(calendar_id, now)
            raise self._not_written(answer, there, now)
        return False

    def find(self, calendar_id: str, key: str) -> list[RemoteEvent]:
        """By our property, which copies and moved events keep. A series counts as one."""
        found: list[RemoteEvent] = []
        params = {"$filter": mapping.bearers_of(key), "$top": "50", **ONE}
        for answer in self._pages(events(calendar_id), params):
            for event in self._of_calendar(answer).body.get("value") or ():
                if not mapping.series_of(event):
                    with suppress(Malformed):  # `changes` reports what cannot be read
                        found.append(self._remote(calendar_id, event))
        return found

    # --- many events

    def changes(
        self, calendar_id: str, *, cursor: str | None, window: Window, known: Mapping[str, str]
    ) -> Iterator[ChangePage]:
        """A delta's window is fixed by its first call: `window` is to be the same until the next full read.

        The reference promises deltas of the primary calendar only; they work on others, and where they do not
        (calendars of other people) the window is listed and compared with `known`.
        """
        link, ours = link_of(cursor)
        reading = Reading(calendar_id, window, known, full=cursor is None, there=ours)
        if link == LIST:
            yield from self._listed(reading)
            return
        first = link or view(calendar_id, DELTA, window)
        begun = False
        for answer in self._linked(first):
            if not answer.ok and not begun:
                if cursor is None and self._refuses_delta(calendar_id, answer):
                    yield from self._listed(reading)
                    return
                raise self._expired(calendar_id, answer)
            begun = True
            body = self._of_calendar(answer).body
            done = str(body.get("@odata.deltaLink") or "")
            if not done and not body.get("@odata.nextLink"):
                raise Transient("Microsoft did not say how far the calendar was read.")
            yield self._page(reading, body, self._relative(done) if done else None)

    # --- push

    def watch(self, calendar_id: str, *, channel_id: str, token: str, address: str) -> Channel:
        """Graph calls `address` back before it answers, so a channel is proven at once. Its id is Graph's."""
        body = {
            "changeType": "created,updated,deleted",
            "notificationUrl": address,
            "lifecycleNotificationUrl": address,  # cannot be added later
            "resource": f"me/calendars/{calendar_id}/events",
            "expirationDateTime": stamp(self._settings.clock() + LIVES),
            "clientState": token,
        }
        answer = self._api.ask("POST", "subscriptions", body=body)
        if answer.ok:
            return channel_of(answer.body, now=self._settings.clock())
        self._demand_calendar(calendar_id)
        if answer.reason in ("ValidationError", "InvalidRequest", "BadRequest"):
            raise PushRefused(
                "Microsoft does not announce changes to this installation's address: it must be https, with "
                "a certificate that everybody trusts, and answer within ten seconds."
            )
        if answer.status in (400, 401, 403, 404):
            raise PushRefused("Microsoft does not announce changes of this calendar to this account.")
        raise self._api.fault(answer)

    def unwatch(self, channel: Channel) -> None:
        answer = self._api.ask("DELETE", f"subscriptions/{quote(channel.id, safe='')}")
        if not answer.ok and answer.status not in (400, 404):
            raise self._api.fault(answer)

    def prolong(self, channel: Channel) -> Channel:
        until = {"expirationDateTime": stamp(self._settings.clock() + LIVES)}
        answer = self._api.ask("PATCH", f"subscriptions/{quote(channel.id, safe='')}", body=until)
        if answer.ok:
            return channel_of({"id": channel.id, **answer.body}, now=self._settings.clock())
        if answer.status in (400, 403, 404):
            raise Gone("Microsoft does not keep this subscription any more.")
        raise self._api.fault(answer)

    # --- within: one event

    def _stored(self, calendar_id: str, event_id: str) -> Event:
        """Read by id, with our property. Raises Gone only while the calendar itself answers, else
        CalendarGone: what is not found counts when the calendar answers, and it then is missing once more.
        """
        answer = self._api.ask("GET", events(calendar_id, event_id), params=ONE)
        if is_not_found(answer):
            self._demand_calendar(calendar_id)
            answer = self._api.ask("GET", events(calendar_id, event_id), params=ONE)
        if is_not_found(answer):
            raise Gone(NOT_HERE)
        if answer.status == httpx.codes.FORBIDDEN:
            raise self._calendar_fault(answer)
        return self._demand(answer).body

    def _demand_on_calendar(self, calendar_id: str, event: Event) -> None:
        """Raises Gone for one that was moved away: ids stay, and Graph finds it by its id wherever it is.

        Another calendar of the account's list is proof. One that is not there proves nothing, since a shared
        one goes by one id here and by another in its owner's mailbox: then what the calendar itself lists
        decides, though lists may lag behind.
        """
        path = f"{events(calendar_id, str(event['id']))}/calendar"
        answer = self._api.ask("GET", path, params={"$select": "id"})
        named = answer.body.get("id") if answer.ok else None
        if named == calendar_id:
            return
        if named and self._has_calendar(str(named)):
            raise Gone(NOT_HERE)
        identity = mapping.identity_of_property(event)
        told_by = (
            mapping.bearers_of(identity.key)
            if identity
            else f"iCalUId eq '{str(event.get('iCalUId') or '').replace(chr(39), chr(39) * 2)}'"
        )
        for listed in self._pages(events(calendar_id), {"$filter": told_by, "$top": "50", "$select": "id"}):
            if any(one.get("id") == event["id"] for one in self._of_calendar(listed).body.get("value") or ()):
                return
        raise Gone(NOT_HERE)

    def _has_calendar(self, calendar_id: str) -> bool:
        params = {"$select": "id", "$top": "100"}
        return any(
            entry.get("id") == calendar_id
            for answer in self._pages("me/calendars", params)
            for entry in self._demand(answer).body.get("value") or ()
        )

    def _shown(self, calendar_id: str, event: Event) -> Event:
        """The event, its body unknown where this account may not see it: then Graph answers an empty one.

        That is so for private events of others, and where a calendar is shared without details. An event of
        ours has a body, so this is seldom asked.
        """
        if mapping.has_text(event):
            return event
        path = f"me/calendars/{quote(calendar_id, safe='')}"
        answer = self._api.ask("GET", path, params={"$select": "canEdit,canViewPrivateItems"})
        calendar = self._of_calendar(answer).body
        return mapping.veiled(event) if mapping.hides(calendar, event) else event

    def _read_back(self, calendar_id: str, identity: EventIdentity, event_id: str) -> Event:
        """What was made, with our property: put there anew where it was lost (a save that collided)."""
        try:
            event = self._stored(calendar_id, event_id)
        except Gone:
            raise IdentityTaken(TAKEN_BEFORE) from None
        if mapping.identity_of_property(event) is None:
            own = {"singleValueExtendedProperties": [mapping.property_of(identity, "")]}
            self._patched(calendar_id, event, own)
            event = self._stored(calendar_id, event_id)
        return event

    def _bearer(self, calendar_id: str, identity: EventIdentity) -> RemoteEvent | None:
        """The live event of exactly this identity; of several (copies) the one that was made first."""
        found = [one for one in self.find(calendar_id, identity.key) if one.identity == identity]
        return found[0] if found else None

    def _exact(self, calendar_id: str, there: Event, content: EventContent) -> Event:
        """The event at the instants that were meant: the service has other rules for its zone."""
        return self._patched(calendar_id, there, mapping.times(content.when, exact=True))

    def _patched(self, calendar_id: str, there: Event, patch: Mapping[str, Any]) -> Event:
        """The event after the change. `If-Match` is not in the reference for events; where it is heeded it
        closes the gap between the read and this."""
        path = events(calendar_id, str(there["id"]))
        answer = self._api.ask("PATCH", path, body=patch, etag=mapping.etag_of(there))
        if answer.ok:
            return answer.body
        if is_not_found(answer) or answer.status in (409, 412):
            raise self._not_written(answer, there, self._stored(calendar_id, str(there["id"])))
        raise self._api.fault(answer)

    def _not_written(self, answer: Answer, before: Event, now: Event) -> Exception:
        if mapping.version_of(before) != mapping.version_of(now):
            return StaleVersion(STALE)
        if answer.status in (409, 412):  # ErrorIrresolvableConflict comes by itself, too, and passes
            return Transient("Outlook was busy with this event.")
        return self._api.fault(answer)

    def _remote(self, calendar_id: str, event: Event, identity: EventIdentity | None = None) -> RemoteEvent:
        """Raises Malformed."""
        occurrences: tuple[Busy, ...] = ()
        if mapping.is_series(event):
            start = mapping.when_of(event, self._settings.zone).start
            around = Window(start - AROUND, start + SERIES_SPAN)
            occurrences = self._occurrences(calendar_id, str(event["id"]), around)
        return mapping.remote_of(event, self._settings.zone, occurrences, identity)

    def _occurrences(self, calendar_id: str, event_id: str, window: Window) -> tuple[Busy, ...]:
        """The busy occurrences of a series in the window, by start."""
        found: list[Busy] = []
        path = f"{events(calendar_id, event_id)}/instances?{span(window)}&$select={mapping.HINT_FIELDS}"
        for answer in self._linked(path):
            for event in self._demand(answer).body.get("value") or ():
                found += mapping.hint_of(event, window, self._settings.zone).busy
        return tuple(sorted(found, key=lambda busy: (busy.start, busy.end)))

    # --- within: pages

    def _pages(self, path: str, params: Mapping[str, str]) -> Iterator[Answer]:
        """Each page of a list. A refusal ends it, as an answer."""
        return self._linked(f"{path}?{encoded(params)}")

    def _linked(self, first: str) -> Iterator[Answer]:
        path, seen = first, {first}
        while True:
            answer = self._api.ask("GET", path, page=READING["page"])
            yield answer
            following = str(answer.body.get("@odata.nextLink") or "") if answer.ok else ""
            if not following:
                return
            path = self._relative(following)
            if path in seen:
                raise Transient("Microsoft does not come to an end with a list.")
            seen.add(path)

    def _relative(self, link: str) -> str:
        """A link of Graph's without the address before it: tokens go to no other host than the operator's."""
        version = urlsplit(self._api.http.options["graph_url"]).path.rstrip("/").rpartition("/")[2]
        _, found, rest = link.partition(f"/{version}/")
        if not found or not rest:
            raise Transient("Microsoft's answer could not be read: it goes on nowhere.")
        return rest

    def _page(self, reading: Reading, body: Mapping[str, Any], link: str | None) -> ChangePage:
        """A page of a delta: events, occurrences of which only the times are told, and what is gone.

        `link` is what the last page leads to.
        """
        items = [item for item in body.get("value") or () if isinstance(item, Mapping) and item.get("id")]
        reading.series |= {str(one["id"]): one for one in items if mapping.is_series(one)}
        changed: dict[str, Changed] = {}
        removed: dict[str, None] = {}
        ours: dict[str, None] = {}
        for item in items:
            event_id, series = str(item["id"]), mapping.series_of(item)
            if mapping.is_removed(item):
                removed[event_id] = None
                changed.pop(event_id, None)
            elif series or mapping.is_series(item):
                master = self._series(reading, series or event_id)
                if master is not None and mapping.identity_of(master):
                    ours[str(master["id"])] = None
                elif series:
                    changed[event_id] = self._occurrence(reading, item, master)
                elif event_id in reading.known:  # it was one event before, which took time by itself
                    changed[event_id] = Changed(event_id, mapping.version_of(item))
            else:
                changed[event_id] = mapping.hint_of(item, reading.window, self._settings.zone)
        if reading.there and any(event_id not in reading.known for event_id in removed):
            ours |= dict.fromkeys(reading.there)  # it may have been an occurrence of one
        self._add_ours(reading, ours, changed, removed)
        return ChangePage(
            list(changed.values()),
            tuple(name for name in removed if name not in changed),
            None if link is None else reading.cursor(link),
            full=reading.full,
        )

    def _occurrence(self, reading: Reading, item: Event, master: Event | None) -> Changed:
        if mapping.is_stub(item) and master is not None:
            item = mapping.completed(item, master)
        return mapping.hint_of(item, reading.window, self._settings.zone)

    def _add_ours(
        self,
        reading: Reading,
        ours: Mapping[str, None],
        changed: dict[str, Changed],
        removed: dict[str, None],
    ) -> None:
        """A series that its owner made of our event is told as one, under the id its link knows."""
        for event_id in ours:
            if event_id in reading.ours:
                continue
            reading.ours.add(event_id)
            reading.there.discard(event_id)
            try:
                event = self._stored(reading.calendar_id, event_id)
            except Gone:
                removed[event_id] = None
                continue
            found = mapping.hint_of(event, reading.window, self._settings.zone)
            if not mapping.is_series(event):
                changed[event_id] = found
                continue
            reading.there.add(event_id)
            busy = self._occurrences(reading.calendar_id, event_id, reading.window)
            changed[event_id] = Changed(
                found.id, found.version, found.uid, found.identity, busy, found.problem
            )

    def _series(self, reading: Reading, event_id: str) -> Event | None:
        """The series of an occurrence, asked for once a read where no page brought it."""
        if event_id not in reading.series:
            try:
                reading.series[event_id] = self._stored(reading.calendar_id, event_id)
            except Gone:
                reading.series[event_id] = None
        return reading.series[event_id]

    def _listed(self, reading: Reading) -> Iterator[ChangePage]:
        """The window's events, compared with what was known. It is gone only after the last page."""
        path = f"{view(reading.calendar_id, '', reading.window)}&$select={mapping.HINT_FIELDS}"
        seen: set[str] = set()
        ours: set[str] = set()
        for answer in self._linked(path):
            body = self._of_calendar(answer).body
            items = [one for one in body.get("value") or () if isinstance(one, Mapping) and one.get("id")]
            seen |= {str(one["id"]) for one in items}
            news = [one for one in items if reading.full or self._is_news(reading, one)]
            last = not body.get("@odata.nextLink")
            page = self._page(reading, {"value": news}, LIST if last else None)
            ours |= {mapping.series_of(one) for one in items}
            absent = () if reading.full or not last else self._absent(reading, seen | ours)
            yield ChangePage(page.changed, (*page.removed, *absent), page.cursor, full=reading.full)

    def _is_news(self, reading: Reading, event: Event) -> bool:
        """An occurrence of our series is in the version of that, which is what is known."""
        series = mapping.series_of(event)
        version = mapping.version_of(event)
        if str(event["id"]) in reading.known:
            return reading.known[str(event["id"])] != version
        return not series or series not in reading.known or reading.known[series] != version

    def _absent(self, reading: Reading, seen: set[str]) -> Sequence[str]:
        return tuple(event_id for event_id in reading.known if event_id not in seen)

    def _refuses_delta(self, calendar_id: str, answer: Answer) -> bool:
        """Whether it is the delta that is refused, and not the calendar. Raises CalendarGone."""
        self._demand_calendar(calendar_id)
        return 400 <= answer.status < 500

    def _expired(self, calendar_id: str, answer: Answer) -> Exception:
        """What a refused delta link means: begin anew, unless the calendar itself is not there."""
        if answer.status != httpx.codes.GONE and answer.reason.lower() not in ANEW:
            self._demand_calendar(calendar_id)
        return CursorExpired(FORGOTTEN)

    # --- within: the calendar itself

    def _demand_calendar(self, calendar_id: str) -> None:
        """Raises CalendarGone if the calendar is not there, or may not be read any more."""
        path = f"me/calendars/{quote(calendar_id, safe='')}"
        self._of_calendar(self._api.ask("GET", path, params={"$select": "id"}))

    def _of_calendar(self, answer: Answer) -> Answer:
        if answer.ok:
            return answer
        raise self._calendar_fault(answer)

    def _calendar_fault(self, answer: Answer) -> Exception:
        if answer.reason in NO_MAILBOX:
            return NoMailbox(NOT_THERE)
        if is_not_found(answer) or answer.status == httpx.codes.GONE:
            return CalendarGone(
                "This calendar is not at Microsoft any more, or is not shared with this account."
            )
        if answer.status == httpx.codes.FORBIDDEN:
            return CalendarGone("This account may not read this calendar any more.")
        return self._api.fault(answer)

    def _demand(self, answer: Answer) -> Answer:
        if answer.ok:
            return answer
        raise NoMailbox(NOT_THERE) if answer.reason in NO_MAILBOX else self._api.fault(answer)


ME = "id,displayName,mail,userPrincipalName"


def account_of(me: Mapping[str, Any], secret: Secret) -> Account:
    """Who signed in: tenant and object together. `/me` names the object, of a personal account only its end.

    Raises AccessLost where Graph does not say it.
    """
    here = str(me.get("id") or "").lower()
    if not here:
        raise AccessLost("Microsoft does not say whose account this is any more.")
    oid = str(secret["oid"])
    same = here.replace("-", "") in (oid.replace("-", "").lower(), oid.replace("-", "").lower()[-16:])
    label = me.get("mail") or secret.get("preferred_username") or me.get("userPrincipalName") or here
    return Account(f"{secret['tid']}:{oid if same else here}", str(label))


def is_not_found(answer: Answer) -> bool:
    """Not there. An id of another shape is refused as malformed."""
    return answer.status == httpx.codes.NOT_FOUND or (answer.status == 400 and answer.reason in NOT_FOUND)


def events(calendar_id: str, event_id: str = "") -> str:
    """The path of a calendar's events, or of one."""
    path = f"me/calendars/{quote(calendar_id, safe='')}/events"
    return f"{path}/{quote(event_id, safe='')}" if event_id else path


def view(calendar_id: str, what: str, window: Window) -> str:
    """The path of a calendar's events in a window, series expanded."""
    return f"me/calendars/{quote(calendar_id, safe='')}/calendarView{what}?{span(window)}"


def span(window: Window) -> str:
    return encoded({"startDateTime": stamp(window.start), "endDateTime": stamp(window.end)})


def encoded(params: Mapping[str, str]) -> str:
    """A query; `$` and what else OData writes plainly stays as the reference shows it."""
    return "&".join(f"{name}={quote(value, safe='$(),/:')}" for name, value in params.items())


def link_of(cursor: str | None) -> tuple[str, set[str]]:
    """The delta link in a cursor, "" for a read of everything; and the series that were made of our events.

    Raises CursorExpired.
    """
    if cursor is None:
        return "", set()
    link, _, ours = cursor.removeprefix(CURSOR).partition(OURS)
    if not cursor.startswith(CURSOR) or not (link == LIST or "delta" in link):
        raise CursorExpired("How far the calendar was read is not known any more.")
    return link, set(ours.split(",")) if ours else set()


def stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def channel_of(body: Mapping[str, Any], *, now: datetime) -> Channel:
    """The subscription as Graph confirmed it, its address called back."""
    expires_at = mapping.stamp_of(body, "expirationDateTime") or now + LIVES
    return Channel(str(body["id"]), str(body.get("resource") or ""), expires_at, proven=True)
