"""The port over Google Calendar (API v3). Nothing is remembered between calls but the connection and the
access token."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

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
from genie.providers.google import mapping
from genie.providers.google.api import Api
from genie.providers.google.mapping import Event
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

CURSOR = "google1:"
"""Before each sync token: with other parameters than those below, a token would mean something else
(reference, `syncToken`: "all other query parameters should be the same"), so change both together."""

READING = {
    "singleEvents": "true",
    "maxResults": "2500",
    "maxAttendees": "1",
    "fields": f"nextPageToken,nextSyncToken,timeZone,items({mapping.HINT_FIELDS})",
}
"""Series come expanded; of the guests only the owner; of each event only what a hint needs."""

ONE = {"maxAttendees": "1", "fields": mapping.FIELDS}
QUIET = {"sendUpdates": "none"}
AROUND = timedelta(days=1)
SERIES_SPAN = timedelta(days=400)
"""How far a series' occurrences are followed when it is read by id."""

STALE = "Somebody changed the event on the calendar first."
WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Reading:
    """What all pages of one read have in common."""

    calendar_id: str
    window: Window
    known: Mapping[str, str]
    full: bool


class Google:
    """One key: a Google account."""

    kind = "google"

    def __init__(self, secret: Secret, settings: ProviderSettings, renew: Renew = renew_alone) -> None:
        """`secret` is what `auth.GoogleSignIn.exchange` returned."""
        self._settings = settings
        self._api = Api(secret, settings, renew)

    def close(self) -> None:
        self._api.close()

    # --- the account

    def account(self) -> Account:
        answer = self._api.ask("GET", self._api.http.options["userinfo_url"])
        return account_of(self._demand(answer).body)

    def calendars(self) -> list[CalendarInfo]:
        """Also those hidden from the account's own list, since an event may be moved there."""
        found: list[CalendarInfo] = []
        params = {
            "maxResults": "250",
            "showHidden": "true",
            "fields": f"nextPageToken,items({mapping.CALENDAR_FIELDS})",
        }
        for answer in self._pages("users/me/calendarList", params):
            if answer.reason == "notACalendarUser":
                return []
            items = self._demand(answer).body.get("items") or ()
            found += [mapping.calendar_of(entry) for entry in items if not entry.get("deleted")]
        return sorted(found, key=lambda info: not info.primary)

    # --- one event

    def create(self, calendar_id: str, identity: EventIdentity, content: EventContent) -> RemoteEvent:
        body = mapping.written(identity, content)
        answer = self._api.ask("POST", events(calendar_id), params=ONE | QUIET, body=body)
        if answer.ok:
            return self._remote(calendar_id, answer.body)
        if answer.status == httpx.codes.CONFLICT:
            return self._adopted(calendar_id, identity)
        if answer.status in (404, 410):
            raise self._calendar_fault(answer)
        raise self._api.fault(answer)

    def get(self, calendar_id: str, event_id: str) -> RemoteEvent:
        return self._remote(calendar_id, self._stored(calendar_id, event_id))

    def update(self, calendar_id: str, event_id: str, content: EventContent, *, version: str) -> RemoteEvent:
        """Reads first: only what differs is written, and a series must be seen to be left alone."""
        there = self._stored(calendar_id, event_id)
        if mapping.version_of(there) != version:
            raise StaleVersion(STALE)
        why = mapping.read_only_why(there)
        if why:
            raise Rejected(why)
        patch = mapping.edited(there, content, self._zone_for(calendar_id, there))
        if not patch:
            return self._remote(calendar_id, there)
        path = events(calendar_id, event_id)
        answer = self._api.ask("PATCH", path, params=ONE | QUIET, body=patch, version=version)
        if answer.ok:
            return self._remote(calendar_id, answer.body)
        if answer.status in (404, 409, 410, 412):
            self._stored(calendar_id, event_id)  # Gone and CalendarGone are told apart here
            raise StaleVersion(STALE)
        raise self._api.fault(answer)

    def delete(self, calendar_id: str, event_id: str, *, version: str) -> bool:
        answer = self._api.ask("DELETE", events(calendar_id, event_id), params=QUIET, version=version)
        if answer.ok:
            return True
        if answer.status in (403, 404, 409, 410, 412):
            try:
                self._stored(calendar_id, event_id)
            except Gone:
                return False
            if answer.status != httpx.codes.FORBIDDEN:
                raise StaleVersion(STALE)
        raise self._api.fault(answer)

    def find(self, calendar_id: str, key: str) -> list[RemoteEvent]:
        """By our property, else by the UID of the first generation: the reference leaves open whether private
        properties move along to another calendar. A series counts as one, whatever exceptions it has."""
        found: list[RemoteEvent] = []
        for what in (
            {"privateExtendedProperty": f"{mapping.KEY}={key}"},
            {"iCalUID": mapping.uid_of(EventIdentity(key, 1))},
        ):
            fields = f"nextPageToken,timeZone,items({mapping.FIELDS})"
            params = {"maxResults": "250", "maxAttendees": "1", "fields": fields, **what}
            for answer in self._pages(events(calendar_id), params):
                found += self._bearers(calendar_id, self._of_calendar(answer).body)
            if found:
                break
        return found

    def _bearers(self, calendar_id: str, body: Mapping[str, Any]) -> Iterator[RemoteEvent]:
        """What can be adopted of a list; `changes` reports what cannot be read."""
        for event in body.get("items") or ():
            if not mapping.is_cancelled(event) and not mapping.series_of(event):
                with suppress(Malformed):
                    yield self._remote(calendar_id, event, str(body.get("timeZone") or ""))

    # --- many events

    def changes(
        self, calendar_id: str, *, cursor: str | None, window: Window, known: Mapping[str, str]
    ) -> Iterator[ChangePage]:
        """A sync token does not keep the window, so what lies outside and was never mentioned is left out."""
        token = token_of(cursor)
        reading = Reading(calendar_id, window, known, full=cursor is None)
        begin = (
            {"syncToken": token} if token else {"timeMin": stamp(window.start), "timeMax": stamp(window.end)}
        )
        series: set[str] = set()
        for answer in self._pages(events(calendar_id), READING | begin):
            if token and answer.status in (400, 410):
                raise CursorExpired("Google forgot how far the calendar was read.")
            body = self._of_calendar(answer).body
            cursor = body.get("nextSyncToken")
            if not cursor and not body.get("nextPageToken"):
                raise Transient("Google did not say how far the calendar was read.")
            yield self._page(reading, body, series, f"{CURSOR}{cursor}" if cursor else None)

    # --- push

    def watch(self, calendar_id: str, *, channel_id: str, token: str, address: str) -> Channel:
        body = {"id": channel_id, "type": "web_hook", "address": address, "token": token}
        answer = self._api.ask("POST", f"{events(calendar_id)}/watch", body=body)
        if answer.ok:
            return channel_of(answer.body, now=self._settings.clock())
        if answer.reason == "pushNotSupportedForRequestedResource":
            raise PushRefused("Google does not announce changes of this calendar.")
        if answer.reason.startswith("push."):
            raise PushRefused(
                "Google does not announce changes to this installation's address: it must be https, with a "
                "certificate that everybody trusts, and may have to be verified with Google."
            )
        raise self._calendar_fault(answer)

    def unwatch(self, channel: Channel) -> None:
        body = {"id": channel.id, "resourceId": channel.resource}
        answer = self._api.ask("POST", "channels/stop", body=body)
        if not answer.ok and answer.status not in (404, 410):
            raise self._api.fault(answer)

    # --- within: one event

    def _stored(self, calendar_id: str, event_id: str) -> Event:
        """Read by id. Raises Gone only while the calendar itself answers, else CalendarGone.

        A deleted event is answered with `status: cancelled`. A 404 can pass (Google advises to ask again),
        so it counts only when the calendar answers, and then the event is missing a second time.
        """
        answer = self._api.ask("GET", events(calendar_id, event_id), params=ONE)
        if answer.status in (404, 410):
            self._demand_calendar(calendar_id)
            answer = self._api.ask("GET", events(calendar_id, event_id), params=ONE)
        if answer.status in (404, 410) or (answer.ok and mapping.is_cancelled(answer.body)):
            raise Gone("This event is not on the calendar any more.")
        if answer.status == httpx.codes.FORBIDDEN:
            raise self._calendar_fault(answer)
        return self._demand(answer).body

    def _adopted(self, calendar_id: str, identity: EventIdentity) -> RemoteEvent:
        """The event under our own id, if it is ours and alive; an id is never free again."""
        path = events(calendar_id, mapping.id_of(identity))
        answer = self._api.ask("GET", path, params=ONE)
        if answer.status in (404, 410):
            self._demand_calendar(calendar_id)
            raise Transient("Google says both that the event is there and that it is not.")
        event = self._demand(answer).body
        if mapping.is_cancelled(event):
            raise IdentityTaken("This event was made before and deleted; Google does not take its id again.")
        if mapping.identity_of(event) != identity:
            raise IdentityTaken("Another event has this event's id.")
        return self._remote(calendar_id, event)

    def _remote(self, calendar_id: str, event: Event, zone: str | None = None) -> RemoteEvent:
        """Raises Malformed."""
        zone = self._zone_for(calendar_id, event) if zone is None else zone
        occurrences: tuple[Busy, ...] = ()
        if mapping.is_series(event):
            start = mapping.when_of(event, zone).start
            occurrences = self._occurrences(
                calendar_id, str(event["id"]), Window(start - AROUND, start + SERIES_SPAN)
            )
        return mapping.remote_of(event, zone, occurrences)

    def _occurrences(self, calendar_id: str, event_id: str, window: Window) -> tuple[Busy, ...]:
        """The busy occurrences of a series in the window, by start; at most the first 2,500."""
        params = READING | {"timeMin": stamp(window.start), "timeMax": stamp(window.end)}
        del params["singleEvents"]
        params["fields"] = f"timeZone,items({mapping.HINT_FIELDS})"
        body = self._demand(
            self._api.ask("GET", f"{events(calendar_id, event_id)}/instances", params=params)
        ).body
        found: list[Busy] = []
        for event in body.get("items") or ():
            found += mapping.hint_of(event, window, str(body.get("timeZone") or "")).busy
        return tuple(sorted(found, key=lambda busy: (busy.start, busy.end)))

    # --- within: pages

    def _pages(self, path: str, params: Mapping[str, str]) -> Iterator[Answer]:
        """Each page of a list. A refusal ends it, as an answer."""
        page = ""
        while True:
            answer = self._api.ask("GET", path, params=dict(params) | ({"pageToken": page} if page else {}))
            yield answer
            following = str(answer.body.get("nextPageToken") or "") if answer.ok else ""
            if not following:
                return
            if following == page:
                raise Transient("Google does not come to an end with a list.")
            page = following

    def _page(
        self, reading: Reading, body: Mapping[str, object], series: set[str], cursor: str | None
    ) -> ChangePage:
        """`series` are those of ours that were looked at for an earlier page."""
        zone = str(body.get("timeZone") or "")
        items = body.get("items")
        changed: dict[str, Changed] = {}
        removed: dict[str, None] = {}
        ours: dict[str, None] = {}
        for event in items if isinstance(items, Sequence) else ():
            if self._is_part_of_ours(event, reading.known):
                ours[mapping.series_of(event)] = None
            elif mapping.is_cancelled(event):
                removed[str(event["id"])] = None
            elif reading.full or self._matters(event, reading, zone):
                changed[str(event["id"])] = mapping.hint_of(event, reading.window, zone)
        for event_id in ours:
            if event_id not in series:
                series.add(event_id)
                found = self._series(reading, event_id)
                if found:
                    changed[event_id] = found
                    removed.pop(event_id, None)
                else:
                    removed[event_id] = None
        return ChangePage(list(changed.values()), tuple(removed), cursor, full=reading.full)

    def _is_part_of_ours(self, event: Event, known: Mapping[str, str]) -> bool:
        """An instance of a series that its owner made of our event. All its instances have our property,
        but a deleted one may show nothing but ids."""
        series = mapping.series_of(event)
        if not series:
            return False
        if mapping.identity_of(event) or mapping.identity_of_id(series):
            return True
        return mapping.is_cancelled(event) and series in known

    def _matters(self, event: Event, reading: Reading, zone: str) -> bool:
        if mapping.identity_of(event) or not mapping.is_outside(event, reading.window, zone):
            return True
        return str(event["id"]) in reading.known

    def _series(self, reading: Reading, event_id: str) -> Changed | None:
        """A series of ours as one hint, under the id its link knows; None if it was deleted."""
        try:
            event = self._stored(reading.calendar_id, event_id)
        except Gone:
            return None
        found = mapping.hint_of(event, reading.window, self._zone_for(reading.calendar_id, event))
        if not mapping.is_series(event):
            return found
        busy = self._occurrences(reading.calendar_id, event_id, reading.window)
        return Changed(found.id, found.version, found.uid, found.identity, busy, found.problem)

    # --- within: the calendar itself

    def _zone_for(self, calendar_id: str, event: Event) -> str:
        """The calendar's zone, asked for only where reading the event takes it."""
        if not mapping.needs_zone(event):
            return ""
        return str(self._about(calendar_id).get("timeZone") or "")

    def _demand_calendar(self, calendar_id: str) -> None:
        """Raises CalendarGone if the calendar is not there, or its events may not be read any more."""
        if self._about(calendar_id).get("accessRole") in ("none", "freeBusyReader"):
            raise CalendarGone("This account may not read this calendar any more.")

    def _about(self, calendar_id: str) -> Mapping[str, object]:
        """What a list of its events says of the calendar. The account's own list is not asked: a calendar
        taken off it is still there."""
        params = {"maxResults": "1", "fields": "accessRole,timeZone"}
        return self._of_calendar(self._api.ask("GET", events(calendar_id), params=params)).body

    def _of_calendar(self, answer: Answer) -> Answer:
        if answer.ok:
            return answer
        raise self._calendar_fault(answer)

    def _calendar_fault(self, answer: Answer) -> Exception:
        if answer.status in (404, 410):
            return CalendarGone(
                "This calendar is not at Google any more, or is not shared with this account."
            )
        if answer.status == httpx.codes.FORBIDDEN:
            return CalendarGone("This account may not read this calendar any more.")
        return self._api.fault(answer)

    def _demand(self, answer: Answer) -> Answer:
        if answer.ok:
            return answer
        raise self._api.fault(answer)


def events(calendar_id: str, event_id: str = "") -> str:
    """The path of a calendar's events, or of one."""
    path = f"calendars/{quote(calendar_id, safe='')}/events"
    return f"{path}/{quote(event_id, safe='')}" if event_id else path


def token_of(cursor: str | None) -> str:
    """The sync token in a cursor; "" for a read of everything. Raises CursorExpired."""
    if cursor is None:
        return ""
    token = cursor.removeprefix(CURSOR)
    if token in ("", cursor):
        raise CursorExpired("How far the calendar was read is not known any more.")
    return token


def stamp(moment: datetime) -> str:
    """RFC 3339, whole seconds: more is ignored there."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def account_of(claims: Mapping[str, object]) -> Account:
    """Who signed in, by OpenID Connect's claims. Raises AccessLost where Google does not say it."""
    if not claims.get("sub"):
        raise AccessLost("Google does not say whose account this is any more.")
    return Account(str(claims["sub"]), str(claims.get("email") or claims.get("name") or claims["sub"]))


def channel_of(body: Mapping[str, object], *, now: datetime) -> Channel:
    """The channel as Google confirmed it; `expiration` is in milliseconds since 1970, as text."""
    expiration = str(body.get("expiration") or "")
    expires_at = datetime.fromtimestamp(int(expiration) / 1000, UTC) if expiration.isdecimal() else now + WEEK
    return Channel(str(body["id"]), str(body.get("resourceId") or ""), expires_at)
