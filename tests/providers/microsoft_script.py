"""A server that answers as Microsoft's reference says, one answer after another, and keeps what was asked."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

from tests.providers import google_script
from tests.providers.google_script import NOW, Asked, Reply

from genie.providers.microsoft.provider import Microsoft
from genie.providers.port import Renew, renew_alone
from genie.providers.registry import ProviderSettings

TID = "72f988bf-86f1-41af-91ab-2d7cd011db47"
OID = "bc55b173-cff6-457d-b7a1-64bda7d7581a"
CLIENT = "6731de76-14a6-49ae-97bc-6eba6914391e"
SECRET = {
    "refresh_token": "M.lasting",
    "access_token": "eyJ.short",
    "expires_at": (NOW + timedelta(hours=1)).isoformat(),
    "scopes": ["Calendars.ReadWrite", "User.Read"],
    "tid": TID,
    "oid": OID,
    "preferred_username": "ana@contoso.example",
    "email": "ana@contoso.example",
}
CALENDAR = "AAMkAGI2TGTG="
EVENTS = f"/v1.0/me/calendars/{CALENDAR}/events"
VIEW = f"/v1.0/me/calendars/{CALENDAR}/calendarView"
DELTA = f"{VIEW}/delta"
GRAPH = "https://graph.microsoft.com/v1.0"

__all__ = ["CALENDAR", "DELTA", "EVENTS", "NOW", "SECRET", "VIEW", "Asked", "Reply", "Script"]


class Script(google_script.Script):
    """The answers, and a provider that asks for them."""

    def settings(self, **changes: Any) -> ProviderSettings:
        options = {
            "client_id": CLIENT,
            "client_secret": "s3cret",
            "authority": self.url,
            "graph_url": f"{self.url}/v1.0",
            "requests_per_minute": "0",
        }
        given = {"clock": lambda: NOW, "options": {"microsoft": options | changes.pop("options", {})}}
        return ProviderSettings(**(given | changes))

    def provider(  # type: ignore[override]
        self, *, secret: dict[str, Any] | None = None, renew: Renew = renew_alone, **changes: Any
    ) -> Microsoft:
        return Microsoft(secret or SECRET, self.settings(**changes), renew)


def refusal(status: int, code: str, message: str = "No.") -> Reply:
    """As the page on errors shows them."""
    inner = {"date": "2026-11-24T08:00:00", "request-id": "fa38673d", "client-request-id": "fa38673d"}
    return Reply(status, {"error": {"code": code, "message": message, "innerError": inner}})


def denial(error: str, code: str = "", **more: Any) -> Reply:
    """As the token endpoint shows them."""
    said = f"AADSTS{code}: Something. Trace ID: 1 Correlation ID: 2" if code else "Something."
    return Reply(400, {"error": error, "error_description": said, **more})


def id_token(**changes: Any) -> str:
    """Its claims in the middle; the signature is not looked at."""
    claims = {"aud": CLIENT, "tid": TID, "oid": OID, "preferred_username": "ana@contoso.example"} | changes
    parts = [{"typ": "JWT", "alg": "RS256"}, claims]
    return ".".join([*(_part(part) for part in parts), "c2lnbmF0dXJl"])


def _part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def event(event_id: str = "AAkAforeign", **changes: Any) -> dict[str, Any]:
    """An event as Graph shows one, asked for in UTC; None takes a key away."""
    whole = {
        "@odata.etag": 'W/"ZlnW4RIAV06KYYwlrfNZvQAAKGWwbw=="',
        "id": event_id,
        "createdDateTime": "2026-11-20T10:00:00.0000000Z",
        "lastModifiedDateTime": "2026-11-20T10:00:00.0000000Z",
        "changeKey": "ZlnW4RIAV06KYYwlrfNZvQAAKGWwbw==",
        "categories": [],
        "originalStartTimeZone": "W. Europe Standard Time",
        "originalEndTimeZone": "W. Europe Standard Time",
        "iCalUId": f"040000008200E00074C5B7101A82E008{event_id}",
        "isAllDay": False,
        "isCancelled": False,
        "isOrganizer": True,
        "subject": "Dentist",
        "body": {"contentType": "html", "content": ""},
        "start": {"dateTime": "2026-12-01T08:00:00.0000000", "timeZone": "UTC"},
        "end": {"dateTime": "2026-12-01T09:00:00.0000000", "timeZone": "UTC"},
        "location": {"displayName": "", "locationType": "default"},
        "showAs": "busy",
        "type": "singleInstance",
        "seriesMasterId": None,
        "sensitivity": "normal",
        "responseStatus": {"response": "organizer", "time": "0001-01-01T00:00:00Z"},
        "attendees": [],
    } | changes
    return {name: value for name, value in whole.items() if value is not None or name == "seriesMasterId"}


def stub(event_id: str, day: int, master: str = "AAkAmaster") -> dict[str, Any]:
    """An occurrence in a delta."""
    return {
        "@odata.type": "#microsoft.graph.event",
        "id": event_id,
        "type": "occurrence",
        "seriesMasterId": master,
        "start": {"dateTime": f"2026-12-{day:02}T08:00:00.0000000", "timeZone": "UTC"},
        "end": {"dateTime": f"2026-12-{day:02}T09:00:00.0000000", "timeZone": "UTC"},
    }


def gone(event_id: str, reason: str = "deleted") -> dict[str, Any]:
    return {"id": event_id, "@removed": {"reason": reason}}


def page(*items: dict[str, Any], token: str = "next", **more: Any) -> Reply:
    """The last page of a delta."""
    link = f"{GRAPH}/me/calendars/{CALENDAR}/calendarView/delta?$deltatoken={token}"
    return Reply(200, {"value": list(items), "@odata.deltaLink": link, **more})


def more_to_come(*items: dict[str, Any], token: str = "skip") -> Reply:
    link = f"{GRAPH}/me/calendars/{CALENDAR}/calendarView/delta?$skiptoken={token}"
    return Reply(200, {"value": list(items), "@odata.nextLink": link})


def listed(*items: dict[str, Any]) -> Reply:
    return Reply(200, {"value": list(items)})
