"""`manage.py set_password EMAIL`"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from genie.flows.set_password import CannotSetPassword, set_password
from genie.worker.management import password


class Command(BaseCommand):
    help = "Give a user a new password. It is asked for, or made with --generate."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="what the user logs in with")
        password.add_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = password.ask_or_make(generate=options["generate"])
        try:
            user = set_password(email=options["email"], password=chosen.text)
        except CannotSetPassword as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(
            f"{user.email} has a new password, and is logged out wherever the old one was used."
        )
        password.tell(self, chosen)
