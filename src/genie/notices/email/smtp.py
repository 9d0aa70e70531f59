"""Mail over SMTP with the standard library; each answer of the server becomes one of two faults, here only.

The server's own words are kept out of reasons (they may quote what we sent): the code is enough to look up.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal

from genie.notices.email import mime
from genie.notices.port import Letterhead, OutgoingMail, Refused, Unavailable

Tls = Literal["none", "starttls", "tls"]
_OK = range(200, 300)


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """Where mail leaves. With `starttls` or `tls` certificates are verified and nothing is sent in plain."""

    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)
    tls: Tls = "none"
    timeout: float = 15.0
    """Seconds for each step of the conversation."""


@dataclass(frozen=True, slots=True)
class SmtpSender:
    """One connection per mail: nothing to keep alive, nothing to find broken later."""

    settings: SmtpSettings
    letterhead: Letterhead

    def send(self, mail: OutgoingMail) -> None:
        content = mime.as_bytes(mail, self.letterhead)
        with _before_the_text():
            server = self._connect()
        try:
            with _before_the_text():
                server.ehlo_or_helo_if_needed()
                _sender(server.mail(mime.envelope(self.letterhead.address)))
                _recipient(server.rcpt(mime.envelope(mail.to)))
            with _after_the_text():
                _content(server.data(content))
        finally:
            with suppress(smtplib.SMTPException, OSError):
                server.quit()

    def _connect(self) -> smtplib.SMTP:
        of = self.settings
        # without a name of its own smtplib asks the DNS for one, which may take long
        name = self.letterhead.address.rpartition("@")[2] or "localhost"
        server: smtplib.SMTP
        if of.tls == "tls":
            server = smtplib.SMTP_SSL(
                of.host, of.port, name, timeout=of.timeout, context=ssl.create_default_context()
            )
        else:
            server = smtplib.SMTP(of.host, of.port, name, timeout=of.timeout)
        try:
            if of.tls == "starttls":
                server.starttls(context=ssl.create_default_context())
            if of.user:
                server.login(of.user, of.password)
        except BaseException:
            server.close()
            raise
        return server


def _sender(answer: tuple[int, bytes]) -> None:
    if answer[0] not in _OK:
        # also when permanent: the operator's own address is wrong, which is not this customer's fault
        raise Unavailable(f"The mail server refuses our own sender address ({answer[0]}).")


def _recipient(answer: tuple[int, bytes]) -> None:
    if answer[0] in _OK:
        return
    if answer[0] >= 500:
        raise Refused(f"The mail server refused this address ({answer[0]}).")
    raise Unavailable(f"The mail server cannot take mail for this address now ({answer[0]}).")


def _content(answer: tuple[int, bytes]) -> None:
    if answer[0] in _OK:
        return
    if answer[0] >= 500:
        raise Refused(f"The mail server refused the message ({answer[0]}).")
    raise Unavailable(f"The mail server could not take the message now ({answer[0]}).")


@contextmanager
def _before_the_text() -> Iterator[None]:
    """Up to here nothing of the message has left: any failure is known to have had no effect."""
    try:
        yield
    except ssl.SSLCertVerificationError as exc:
        raise Unavailable("The mail server's certificate could not be verified.") from exc
    except smtplib.SMTPAuthenticationError as exc:
        raise Unavailable(f"The mail server refused our login ({exc.smtp_code}).") from None
    except smtplib.SMTPNotSupportedError as exc:
        raise Unavailable("The mail server does not offer what is configured (TLS or login).") from exc
    except (smtplib.SMTPException, OSError) as exc:
        raise Unavailable(f"The mail server could not be reached ({type(exc).__name__}).") from exc


@contextmanager
def _after_the_text() -> Iterator[None]:
    try:
        yield
    except smtplib.SMTPDataError as exc:  # the answer to DATA itself: the text has not been sent
        _content((exc.smtp_code, b""))
    except (smtplib.SMTPException, OSError) as exc:
        raise Unavailable(
            f"The mail server did not say whether it took the message ({type(exc).__name__}).",
            outcome_unknown=True,
        ) from exc
