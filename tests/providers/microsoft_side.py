"""A Microsoft account of the stand-in, and its owner in Outlook: what the contract plays with."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
from tests.microsoft_sandbox import MicrosoftSandbox
from tests.providers.google_side import CHANCES, Patient

from calendar_sandbox.microsoft.state import Client
from genie.core.event import BusyKind, When
from genie.providers.microsoft.mapping import EXPAND
from genie.providers.port import CalendarProvider, Secret
from genie.providers.registry import ProviderSettings, open_provider

ANA = "ana@contoso.example"
BOB = "bob@contoso.example"
CLIENT = Client(
    id="6731de76-14a6-49ae-97bc-6eba6914391e", secret="s3cret", redirect_uris=["https://genie.example/back"]
)
NOVEMBER = datetime(2026, 11, 24, 8, tzinfo=UTC)
SCOPES = ["openid", "profile", "offline_access", "User.Read", "Calendars.ReadWrite"]
IMMUTABLE = {"Prefer": 'IdType="ImmutableId", outlook.timezone="UTC"'}
CATEGORY = "Red category"
OTHER_PROPERTY = {"id": "String {11111111-2222-3333-4444-555555555555} Name other", "value": "keeps this"}


def settings_for(sandbox: MicrosoftSandbox, **changes: Any) -> ProviderSettings:
    """As an operator points the product at a stand-in."""
    microsoft = {
        "client_id": CLIENT.id,
        "client_secret": CLIENT.secret,
        "authority": sandbox.base_url,
        "graph_url": f"{sandbox.base_url}/v1.0",
        "requests_per_minute": "0",
    }
    given: dict[str, Any] = {
        "clock": sandbox.world.now,
        "options": {"microsoft": microsoft},
        "wire": sandbox.wire,
    }
    return ProviderSettings(**(given | changes))


def granted(sandbox: MicrosoftSandbox, upn: str = ANA, scopes: list[str] = SCOPES) -> Secret:
    """What a key for this account holds, without anybody being asked."""
    with sandbox.world.lock:
        sandbox.world.clients.setdefault(CLIENT.id, CLIENT)
        account = sandbox.account(upn)
        refresh = sandbox.world.issue_refresh_token(account, CLIENT.id, scopes)
        access = sandbox.world.issue_access_token(account, CLIENT.id, scopes)
    return {
        "refresh_token": refresh.token,
        "access_token": access.token,
        "expires_at": access.expires.isoformat(),
        "scopes": scopes,
        "tid": account.tid,
        "oid": account.oid,
        "preferred_username": upn,
        "email": upn,
    }


class MicrosoftSide:
    """Ana, her team's calendar, and what she does there."""

    forgets = False
    zones = False

    def __init__(self, sandbox: MicrosoftSandbox) -> None:
        self.sandbox = sandbox
        sandbox.stop_clock(NOVEMBER)  # what is a week ahead today is past in a year
        sandbox.account(ANA)
        self.team = sandbox.calendar(ANA, "Team")
        self.calendar = sandbox.calendar_id(ANA, self.team)
        self.second = sandbox.calendar(ANA, "Other")
        self.other = sandbox.calendar_id(ANA, self.second)
        self.reading = sandbox.share(sandbox.calendar(BOB, "Bob's"), ANA, "read")
        self.owner = sandbox.owner(ANA)
        self.owner.headers.update(IMMUTABLE)
        self.secret = granted(sandbox)
        self._opened: list[CalendarProvider] = []
        self.provider = self.again()

    def close(self) -> None:
        for provider in self._opened:
            provider.close()
        self.owner.close()

    def again(self) -> CalendarProvider:
        provider = open_provider("microsoft", self.secret, settings_for(self.sandbox))
        self._opened.append(provider)
        return provider

    def requests(self) -> int:
        return len(self.sandbox.requests())

    # --- the owner

    def add(self, when: When, *, kind: BusyKind | None = BusyKind.BUSY, title: str = "Own") -> str:
        shown = {None: "free", BusyKind.BUSY: "busy", BusyKind.TENTATIVE: "tentative"}[kind]
        body = {"subject": title, "showAs": shown, **times(when)}
        return str(self._did(self.owner.post(self._path(), json=body))["id"])

    def add_broken(self) -> str:
        raise NotImplementedError("Outlook stores no event that cannot be read")

    def move(self, event_id: str, when: When) -> None:
        self._patch(event_id, times(when))

    def rename(self, event_id: str, title: str) -> None:
        self._patch(event_id, {"subject": title})

    def cancel(self, event_id: str) -> None:
        """As a meeting whose organizer called it off; what Outlook's own organizer cancels is deleted."""
        self._keep(event_id, isCancelled=True)

    def delete(self, event_id: str) -> None:
        self._did(self.owner.delete(self._path(event_id)))

    def copy(self, event_id: str, when: When) -> str:
        """Outlook's copies carry the extended properties along, and no transaction id."""
        there = self._get(event_id)
        kept = ("subject", "location", "body", "showAs")
        body = {name: there[name] for name in kept if name in there} | times(when)
        own = there.get("singleValueExtendedProperties") or []
        body["singleValueExtendedProperties"] = [{"id": one["id"], "value": one["value"]} for one in own]
        return str(self._did(self.owner.post(self._path(), json=body))["id"])

    def add_extra(self, event_id: str) -> None:
        there = self._get(event_id)["body"]["content"]
        guest = {"emailAddress": {"address": "guest@example.net", "name": "Guest"}, "type": "required"}
        self._patch(
            event_id,
            {
                "categories": [CATEGORY],
                "isReminderOn": True,
                "reminderMinutesBeforeStart": 10,
                "attendees": [guest],
                "singleValueExtendedProperties": [OTHER_PROPERTY],
                "body": {"contentType": "html", "content": there.replace("papers", "<b>papers</b>")},
            },
        )

    def has_extra(self, event_id: str) -> bool:
        there = self._get(event_id, f"singleValueExtendedProperties($filter=id eq '{OTHER_PROPERTY['id']}')")
        (other,) = there["singleValueExtendedProperties"]
        return (
            there["categories"] == [CATEGORY]
            and there["reminderMinutesBeforeStart"] == 10
            and [guest["emailAddress"]["address"] for guest in there["attendees"]] == ["guest@example.net"]
            and other["value"] == OTHER_PROPERTY["value"]
            and "<b>papers</b>" in there["body"]["content"]
        )

    def repeat_daily(self, event_id: str, count: int) -> None:
        day = self._get(event_id)["start"]["dateTime"][:10]
        self._patch(
            event_id,
            {
                "recurrence": {
                    "pattern": {"type": "daily", "interval": 1},
                    "range": {
                        "type": "numbered",
                        "startDate": day,
                        "numberOfOccurrences": count,
                        "recurrenceTimeZone": "UTC",
                    },
                }
            },
        )

    def drop_calendar(self) -> None:
        with self.sandbox.world.lock:
            self.sandbox.world.remove_calendar(self.team)

    def lock_out(self) -> CalendarProvider:
        provider = self.again()
        with self.sandbox.world.lock:
            assert self.sandbox.world.revoke_grant(self.sandbox.account(ANA), CLIENT.id)
        return provider

    # --- within

    def _path(self, event_id: str = "") -> str:
        path = f"me/calendars/{self.calendar}/events"
        return f"{path}/{event_id}" if event_id else path

    def _get(self, event_id: str, expand: str = EXPAND) -> dict[str, Any]:
        return self._did(self.owner.get(self._path(event_id), params={"$expand": expand}))

    def _patch(self, event_id: str, body: dict[str, Any]) -> None:
        self._did(self.owner.patch(self._path(event_id), json=body))

    def _keep(self, event_id: str, **changes: Any) -> None:
        """What only others can do to an event."""
        with self.sandbox.world.lock:
            found = self.sandbox.world.find_event(event_id)
            assert found
            calendar, stored = found
            self.sandbox.world.keep(calendar, replace(stored, resource=stored.resource | changes))

    def _did(self, answer: httpx.Response) -> dict[str, Any]:
        assert answer.is_success, answer.text
        return answer.json() if answer.content else {}


def times(when: When) -> dict[str, Any]:
    return {
        "isAllDay": when.all_day,
        "start": {"dateTime": f"{when.start:%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"},
        "end": {"dateTime": f"{when.end:%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"},
    }


class FaultySide(MicrosoftSide):
    """The same, where every third request or so goes wrong."""

    def __init__(self, sandbox: MicrosoftSandbox, *, seed: int) -> None:
        super().__init__(sandbox)
        sandbox.chances({**CHANCES, "conflict": 0.05, "saved_error": 0.05}, seed=seed)

    def again(self) -> CalendarProvider:
        patient = Patient(super().again())
        patient.kind = "microsoft"
        return patient

    def requests(self) -> int:
        return sum(not one.fault for one in self.sandbox.requests())
