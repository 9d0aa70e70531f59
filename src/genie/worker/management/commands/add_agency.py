"""`manage.py add_agency NAME`"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from genie.flows.add_agency import CannotAddAgency, add_agency


class Command(BaseCommand):
    help = "Add an agency: a partner that runs the platform for several companies."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help='for example "Bright Agency"')

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            agency = add_agency(name=options["name"])
        except CannotAddAgency as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"Added the agency {agency.name}.")
