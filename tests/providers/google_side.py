"""A Google account of the stand-in, and its owner at the calendar page: what the contract plays with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import httpx
from tests.google_sandbox import CONTROL, GoogleSandbox

from calendar_sandbox.google.state import Client
from genie.core.errors import StaleVersion, Transient
from genie.core.event import BusyKind, EventContent, When
from genie.providers.google.auth import EVENTS, LIST
from genie.providers.port import (
    Account,
    CalendarInfo,
    CalendarProvider,
    ChangePage,
    EventIdentity,
    RemoteEvent,
    Secret,
    Window,
)
from genie.providers.registry import ProviderSettings, open_provider

ANA = "ana@example.org"
CLIENT = Client(id="ours.apps.example", secret="s3cret", redirect_uris=["https://genie.example/back"])
NOVEMBER = datetime(2026, 11, 24, 8, tzinfo=UTC)
T = TypeVar("T")
SCOPES = ["openid", "https://www.googleapis.com/auth/userinfo.email", EVENTS, LIST]


def settings_for(sandbox: GoogleSandbox, **changes: Any) -> ProviderSettings:
    """As an operator points the product at a stand-in."""
    google = {
        "client_id": CLIENT.id,
        "client_secret": CLIENT.secret,
        "auth_url": f"{sandbox.base_url}/o/oauth2/v2/auth",
        "token_url": f"{sandbox.base_url}/token",
        "revoke_url": f"{sandbox.base_url}/revoke",
        "userinfo_url": f"{sandbox.base_url}/v1/userinfo",
        "api_url": f"{sandbox.base_url}/calendar/v3",
        "units_per_minute": "0",
    }
    given: dict[str, Any] = {
        "clock": sandbox.world.now,
        "options": {"google": google},
        "wire": sandbox.wire,
    }
    return ProviderSettings(**(given | changes))


def granted(sandbox: GoogleSandbox, email: str = ANA) -> Secret:
    """What a key for this account holds, without anybody being asked."""
    with sandbox.world.lock:
        sandbox.world.clients.setdefault(CLIENT.id, CLIENT)
        account = sandbox.account(email)
        refresh = sandbox.world.issue_refresh_token(account, CLIENT.id, SCOPES)
        access = sandbox.world.issue_access_token(account, CLIENT.id, SCOPES)
    return {
        "refresh_token": refresh.token,
        "access_token": access.token,
        "expires_at": access.expires.isoformat(),
        "scopes": SCOPES,
        "sub": account.sub,
        "email": email,
    }


class GoogleSide:
    """Ana, her team's calendar, and what she does there."""

    forgets = False
    zones = True

    def __init__(self, sandbox: GoogleSandbox) -> None:
        self.sandbox = sandbox
        sandbox.stop_clock(NOVEMBER)  # what is a week ahead today is past in a year
        sandbox.account(ANA)
        self.calendar = sandbox.calendar(ANA, "Team")
        self.other = sandbox.calendar(ANA, "Other")
        self.reading = sandbox.calendar("bob@example.org", "Bob's")
        sandbox.share(self.reading, ANA, "reader")
        self.owner = sandbox.owner(ANA)
        answer = self.owner.post("users/me/calendarList", json={"id": self.reading})
        assert answer.status_code == 200, answer.text
        self.secret = granted(sandbox)
        self._opened: list[CalendarProvider] = []
        self.provider = self.again()

    def close(self) -> None:
        for provider in self._opened:
            provider.close()
        self.owner.close()

    def again(self) -> CalendarProvider:
        provider = open_provider("google", self.secret, settings_for(self.sandbox))
        self._opened.append(provider)
        return provider

    def requests(self) -> int:
        return len(self.sandbox.requests())

    # --- the owner

    def add(self, when: When, *, kind: BusyKind | None = BusyKind.BUSY, title: str = "Own") -> str:
        body = {"summary": title, **times(when)}
        if kind is None:
            body["transparency"] = "transparent"
        if kind is BusyKind.TENTATIVE:
            body["status"] = "tentative"
        return str(self._did(self.owner.post(self._path(), json=body))["id"])

    def add_broken(self) -> str:
        raise NotImplementedError("Google stores no event that cannot be read")

    def move(self, event_id: str, when: When) -> None:
        self._patch(event_id, times(when))

    def rename(self, event_id: str, title: str) -> None:
        self._patch(event_id, {"summary": title})

    def cancel(self, event_id: str) -> None:
        """Decline: what Google calls cancelled is deleted."""
        self._patch(event_id, {"attendees": [{"email": self.calendar, "responseStatus": "declined"}]})

    def delete(self, event_id: str) -> None:
        self._did(self.owner.delete(self._path(event_id)))

    def copy(self, event_id: str, when: When) -> str:
        there = self._get(event_id)
        kept = ("summary", "location", "description", "extendedProperties")
        body = {name: there[name] for name in kept if name in there} | times(when)
        return str(self._did(self.owner.post(self._path(), json=body))["id"])

    def add_extra(self, event_id: str) -> None:
        reminders = {"useDefault": False, "overrides": [{"method": "popup", "minutes": 10}]}
        guests = [{"email": "guest@example.net", "displayName": "Guest"}]
        private = {"private": {"another app": "keeps this"}}
        self._patch(
            event_id,
            {"colorId": "5", "reminders": reminders, "attendees": guests, "extendedProperties": private},
        )

    def has_extra(self, event_id: str) -> bool:
        there = self._get(event_id)
        return (
            there["colorId"] == "5"
            and there["reminders"]["overrides"] == [{"method": "popup", "minutes": 10}]
            and [guest["email"] for guest in there["attendees"]] == ["guest@example.net"]
            and there["extendedProperties"]["private"]["another app"] == "keeps this"
        )

    def repeat_daily(self, event_id: str, count: int) -> None:
        self._patch(event_id, {"recurrence": [f"RRULE:FREQ=DAILY;COUNT={count}"]})

    def drop_calendar(self) -> None:
        answer = httpx.delete(f"{self.sandbox.base_url}{CONTROL}/calendars/{self.calendar}")
        assert answer.is_success, answer.text

    def lock_out(self) -> CalendarProvider:
        provider = self.again()
        with self.sandbox.world.lock:
            assert self.sandbox.world.revoke_grant(self.sandbox.account(ANA), CLIENT.id)
        return provider

    # --- within

    def _path(self, event_id: str = "") -> str:
        path = f"calendars/{self.calendar}/events"
        return f"{path}/{event_id}" if event_id else path

    def _get(self, event_id: str) -> dict[str, Any]:
        return self._did(self.owner.get(self._path(event_id)))

    def _patch(self, event_id: str, body: dict[str, Any]) -> None:
        self._did(self.owner.patch(self._path(event_id), json=body))

    def _did(self, answer: httpx.Response) -> dict[str, Any]:
        assert answer.is_success, answer.text
        return answer.json() if answer.content else {}


def times(when: When) -> dict[str, Any]:
    if when.all_day:
        return {
            name: {"date": moment.date().isoformat()}
            for name, moment in (("start", when.start), ("end", when.end))
        }
    return {
        name: {"dateTime": rfc3339(moment), "timeZone": when.zone or "UTC"}
        for name, moment in (("start", when.start), ("end", when.end))
    }


def rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# --- with faults on

CHANCES = {
    "reset_before": 0.06,
    "reset_after": 0.06,
    "error_before": 0.1,
    "error_after": 0.06,
    "truncated": 0.06,
}
TRIES = 60


class FaultySide(GoogleSide):
    """The same, where every third request or so goes wrong."""

    def __init__(self, sandbox: GoogleSandbox, *, seed: int) -> None:
        super().__init__(sandbox)
        sandbox.chances(CHANCES, seed=seed)

    def again(self) -> CalendarProvider:
        return Patient(super().again())

    def requests(self) -> int:
        return sum(not one.fault for one in self.sandbox.requests())


class Patient:
    """A caller that tries again, and looks first where the outcome is not known, as the flows do."""

    kind = "google"

    def __init__(self, provider: CalendarProvider) -> None:
        self._provider = provider

    def account(self) -> Account:
        return again(self._provider.account)

    def calendars(self) -> list[CalendarInfo]:
        return again(self._provider.calendars)

    def create(self, calendar_id: str, identity: EventIdentity, content: EventContent) -> RemoteEvent:
        return again(lambda: self._provider.create(calendar_id, identity, content))

    def get(self, calendar_id: str, event_id: str) -> RemoteEvent:
        return again(lambda: self._provider.get(calendar_id, event_id))

    def find(self, calendar_id: str, key: str) -> list[RemoteEvent]:
        return again(lambda: self._provider.find(calendar_id, key))

    def update(self, calendar_id: str, event_id: str, content: EventContent, *, version: str) -> RemoteEvent:
        before = self.get(calendar_id, event_id)
        for _ in range(TRIES):
            try:
                return self._provider.update(calendar_id, event_id, content, version=version)
            except Transient as fault:
                there = self.get(calendar_id, event_id)
                if fault.outcome_unknown and there.version != version:
                    if before.version != version:
                        raise StaleVersion("Somebody changed it before.") from fault
                    return there
        raise AssertionError("no luck")

    def delete(self, calendar_id: str, event_id: str, *, version: str) -> bool:
        asked: list[bool] = []

        def ask() -> bool:
            try:
                return self._provider.delete(calendar_id, event_id, version=version)
            except Transient as fault:
                asked.append(fault.outcome_unknown)
                raise

        return again(ask) or any(asked)

    def changes(
        self, calendar_id: str, *, cursor: str | None, window: Window, known: Mapping[str, str]
    ) -> Iterator[ChangePage]:
        return iter(
            again(
                lambda: list(self._provider.changes(calendar_id, cursor=cursor, window=window, known=known))
            )
        )

    def close(self) -> None:
        self._provider.close()


def again(ask: Callable[[], T]) -> T:
    for _ in range(TRIES):
        try:
            return ask()
        except Transient:
            continue
    raise AssertionError("no luck")
