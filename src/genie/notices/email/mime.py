"""An OutgoingMail as RFC 5322 bytes, 7-bit clean, with no way for a value to become a header of its own."""

from __future__ import annotations

from contextlib import suppress
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from genie.notices.email.letters import one_line
from genie.notices.port import Letterhead, OutgoingMail, Refused

_POLICY = SMTP.clone(cte_type="7bit")


def mailbox(address: str, name: str = "") -> Address:
    """An address for a header and the envelope: exactly one, its domain in ASCII. Raises Refused."""
    local, _, domain = address.rpartition("@")
    try:
        if (
            not local
            or not domain
            or not address.isprintable()
            or any(c in address for c in ' ,;<>()[]\\"')
            or "@" in local
        ):
            raise ValueError(address)
        return Address(one_line(name, 120), local, domain.encode("idna").decode("ascii"))
    except ValueError as exc:  # UnicodeError is one
        raise Refused("The address cannot be written to: it is not an e-mail address.") from exc


def envelope(address: str) -> str:
    """The address for MAIL FROM and RCPT TO. Raises Refused if it needs SMTPUTF8, which few servers take."""
    spec = mailbox(address).addr_spec
    if not spec.isascii():
        raise Refused("The address cannot be written to: letters outside ASCII stand before its @.")
    return spec


def as_bytes(mail: OutgoingMail, letterhead: Letterhead) -> bytes:
    """The whole message. Raises Refused when an address is none."""
    message = EmailMessage(policy=_POLICY)
    message["From"] = mailbox(letterhead.address, mail.from_name)
    message["To"] = mailbox(mail.to)
    message["Subject"] = one_line(mail.subject)
    message["Date"] = format_datetime(mail.date)
    message["Message-ID"] = f"<{mail.message_id}>"
    with suppress(Refused):  # a customer's odd address must not keep the letter from the company
        if mail.reply_to:
            message["Reply-To"] = mailbox(mail.reply_to)
    # RFC 3834: no out-of-office answers to an automatic letter
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    if mail.attachment is not None:
        message.add_attachment(
            mail.attachment.text,
            subtype="calendar",
            filename=mail.attachment.filename,
            params={"method": mail.attachment.method},
        )
    return message.as_bytes()
