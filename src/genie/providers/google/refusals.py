"""What Google says instead of granting access, as sentences for the account's owner."""

from __future__ import annotations

import httpx

from genie.core.errors import ConnectFault, Denied, NotAllowedThere
from genie.providers.conversation import Answer
from genie.providers.google.tokens import OURS
from genie.providers.oauth import ADMINISTRATOR, NOTHING_SAVED, OPERATOR, unfinished, used_before

WHY = {
    "access_not_configured": (
        "The administrator of this account's organisation has not set this app up.",
        ADMINISTRATOR,
    ),
    "admin_policy_enforced": (
        "The administrator of this account's organisation does not allow this access.",
        ADMINISTRATOR,
    ),
    "disallowed_useragent": (
        "Google does not let anybody sign in inside another app.",
        "Open the link in your ordinary browser.",
    ),
    "org_internal": (
        "Only accounts of one organisation may connect to this installation, and yours is not one of them.",
        "Open the link again and choose an account of that organisation.",
    ),
    "invalid_scope": ("Google does not know one of the permissions that were asked for.", OPERATOR),
    "redirect_uri_mismatch": ("Google does not know the address it should send you back to.", OPERATOR),
    "unauthorized_client": ("Google does not let this installation ask for access.", OPERATOR),
    **{error: (f"This installation's registration {said}.", OPERATOR) for error, said in OURS.items()},
}
"""Of developers.google.com/identity/protocols/oauth2/web-server, *Errors*, and RFC 6749, 4.1.2.1 and 5.2."""


def refused(error: str) -> ConnectFault:
    """What `error` on the way back from Google's pages means."""
    if error == "access_denied":
        return Denied(
            f"The access was declined on Google's page. {NOTHING_SAVED} "
            "If that was a mistake, open the link again and press Continue there."
        )
    if error in ("temporarily_unavailable", "server_error"):
        return unfinished("Google")
    unknown = f"Google did not allow the sign-in (it says: {error[:60] or 'nothing'})."
    said, advice = WHY.get(error) or (unknown, OPERATOR)
    return NotAllowedThere(f"{said} {NOTHING_SAVED} {advice}")


def not_exchanged(answer: Answer) -> ConnectFault:
    """Why the code that came back brought no tokens."""
    if answer.reason == "invalid_grant":
        return used_before()
    if answer.status >= 500 or answer.ok or answer.status == httpx.codes.TOO_MANY_REQUESTS:
        return unfinished("Google")
    return refused(answer.reason or f"HTTP {answer.status}")
