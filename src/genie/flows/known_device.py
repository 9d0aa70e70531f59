"""A browser in which somebody has logged in before: strangers' failures must not keep them out of it."""

from __future__ import annotations

import secrets
from datetime import timedelta

from django.core import signing

from genie.store.keyed import keyed
from genie.store.models import User

SALT = "genie known device"
REMEMBERED = timedelta(days=365)


def cookie_name(account: str) -> str:
    """One cookie for each account, so that people who share a browser do not forget each other."""
    return f"known_{keyed('device of', account)[:16]}"


def new_cookie(user: User, *, device: str) -> str:
    """Signed: the device's id ("" for a new one), for this account while it has this password."""
    return signing.dumps(
        [user.pk, device or secrets.token_urlsafe(12), user.get_session_auth_hash()], salt=SALT
    )


def known_device(cookie: str, *, account: str) -> str:
    """The id of the device, "" unless the cookie is ours, fresh, of this account and its present password."""
    if not cookie:
        return ""
    try:
        user_id, device, password = signing.loads(cookie, salt=SALT, max_age=REMEMBERED)
    except (signing.BadSignature, ValueError, TypeError):
        return ""
    user = User.objects.filter(pk=user_id, email=account).first()
    return str(device) if user and password == user.get_session_auth_hash() else ""
