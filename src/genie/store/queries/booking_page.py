"""What a booking page begins with: the module of its address, and the kinds of appointment offered there.

Prepared statements, since each step of a booking begins so, and the ORM takes longer to write such a query
than PostgreSQL to answer it.
"""

from __future__ import annotations

from genie.store.models import AppointmentKind, Company, Module, Schedule
from genie.store.prepared import ask, columns_of, made_each, made_of

_MODULE = f"""
SELECT {columns_of(Module, "m")}, {columns_of(Company, "c")}, {columns_of(Schedule, "s")}
FROM store_company c JOIN store_module m ON m.company_id = c.id JOIN store_schedule s ON s.id = m.schedule_id
WHERE c.slug = %(company)s AND m.slug = %(module)s AND m.enabled
"""  # noqa: S608 -- our own names
_KINDS = f"""
SELECT {columns_of(AppointmentKind, "k")} FROM store_appointmentkind k
WHERE k.module_id = %(module)s AND k.enabled ORDER BY k.position, k.id
"""  # noqa: S608 -- our own names


def open_module(company_slug: str, module_slug: str) -> Module | None:
    """The module of a public address, with company and schedule; None when not there or switched off."""
    found = ask(_MODULE, {"company": company_slug, "module": module_slug})
    if not found:
        return None
    module: Module
    module, module.company, module.schedule = made_each((Module, Company, Schedule), found[0])
    return module


def kinds_offered(module: Module) -> list[AppointmentKind]:
    """Those that are switched on, in their order."""
    found = [made_of(AppointmentKind, row) for row in ask(_KINDS, {"module": module.pk})]
    for kind in found:
        kind.module = module
    return found
