"""`manage.py rotate_secrets`"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from genie.flows.rotate_secrets import rotate_secrets


class Command(BaseCommand):
    help = (
        "Encrypt all secrets anew with the first of GENIE_ENCRYPTION_KEYS. It may be stopped and run again."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = rotate_secrets()
        except ImproperlyConfigured as problem:
            raise CommandError(str(problem)) from problem
        for column in done:
            self.stdout.write(
                f"{column.name}: {column.anew} encrypted anew, {column.already} were already, "
                f"{len(column.unreadable)} not readable"
            )
        lost = [secret for column in done for secret in column.unreadable]
        if lost:
            raise CommandError(not_readable(lost))
        self.stdout.write(
            "Everything is encrypted with the first key. The others can be taken out of "
            "GENIE_ENCRYPTION_KEYS, if every process has been started again since the first was put there."
        )


def not_readable(lost: list[str]) -> str:
    listed = "\n".join(f"  {secret}" for secret in lost)
    return (
        f"None of GENIE_ENCRYPTION_KEYS opens\n{listed}\nThey were left as they are; the rest is done. If "
        "you still have the key they were encrypted with, put it last and run this again. If it is lost, "
        "have the keys re-authorized under Remote Authorization and make the links anew."
    )
