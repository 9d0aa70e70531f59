"""Add a Schedule Genie module to a company."""

from __future__ import annotations

from datetime import datetime

from django.db.transaction import atomic
from django.utils.text import slugify

from genie.flows.save_module import ModuleSettings, fill
from genie.store.models import Company, Module

STEM_LIMIT = 55
RESERVED = "add"  # the address of the page that adds modules


def add_module(*, company_id: int, settings: ModuleSettings, now: datetime) -> Module:
    """Add a module; its address is made from its name and stays when it is renamed.

    Raises Schedule.DoesNotExist for a schedule that is not the company's.
    """
    with atomic():
        # the company's row makes additions go one by one, so that two of one name get two addresses
        Company.objects.select_for_update(no_key=True).get(id=company_id)
        module = Module(company_id=company_id, slug=_free_slug(company_id, settings.name), created_at=now)
        return fill(module, settings)


def _free_slug(company_id: int, name: str) -> str:
    stem = slugify(name)[:STEM_LIMIT].strip("-") or "module"
    taken = {
        RESERVED,
        *Module.objects.filter(company_id=company_id, slug__startswith=stem).values_list("slug", flat=True),
    }
    return next(
        slug for n in range(1, len(taken) + 2) if (slug := stem if n == 1 else f"{stem}-{n}") not in taken
    )
