"""Answer a registration link with what the account's owner typed: mostly a server, a user and a password."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from genie.flows.complete_registration import complete_registration
from genie.flows.create_registration_link import NotOffered
from genie.flows.open_registration_link import count_try, open_registration_link
from genie.providers.registry import ProviderSettings, typed_sign_in
from genie.store.models import RemoteKey


def register_typed(
    *, token: str, typed: Mapping[str, str], settings: ProviderSettings, now: datetime
) -> RemoteKey:
    """The key made or renewed. The server is asked between two transactions.

    Raises LinkClosed, NotOffered, WrongAccount, and each kind of ConnectFault, said to the owner.
    """
    link = open_registration_link(token=token, now=now)
    sign_in = typed_sign_in(link.kind, settings)
    if sign_in is None:
        raise NotOffered(link.kind)
    count_try(link)
    grant = sign_in.authorize(typed)
    return complete_registration(
        token=token, account=grant.account, secret=grant.secret, granted=grant.granted, now=now
    )
