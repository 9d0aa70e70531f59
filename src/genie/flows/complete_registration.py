"""Turn an account owner's grant into a remote authorization key, once per registration link."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from genie.flows.open_registration_link import open_registration_link
from genie.flows.read_anew import read_anew
from genie.providers.port import Account
from genie.store.models import Company, RegistrationLink, RemoteKey
from genie.store.queries.remote_calendars import in_use
from genie.store.sealed import seal


class WrongAccount(Exception):
    """Another account than the key's signed in on a re-authorization; nothing was stored."""

    def __init__(self, *, wanted: str, signed_in: str) -> None:
        super().__init__(f"{signed_in} signed in, but this link renews the key of {wanted}")
        self.wanted = wanted
        self.signed_in = signed_in


def complete_registration(
    *, token: str, account: Account, secret: Mapping[str, Any], granted: str, now: datetime
) -> RemoteKey:
    """The key this link made or renewed. The provider was asked before: no request is made in here.

    An account that already has a key in this company gets that key renewed, calendars and links with it.
    Raises LinkClosed (also for the second of two who submit at once) and WrongAccount.
    """
    with transaction.atomic():
        link = open_registration_link(token=token, now=now, lock=True, counted=True)
        if link.key is not None and link.key.identity != account.identity:
            raise WrongAccount(wanted=link.key.label, signed_in=account.label)
        # two links answered for one account at the same time must make one key
        Company.objects.select_for_update(no_key=True).get(id=link.company_id)
        key = _renewed(link, account, secret, granted) or _made(link, account, secret, granted, now)
        link.used_at, link.key = now, key
        link.save(update_fields=["used_at", "key"])
        wake_calendars_of(key=key, now=now)
    return key


def _renewed(
    link: RegistrationLink, account: Account, secret: Mapping[str, Any], granted: str
) -> RemoteKey | None:
    keys = RemoteKey.objects.filter(company_id=link.company_id, kind=link.kind, identity=account.identity)
    key = keys.select_for_update().first()
    if key is None:
        return None
    keys.update(
        label=account.label,
        granted=granted,
        secret=seal(dict(secret)),
        secret_version=F("secret_version") + 1,
        state=RemoteKey.State.ACTIVE,
        trouble="",
    )
    key.refresh_from_db()
    return key


def _made(
    link: RegistrationLink, account: Account, secret: Mapping[str, Any], granted: str, now: datetime
) -> RemoteKey:
    return RemoteKey.objects.create(
        company_id=link.company_id,
        kind=link.kind,
        identity=account.identity,
        label=account.label,
        granted=granted,
        secret=seal(dict(secret)),
        created_by=link.created_by,
        created_at=now,
    )


def wake_calendars_of(*, key: RemoteKey, now: datetime) -> None:
    """The key works (again): what waited for it may go on now.

    Another grant may show other things, so everything is read again. Channels end with the grant they were
    made under: new ones are opened.
    """
    calendars = in_use().filter(key=key).values_list("id", flat=True)
    read_anew(calendar_ids=list(calendars), now=now)
