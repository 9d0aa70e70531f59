"""`manage.py add_company SLUG NAME --agency NAME --zone ZONE`"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from genie.flows.add_company import CannotAddCompany, add_company


class Command(BaseCommand):
    help = "Add a company: a business, with its own users, modules and appointments."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="its name in addresses, for example acme-dental; it does not change")
        parser.add_argument("name", help='for example "Acme Dental"')
        parser.add_argument("--agency", required=True, metavar="NAME", help="the agency it belongs to")
        parser.add_argument("--zone", required=True, help="where it is, for example America/New_York")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            company = add_company(
                slug=options["slug"],
                name=options["name"],
                agency=options["agency"],
                zone=options["zone"],
                now=timezone.now(),
            )
        except CannotAddCompany as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(
            f"Added the company {company.name} (company/{company.slug}) to {company.agency.name}; its time "
            f"is that of {company.zone}."
        )
