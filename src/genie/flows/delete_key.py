"""Discard a remote authorization key: its secret is forgotten."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from genie.flows.create_registration_link import revoke_open_links
from genie.flows.give_back import give_back
from genie.providers.registry import ProviderSettings, sign_in
from genie.store.models import Connection, EventLink, RemoteKey
from genie.store.queries.remote_calendars import where_used
from genie.store.sealed import Unreadable, unseal


class KeyInUse(Exception):
    """Modules or schedules still work with the key; `places` names them."""

    def __init__(self, places: list[str]) -> None:
        super().__init__(", ".join(places))
        self.places = places


def delete_key(*, company_id: int, key_id: int, settings: ProviderSettings, now: datetime) -> bool:
    """Remove the key and what was read with it; open links for it are revoked. Its calendars are untouched.

    Then the grant is given back at the provider, if no other key lives by it: False if that did not work,
    and only the account's owner can do it. Raises KeyInUse and RemoteKey.DoesNotExist.
    """
    key = _removed(company_id, key_id, now)
    if sign_in(key.kind, settings) is None:
        return True
    try:
        secret = unseal(key.secret)
    except Unreadable:
        return False
    return give_back(kind=key.kind, identity=key.identity, secret=secret, settings=settings)


@transaction.atomic
def _removed(company_id: int, key_id: int, now: datetime) -> RemoteKey:
    key = RemoteKey.objects.select_for_update().get(id=key_id, company_id=company_id)
    places = where_used(key)
    if places:
        raise KeyInUse(places)
    revoke_open_links(key=key, now=now)
    EventLink.objects.filter(calendar__key=key).delete()  # all ended: none of its calendars is linked
    Connection.objects.filter(calendar__key=key).delete()
    key.delete()
    return key
