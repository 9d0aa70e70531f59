"""`manage.py add_user EMAIL NAME --role ROLE (--agency NAME | --company SLUG …)`"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from genie.flows.add_user import CannotAddUser, add_user
from genie.store.models import Role
from genie.worker.management import password

ROLES = ", ".join(f'"{role.label}"' for role in Role)


class Command(BaseCommand):
    help = "Add somebody who logs in. The password is asked for, or made with --generate."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="what the user logs in with")
        parser.add_argument("name", help='for example "Morgan Reyes"')
        parser.add_argument("--role", required=True, help=ROLES)
        parser.add_argument("--agency", default="", metavar="NAME", help="for a role of an agency")
        parser.add_argument(
            "--company",
            action="append",
            default=[],
            dest="companies",
            metavar="SLUG",
            help="for a role of a company; may be given several times",
        )
        password.add_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        role = role_called(options["role"])
        chosen = password.ask_or_make(generate=options["generate"])
        try:
            user = add_user(
                email=options["email"],
                name=options["name"],
                role=role,
                password=chosen.text,
                agency=options["agency"],
                companies=options["companies"],
                now=timezone.now(),
            )
        except CannotAddUser as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(
            f"Added {user.name}, {role.label}. Log in as {user.email} at {settings.GENIE_PUBLIC_URL}/login"
        )
        password.tell(self, chosen)


def role_called(typed: str) -> Role:
    """The role of that name, in any case, with spaces, hyphens or underscores. Raises CommandError."""
    plain = "_".join(typed.replace("-", " ").replace("_", " ").split()).lower()
    try:
        return Role(plain)
    except ValueError:
        raise CommandError(
            f"There is no role “{typed}”, so nobody was added. The roles are {ROLES}."
        ) from None
