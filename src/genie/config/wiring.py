"""What the operator's settings mean for the floors below that do not know Django (found by GENIE_WIRING)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from email.utils import parseaddr
from typing import Any

from django.conf import settings

from genie.notices.email.smtp import SmtpSender, SmtpSettings
from genie.notices.port import Letterhead, MailSender
from genie.providers.pace import no_place
from genie.providers.registry import ProviderSettings
from genie.store import locks


def provider_settings() -> ProviderSettings:
    return ProviderSettings(
        allow_private_networks=settings.GENIE_PRIVATE_NETWORKS,
        options=settings.GENIE_PROVIDER_OPTIONS,
        webhooks=settings.GENIE_WEBHOOKS,
        place=place,
    )


@contextmanager
def place(account: str, *, most: int, patience: float) -> Iterator[None]:
    """`pace.AtOnce` over all workers and web processes (decision 0071). Raises Transient."""
    with ExitStack() as held:
        try:
            held.enter_context(locks.place(account, most=most, wait_seconds=patience))
        except locks.Busy:
            raise no_place(most) from None
        yield


def mail_sender() -> MailSender:
    address = parseaddr(settings.GENIE_MAIL_FROM)[1]
    server: dict[str, Any] = settings.GENIE_MAIL
    return SmtpSender(SmtpSettings(**server), Letterhead(address, settings.GENIE_PUBLIC_URL))
