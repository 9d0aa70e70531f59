"""The port every outgoing message leaves through.

NoticeFault        a message could not be handed over
├── Refused        it never will be (no such address, content refused): say so to a person
└── Unavailable    try again later; `outcome_unknown` = it may have arrived all the same
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Attachment:
    """A calendar file. `method` is iTIP's and stands in the part's header as well as in the file."""

    text: str
    method: str
    filename: str = "appointment.ics"


@dataclass(frozen=True, slots=True)
class OutgoingMail:
    """One e-mail to one address. `message_id` without angle brackets; a repeat carries the same one."""

    to: str
    subject: str
    text: str
    html: str
    message_id: str
    from_name: str
    date: datetime
    reply_to: str = ""
    attachment: Attachment | None = None


@dataclass(frozen=True, slots=True)
class Letterhead:
    """Who writes: the installation's mail address, and the address its pages are reached under."""

    address: str
    public_url: str

    def link(self, path: str) -> str:
        return f"{self.public_url.rstrip('/')}{path}"


class NoticeFault(Exception):
    """A message could not be handed over. `str()` is a sentence for people and never holds a secret."""


class Refused(NoticeFault):
    """This message will never be taken for this address."""


class Unavailable(NoticeFault):
    """Try again later. `outcome_unknown`: the connection ended after the text had left."""

    def __init__(self, message: str, *, outcome_unknown: bool = False) -> None:
        super().__init__(message)
        self.outcome_unknown = outcome_unknown


class MailSender(Protocol):
    """Hands one mail over to a mail server."""

    @property
    def letterhead(self) -> Letterhead: ...

    def send(self, mail: OutgoingMail) -> None:
        """Return when the server has taken responsibility. Raises Refused or Unavailable."""
        ...
