"""What the operator's settings mean for the floors below that do not know Django (found by GENIE_WIRING)."""

from __future__ import annotations

from email.utils import parseaddr
from typing import Any

from django.conf import settings

from genie.notices.email.smtp import SmtpSender, SmtpSettings
from genie.notices.port import Letterhead, MailSender
from genie.providers.registry import ProviderSettings


def provider_settings() -> ProviderSettings:
    return ProviderSettings(
        allow_private_networks=settings.GENIE_PRIVATE_NETWORKS,
        options=settings.GENIE_PROVIDER_OPTIONS,
        webhooks=settings.GENIE_WEBHOOKS,
    )


def mail_sender() -> MailSender:
    address = parseaddr(settings.GENIE_MAIL_FROM)[1]
    server: dict[str, Any] = settings.GENIE_MAIL
    return SmtpSender(SmtpSettings(**server), Letterhead(address, settings.GENIE_PUBLIC_URL))
