"""The port over a public calendar file: busy time only, nothing is ever written there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import NoReturn

from genie.core.errors import CalendarGone, CursorExpired, Rejected, Transient
from genie.core.event import EventContent
from genie.providers.ics.file import File, fetched, host_of
from genie.providers.ics.reading import EMPTIED, Contents, changes_of, ends_at, taken_apart
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

CALENDAR = "calendar"
"""The id of a file's one calendar."""
PAGE = 500
"""Events of a page, so that one transaction stays short."""
READ_ONLY = "A public calendar file can only be read."
SECONDS = 60.0
"""For understanding one file; a large real one takes a few."""
BEFORE = timedelta(days=1)
"""So long before the time of the read its window begins."""


class Ics:
    """One file. Its secret is its address, since whoever knows that may read it."""

    kind = "ics"

    def __init__(self, secret: Secret, settings: ProviderSettings, renew: Renew = renew_alone) -> None:
        """`secret` is what `typed.PublicFile` returned."""
        self._url: str = secret["url"]
        self._settings = settings

    def close(self) -> None:
        """Nothing is kept open between two looks a quarter of an hour apart."""

    def account(self) -> Account:
        return account_of(self._url)

    def calendars(self) -> list[CalendarInfo]:
        """The one there is; no request is made."""
        return [calendar_of(self._url)]

    def changes(
        self, calendar_id: str, *, cursor: str | None, window: Window, known: Mapping[str, str]
    ) -> Iterator[ChangePage]:
        """One request. A file that is as it was says so by 304, by its bytes, or event by event."""
        if calendar_id != CALENDAR:
            raise CalendarGone("A public calendar file holds one calendar only.")
        before = Bookmark.of(cursor)
        file = fetched(self._url, self._settings, etag=before.etag, modified=before.modified)
        if file.body is None and cursor is None:
            raise Transient(
                "The calendar's server says that nothing changed, although it was not asked that."
            )
        bookmark = before if file.body is None else Bookmark.after(file)
        if file.body is None or bookmark.digest == before.digest:
            yield ChangePage(changed=(), cursor=bookmark.text, full=cursor is None)
            return
        there = self._read(taken_apart(file.body), window, known)
        mentioned = {one.id for one in there}
        fresh = there if cursor is None else [one for one in there if known.get(one.id) != one.version]
        gone = [] if cursor is None else [event_id for event_id in known if event_id not in mentioned]
        yield from pages(fresh, gone, bookmark.text, full=cursor is None)

    def _read(self, contents: Contents, window: Window, known: Mapping[str, str]) -> list[Changed]:
        """Raises Transient for a file without events, where some were that are not over yet."""
        now = window.start + BEFORE
        if not contents.events and any(ends_at(version) > now for version in known.values()):
            raise Transient(EMPTIED)
        until = self._settings.ticks() + SECONDS
        return list(
            changes_of(
                contents, window, zone=self._settings.zone, over=lambda: self._settings.ticks() > until
            )
        )

    # --- what a file cannot do

    def create(self, calendar_id: str, identity: EventIdentity, content: EventContent) -> NoReturn:
        raise Rejected(READ_ONLY)

    def get(self, calendar_id: str, event_id: str) -> NoReturn:
        raise Rejected(READ_ONLY)

    def update(self, calendar_id: str, event_id: str, content: EventContent, *, version: str) -> NoReturn:
        raise Rejected(READ_ONLY)

    def delete(self, calendar_id: str, event_id: str, *, version: str) -> NoReturn:
        raise Rejected(READ_ONLY)

    def find(self, calendar_id: str, key: str) -> list[RemoteEvent]:
        return []


class Bookmark:
    """How the file was when it was read last."""

    def __init__(self, etag: str = "", modified: str = "", digest: str = "") -> None:
        self.etag, self.modified, self.digest = etag, modified, digest

    @classmethod
    def of(cls, cursor: str | None) -> Bookmark:
        """Raises CursorExpired for what is none of ours."""
        if cursor is None:
            return cls()
        try:
            etag, modified, digest = json.loads(cursor)
            return cls(str(etag), str(modified), str(digest))
        except (ValueError, TypeError, RecursionError):
            raise CursorExpired("How the calendar file was is not known any more.") from None

    @classmethod
    def after(cls, file: File) -> Bookmark:
        return cls(file.etag, file.modified, hashlib.sha256(file.body or b"").hexdigest())

    @property
    def text(self) -> str:
        return json.dumps([self.etag, self.modified, self.digest])


def pages(fresh: Sequence[Changed], gone: list[str], cursor: str, *, full: bool) -> Iterator[ChangePage]:
    starts = range(0, len(fresh), PAGE) or range(1)
    for start in starts:
        last = start == starts[-1]
        yield ChangePage(
            changed=fresh[start : start + PAGE],
            removed=gone if start == 0 else (),
            cursor=cursor if last else None,
            full=full,
        )


def account_of(url: str) -> Account:
    """The address itself is a secret; its digest tells whether two are the same."""
    return Account(identity=hashlib.sha256(url.encode()).hexdigest(), label=host_of(url))


def calendar_of(url: str, name: str = "", zone: str = "") -> CalendarInfo:
    return CalendarInfo(
        id=CALENDAR, name=name.strip() or host_of(url), may_write=False, zone=zone, why_not=READ_ONLY
    )
