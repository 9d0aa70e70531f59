"""The one tree of what can go wrong with a calendar system; each leaf means one thing to do.

ProviderFault         a calendar system said no
├── Transient         try again later (timeouts, 429, 5xx); `outcome_unknown` = look before repeating
├── AccessLost        the grant is gone; ask the owner to re-authorize
├── CursorExpired     forget the cursor; read the calendar again in full
├── StaleVersion      someone changed the event first; re-read, then decide again
├── Gone              the event is not there, while its calendar answers (proof of a deletion)
├── CalendarGone      the calendar itself is not there or may not be read; never a deletion of events
├── IdentityTaken     our id or UID was used before and cannot be used again; take the next generation
├── PushRefused       this calendar cannot be watched by push; poll it
├── Malformed         the event cannot be understood; leave it, block its time, tell a person
└── Rejected          our request can never succeed as it is; park it for a person

ConnectFault          a registration could not be completed; said to the account's owner
├── NoSuchHost        the address leads nowhere
├── Unreachable       the host does not answer (refused, timed out, certificate not valid)
├── AddressRefused    the address may not be used (private network, not http(s))
├── NotACalendarServer  something answers, but it does not speak the protocol
├── WrongPassword     the server refused the user or password
├── NoCalendars       signed in, but the account has no calendar for events
├── Denied            the owner said no at the provider
├── PermissionMissing the owner signed in, but did not grant what is needed
├── SignInExpired     the sign-in was not finished in time, was finished before, or was not begun here
├── NotAllowedThere   the provider or its administrator does not let this account grant access
└── NothingWritable   calendars are there, but all are read-only (a key is still made: availability only)
"""

from __future__ import annotations


class ProviderFault(Exception):
    """A calendar system said no. `str()` is a sentence a person may read; it never holds a secret."""


class Transient(ProviderFault):
    """Try again later.

    `retry_after` is in seconds, if the provider named it. `outcome_unknown` is True when the request may
    have taken effect all the same (timeout or reset after sending, 5xx): look before repeating it.
    """

    def __init__(
        self, message: str, *, retry_after: float | None = None, outcome_unknown: bool = False
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.outcome_unknown = outcome_unknown


class AccessLost(ProviderFault):
    """The grant was revoked, expired or the password changed."""


class CursorExpired(ProviderFault):
    """The provider no longer knows the cursor: read in full, and diff."""


class StaleVersion(ProviderFault):
    """The event is not in the version our conditional request named (HTTP 412)."""


class Gone(ProviderFault):
    """The event is not there although the calendar itself answers: the only proof of a deletion."""


class CalendarGone(ProviderFault):
    """The calendar is not there or may not be read any more: park, never conclude deletions from it."""


class IdentityTaken(ProviderFault):
    """The id or UID derived from (link, generation) was used before: take the next generation."""


class PushRefused(ProviderFault):
    """The provider does not push for this calendar: remember it, and poll."""


class Malformed(ProviderFault):
    """What is stored there cannot be read as an event. `version`, if it is known, is for deleting it."""

    def __init__(self, message: str, *, version: str = "") -> None:
        super().__init__(message)
        self.version = version


class Rejected(ProviderFault):
    """The request can never succeed as it is (too large, forbidden): park it with this reason."""


class ConnectFault(Exception):
    """A registration could not be completed; the message is meant for the account's owner."""


class NoSuchHost(ConnectFault):
    pass


class Unreachable(ConnectFault):
    pass


class AddressRefused(ConnectFault):
    pass


class NotACalendarServer(ConnectFault):
    pass


class WrongPassword(ConnectFault):
    pass


class NoCalendars(ConnectFault):
    pass


class NothingWritable(ConnectFault):
    pass


class Denied(ConnectFault):
    pass


class PermissionMissing(ConnectFault):
    pass


class SignInExpired(ConnectFault):
    pass


class NotAllowedThere(ConnectFault):
    pass
