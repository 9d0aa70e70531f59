"""A company's remote authorization keys, as people know them: those that open an account.

A public calendar is opened by its address alone. Its row is a key to us, but it can be linked to nothing,
nobody can authorize it again, and it goes with the last schedule that reads it: it is shown there only.
"""

from __future__ import annotations

from django.db.models import QuerySet

from genie.providers.registry import public_kinds
from genie.store.models import RemoteKey


def account_keys(company_id: int) -> QuerySet[RemoteKey]:
    return RemoteKey.objects.filter(company_id=company_id).exclude(kind__in=public_kinds()).defer("secret")
