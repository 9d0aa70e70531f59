"""**Remote Calendar Options**: what happens here when something changes there."""

from __future__ import annotations

from genie.store.models import Module


def set_inbound_rules(
    *,
    company_id: int,
    module_id: int,
    conflict_rule: Module.ConflictRule,
    inbound_rule: Module.InboundRule,
) -> None:
    """Raises Module.DoesNotExist."""
    module = Module.objects.get(id=module_id, company_id=company_id)
    module.conflict_rule, module.inbound_rule = conflict_rule, inbound_rule
    module.save(update_fields=["conflict_rule", "inbound_rule"])
