"""Give an account's grant back at its provider, unless a key of this installation still lives by it."""

from __future__ import annotations

import logging

from genie.core.errors import ProviderFault
from genie.providers.port import Secret
from genie.providers.registry import ProviderSettings, sign_in
from genie.store.locks import Busy, while_taking_back
from genie.store.models import RemoteKey

log = logging.getLogger(__name__)

WAIT = 40.0
"""Seconds to wait for sign-ins that are being finished: longer than a provider's own time limit."""


def give_back(*, kind: str, identity: str, secret: Secret, settings: ProviderSettings) -> bool:
    """False if the access stays open at the provider although nobody here wants it: say so to a person.

    A revoke ends all that the account ever granted us there. So nobody finishes a sign-in of this kind
    meanwhile, and nothing is done while a key is left. Call it outside a transaction, with the row gone.
    """
    pages = sign_in(kind, settings)
    if pages is None:
        return True  # a password we have forgotten: nothing was granted
    try:
        with while_taking_back(kind, wait_seconds=WAIT):
            if not _lives(kind, identity):
                pages.revoke(secret)
    except Busy:
        log.warning("a grant (%s) was not given back: sign-ins would not end", kind)
        return False
    except ProviderFault as fault:
        log.warning("a grant (%s) was not given back: %s", kind, fault)
        return False
    return True


def _lives(kind: str, identity: str) -> bool:
    # The one query that looks across companies, on purpose: the grant belongs to the account, not to a
    # company, and ending it would stop other companies' keys. What it finds is told to nobody.
    return RemoteKey.objects.filter(kind=kind, identity=identity).exists()
