"""What the operator's settings mean for the floors below that do not know Django (found by GENIE_WIRING)."""

from __future__ import annotations

from django.conf import settings

from genie.providers.registry import ProviderSettings


def provider_settings() -> ProviderSettings:
    return ProviderSettings(allow_private_networks=settings.GENIE_PRIVATE_NETWORKS)
