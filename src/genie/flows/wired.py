"""What the installation was wired with (config/wiring.py), for the web and the worker to hand on."""

from __future__ import annotations

from django.conf import settings
from django.utils.module_loading import import_string

from genie.notices.port import MailSender
from genie.providers.registry import ProviderSettings


def provider_settings() -> ProviderSettings:
    found: ProviderSettings = import_string(f"{settings.GENIE_WIRING}.provider_settings")()
    return found


def mail_sender() -> MailSender:
    found: MailSender = import_string(f"{settings.GENIE_WIRING}.mail_sender")()
    return found
