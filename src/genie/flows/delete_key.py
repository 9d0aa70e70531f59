"""Discard a remote authorization key: its secret is forgotten."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from genie.flows.create_registration_link import revoke_open_links
from genie.store.models import Connection, EventLink, RemoteKey
from genie.store.queries.remote_calendars import where_used


class KeyInUse(Exception):
    """Modules or schedules still work with the key; `places` names them."""

    def __init__(self, places: list[str]) -> None:
        super().__init__(", ".join(places))
        self.places = places


def delete_key(*, company_id: int, key_id: int, now: datetime) -> None:
    """Remove the key and what was read with it; open links for it are revoked. The account and its calendars
    are untouched. Raises KeyInUse and RemoteKey.DoesNotExist."""
    with transaction.atomic():
        key = RemoteKey.objects.select_for_update().get(id=key_id, company_id=company_id)
        places = where_used(key)
        if places:
            raise KeyInUse(places)
        revoke_open_links(key=key, now=now)
        EventLink.objects.filter(calendar__key=key).delete()  # all ended: none of its calendars is linked
        Connection.objects.filter(calendar__key=key).delete()
        key.delete()
