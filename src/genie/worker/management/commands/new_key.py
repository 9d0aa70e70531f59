"""`manage.py new_key`"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from genie.store.sealed import new_key


class Command(BaseCommand):
    help = "Print a fresh key for GENIE_ENCRYPTION_KEYS. Nothing is changed, and no database is asked."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(new_key())
