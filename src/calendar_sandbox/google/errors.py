"""What the Calendar API refuses, with Google's codes, domains, reasons and words.

Sources: the guide "Handle API errors" (developers.google.com/workspace/calendar/api/guides/errors) for those
it shows; threads of clients for the others. Where neither has words, ours are marked so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
}
REALM = 'Bearer realm="https://accounts.google.com/"'


class Refusal(Exception):
    """The request was refused; nothing was changed."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        *,
        domain: str = "global",
        location: str = "",
        location_type: str = "parameter",
        long_message: str = "",
        details: list[dict[str, Any]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.domain = domain
        self.location = location
        self.location_type = location_type
        self.long_message = long_message
        self.details = details
        self.headers = dict(headers or {})

    def as_json(self) -> dict[str, Any]:
        one = {"domain": self.domain, "reason": self.reason, "message": self.message}
        if self.location:
            one |= {"locationType": self.location_type, "location": self.location}
        error: dict[str, Any] = {"code": self.code, "message": self.long_message or self.message}
        error["errors"] = [one]
        if self.details is not None or self.code in (401, 429):
            error["status"] = STATUS[self.code]
        if self.details:
            error["details"] = self.details
        return {"error": error}


# --- 400 -----------------------------------------------------------------------------------------------


def invalid(message: str = "Invalid Value", *, location: str = "") -> Refusal:
    return Refusal(400, "invalid", message, location=location)


def invalid_parameter(name: str, value: str, why: str) -> Refusal:
    return Refusal(400, "invalidParameter", f"Invalid value '{value}'. {why}", location=name)


def required(message: str, *, location: str = "") -> Refusal:
    return Refusal(400, "required", message, location=location)


def bad_request(message: str = "Bad Request") -> Refusal:
    return Refusal(400, "badRequest", message)


def parse_error(message: str = "Parse Error") -> Refusal:
    return Refusal(400, "parseError", message)


def time_range_empty(location: str = "") -> Refusal:
    message = "The specified time range is empty."
    return Refusal(400, "timeRangeEmpty", message, domain="calendar", location=location)


def calendar_says(reason: str, message: str, *, code: int = 400, location: str = "") -> Refusal:
    """Any other refusal in the domain `calendar`."""
    return Refusal(code, reason, message, domain="calendar", location=location)


# --- 401, 403 ------------------------------------------------------------------------------------------


def no_credentials() -> Refusal:
    return Refusal(
        401,
        "required",
        "Login Required.",
        location="Authorization",
        location_type="header",
        long_message="Request is missing required authentication credential. Expected OAuth 2 access token, "
        "login cookie or other valid authentication credential. "
        "See https://developers.google.com/identity/sign-in/web/devconsole-project.",
        headers={"WWW-Authenticate": REALM},
    )


def bad_credentials() -> Refusal:
    return Refusal(
        401,
        "authError",
        "Invalid Credentials",
        location="Authorization",
        location_type="header",
        long_message="Request had invalid authentication credentials. Expected OAuth 2 access token, login "
        "cookie or other valid authentication credential. "
        "See https://developers.google.com/identity/sign-in/web/devconsole-project.",
        headers={"WWW-Authenticate": f'{REALM}, error="invalid_token"'},
    )


def scopes_missing(method: str, scopes: tuple[str, ...]) -> Refusal:
    service, _, name = method.partition(".")
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
        "domain": "googleapis.com",
        "metadata": {"service": f"{service}-json.googleapis.com", "method": f"{service}.v3.{name}"},
    }
    header = f'{REALM}, error="insufficient_scope", scope="{" ".join(scopes)}"'
    return Refusal(
        403,
        "insufficientPermissions",
        "Insufficient Permission",
        long_message="Request had insufficient authentication scopes.",
        details=[info],
        headers={"WWW-Authenticate": header},
    )


def forbidden() -> Refusal:
    return Refusal(403, "forbidden", "Forbidden")


def needs_role(role: str) -> Refusal:
    return calendar_says("requiredAccessLevel", f"You need to have {role} access to this calendar.", code=403)


def not_the_organizer() -> Refusal:
    message = "Shared properties can only be changed by the organizer of the event."
    return calendar_says("forbiddenForNonOrganizer", message, code=403)


# --- 404, 409, 410, 412 --------------------------------------------------------------------------------


def not_found(message: str = "Not Found") -> Refusal:
    return Refusal(404, "notFound", message)


def duplicate() -> Refusal:
    return Refusal(409, "duplicate", "The requested identifier already exists.")


def deleted() -> Refusal:
    return Refusal(410, "deleted", "Resource has been deleted")


def full_sync_required() -> Refusal:
    message = "Sync token is no longer valid, a full sync is required."
    return calendar_says("fullSyncRequired", message, code=410, location="syncToken")


def updated_min_too_long_ago() -> Refusal:
    message = "The requested minimum modification time lies too far in the past."
    return calendar_says("updatedMinTooLongAgo", message, code=410, location="updatedMin")


def condition_not_met() -> Refusal:
    return Refusal(412, "conditionNotMet", "Precondition Failed", location="If-Match", location_type="header")


# --- limits and breakdowns -----------------------------------------------------------------------------

LIMITS = {
    "rateLimitExceeded": "Rate Limit Exceeded",
    "userRateLimitExceeded": "User Rate Limit Exceeded",
    "quotaExceeded": "Calendar usage limits exceeded.",
    "calendarUsageLimitsExceeded": "Calendar usage limits exceeded.",
    "dailyLimitExceeded": "Daily Limit Exceeded",
}


def limit(reason: str, *, code: int = 403, retry_after: int | None = None) -> Refusal:
    """One of LIMITS. `quotaExceeded` limits a person's use of Calendar; Google says it with 403."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Refusal(code, reason, LIMITS[reason], domain="usageLimits", headers=headers)


def backend_error(code: int = 503, *, retry_after: int | None = None) -> Refusal:
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Refusal(code, "backendError", "Backend Error", headers=headers)
