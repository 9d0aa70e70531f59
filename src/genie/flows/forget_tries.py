"""Forget who did what how often, once no limit asks any more."""

from __future__ import annotations

from datetime import datetime, timedelta

from genie.flows.log_in import KEPT
from genie.store.models import LoginTry, Turn


def forget_tries(*, longest: timedelta, now: datetime) -> None:
    """Delete visitors' turns that no limit looks back to (`longest`), and old tries to log in."""
    Turn.objects.filter(at__lt=now - longest).delete()
    LoginTry.objects.filter(at__lt=now - KEPT).delete()
