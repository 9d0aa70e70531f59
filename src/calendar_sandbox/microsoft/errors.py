"""What Graph refuses, with its codes and words.

Sources: learn.microsoft.com/graph/errors, the threads of the microsoftgraph repositories and of clients that
quote an answer. Where none has words, ours are marked so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SIGN_IN = (
    'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", '
    'client_id="00000003-0000-0000-c000-000000000000"'
)


class Refusal(Exception):
    """The request was refused; nothing was changed."""

    def __init__(
        self, status: int, code: str, message: str, *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})

    def as_json(self, *, date: str, request_id: str, client_request_id: str) -> dict[str, Any]:
        """The body; `innerError` is spelt as Graph spells it."""
        inner = {"date": date, "request-id": request_id, "client-request-id": client_request_id}
        return {"error": {"code": self.code, "message": self.message, "innerError": inner}}


def bad(code: str, message: str) -> Refusal:
    return Refusal(400, code, message)


def invalid_token(message: str) -> Refusal:
    return Refusal(401, "InvalidAuthenticationToken", message, headers={"WWW-Authenticate": SIGN_IN})


def no_token() -> Refusal:
    return invalid_token("Access token is empty.")


def expired_token() -> Refusal:
    return invalid_token("Lifetime validation failed, the token is expired.")


def broken_token() -> Refusal:
    return invalid_token("CompactToken parsing failed with error code: 80049217")


def access_denied() -> Refusal:
    return Refusal(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")


def insufficient() -> Refusal:
    return Refusal(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")


def item_not_found() -> Refusal:
    return Refusal(404, "ErrorItemNotFound", "The specified object was not found in the store.")


def malformed_id() -> Refusal:
    return bad("ErrorInvalidIdMalformed", "Id is malformed.")


def no_such_user(name: str) -> Refusal:
    return Refusal(404, "ErrorInvalidUser", f"The requested user '{name}' is invalid.")


def no_mailbox() -> Refusal:
    return Refusal(
        404,
        "MailboxNotEnabledForRESTAPI",
        "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
    )


def no_segment(segment: str) -> Refusal:
    return bad("BadRequest", f"Resource not found for the segment '{segment}'.")


def bad_json() -> Refusal:
    return bad(
        "BadRequest",
        "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of "
        "valid JSON format.",
    )


def unknown_property(name: str, sort: str) -> Refusal:
    return bad(
        "RequestBodyRead",
        f"The property '{name}' does not exist on type 'microsoft.graph.{sort}'. Make sure to only use "
        "property names that are defined by the type.",
    )


def bad_literal(value: Any, sort: str) -> Refusal:
    return bad("RequestBodyRead", f"Cannot convert the literal '{value}' to the expected type '{sort}'.")


def property_failed(message: str = "At least one property failed validation.") -> Refusal:
    return bad("ErrorPropertyValidationFailure", message)


def end_before_start() -> Refusal:
    return bad("ErrorCalendarEndDateIsEarlierThanStartDate", "EndDate is earlier than StartDate")


def bad_recurrence() -> Refusal:
    return bad("ErrorPropertyValidationFailure", "At least one property failed validation.")


def unknown_zone(name: str) -> Refusal:
    return bad(
        "TimeZoneNotSupportedException",
        f"A valid TimeZone value must be specified. The following TimeZone value is not supported: '{name}'.",
    )


def bad_filter() -> Refusal:
    return bad("ErrorInvalidUrlQueryFilter", "The query filter contains one or more invalid nodes.")


def bad_query(name: str, message: str) -> Refusal:
    return bad("ErrorInvalidUrlQuery", f"The query parameter '{name}' is not supported: {message}")


def no_window() -> Refusal:
    return bad(
        "ErrorInvalidParameter",
        "This request requires a time window specified by the query string parameters StartDateTime and "
        "EndDateTime.",
    )


def duplicate_transaction() -> Refusal:
    return bad(
        "ErrorDuplicateTransactionId",
        "Your request can't be completed. The TransactionId has already been used to create a different "
        "event.",
    )


def conflict() -> Refusal:
    return Refusal(
        412,
        "ErrorIrresolvableConflict",
        "The send or update operation could not be performed because the change key passed in the request "
        "does not match the current change key for the item.",
    )


def sync_state_gone(location: str) -> Refusal:
    return Refusal(
        410,
        "SyncStateNotFound",
        "The sync state generation is not found; it has expired. Start over without a token.",
        headers={"Location": location},
    )


def throttled(retry_after: int | None = 1, *, limit: str = "MailboxConcurrency") -> Refusal:
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    message = f"Application is over its {limit} limit."
    return Refusal(429, "ApplicationThrottled", message, headers=headers)


SERVER = {
    500: ("InternalServerError", "An internal server error occurred. The operation failed."),
    502: ("BadGateway", "The server got an invalid answer on its way."),
    503: ("ServiceUnavailable", "The service is temporarily unavailable. Please retry."),
    504: ("GatewayTimeout", "The gateway did not get an answer in time."),
}


def server_error(status: int, *, code: str = "", retry_after: int | None = None) -> Refusal:
    known, message = SERVER.get(status, SERVER[500])
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Refusal(status, code or known, message, headers=headers)


def not_offered(what: str) -> Refusal:
    """Ours: Graph has it, the stand-in has not."""
    return Refusal(501, "NotImplemented", f"The stand-in does not offer {what}.")
