"""What Microsoft's identity platform says instead of granting or renewing access, as sentences.

Facts: learn.microsoft.com/entra/identity-platform, *Authorization code flow* and *Error codes* (AADSTS…).
"""

from __future__ import annotations

import re

import httpx

from genie.core.errors import AccessLost, ConnectFault, Denied, NotAllowedThere, ProviderFault, Transient
from genie.providers.conversation import Answer
from genie.providers.oauth import ADMINISTRATOR, NOTHING_SAVED, OPERATOR, unfinished, used_before

CODE = re.compile(r"AADSTS(\d{4,9})")

APPROVAL = (
    "An administrator of this account's organisation has to approve this app before its people can use it.",
    "Send that administrator this address, and open your own link again once it is approved: {approval}",
)
BLOCKED = ("The rules of this account's organisation do not allow this sign-in.", ADMINISTRATOR)
NOT_THESE = (
    "This installation is registered for other accounts than this one.",
    "Open the link again and choose another account, or ask whoever runs this installation.",
)
SECRET = (
    "This installation's registration with Microsoft has another secret, or its secret has run out.",
    OPERATOR,
)
CERTIFICATE = (
    "This installation's certificate is not registered with Microsoft, or has run out.",
    OPERATOR,
)
UNKNOWN_CLIENT = ("This installation's registration is not known to Microsoft.", OPERATOR)

BY_CODE = {
    "65001": APPROVAL,
    "90094": APPROVAL,
    "90095": APPROVAL,
    "900941": APPROVAL,
    "650051": APPROVAL,
    "650056": ("This installation's registration lacks the calendar permission.", OPERATOR),
    "650053": ("Microsoft does not know one of the permissions that were asked for.", OPERATOR),
    "70011": ("Microsoft does not know one of the permissions that were asked for.", OPERATOR),
    "50105": BLOCKED,
    "53000": BLOCKED,
    "53001": BLOCKED,
    "53003": BLOCKED,
    "530032": BLOCKED,
    "50020": NOT_THESE,
    "50194": NOT_THESE,
    "90072": NOT_THESE,
    "500208": NOT_THESE,
    "50011": ("Microsoft does not know the address it should send you back to.", OPERATOR),
    "700016": UNKNOWN_CLIENT,
    "700024": ("This installation's clock differs from Microsoft's.", OPERATOR),
    "700027": CERTIFICATE,
    "7000112": ("This installation's registration was disabled at Microsoft.", OPERATOR),
    "7000215": SECRET,
    "7000222": SECRET,
}
"""By the number in `error_description`; the most telling first where several stand there."""

BY_ERROR = {
    "consent_required": APPROVAL,
    "invalid_client": SECRET,
    "unauthorized_client": UNKNOWN_CLIENT,
    "invalid_scope": BY_CODE["70011"],
}
OURS = {"invalid_client", "unauthorized_client"}
"""Refusals that are about the installation's own registration, not about an account."""

ENDED = {
    "consent_required": "The approval of this app was taken back, by the owner or an administrator.",
    "interaction_required": "Microsoft wants the account's owner to sign in again.",
    "login_required": "Microsoft wants the account's owner to sign in again.",
    "basic_action": "Microsoft wants the account's owner to sign in again.",
    "additional_action": "Microsoft wants the account's owner to confirm who they are.",
    "message_only": "The rules of the account's organisation ended this access.",
    "user_password_expired": "The password of this account has expired or was changed.",
}
"""Why a grant has ended: `error` or `suberror` of a refused renewal."""
ENDED_BY_CODE = {"50057": "Microsoft says that this account was disabled."}


def refused(error: str, description: str, *, approval: str) -> ConnectFault:
    """What `error` on the way back from Microsoft's pages means.

    `approval` is the address at which an administrator approves this installation for an organisation.
    """
    code = code_of(description)
    if error == "access_denied" and code not in BY_CODE:
        return Denied(
            f"The access was declined on Microsoft's page. {NOTHING_SAVED} "
            "If that was a mistake, open the link again and press Accept there."
        )
    if error in ("temporarily_unavailable", "server_error"):
        return unfinished("Microsoft")
    named = f"{error[:60] or 'nothing'}{f', AADSTS{code}' if code else ''}"
    unknown = (f"Microsoft did not allow the sign-in (it says: {named}).", OPERATOR)
    said, advice = BY_CODE.get(code) or BY_ERROR.get(error) or unknown
    return NotAllowedThere(f"{said} {NOTHING_SAVED} {advice.format(approval=approval)}")


def not_exchanged(answer: Answer, *, approval: str) -> ConnectFault:
    """Why the code that came back brought no tokens."""
    description, suberror = said_by(answer), str(answer.body.get("suberror") or "")
    if answer.status >= 500 or answer.ok or answer.status == httpx.codes.TOO_MANY_REQUESTS:
        return unfinished("Microsoft")
    if suberror in BY_ERROR:
        return refused(suberror, description, approval=approval)
    if answer.reason == "invalid_grant" and code_of(description) not in BY_CODE:
        return used_before()
    return refused(answer.reason or f"HTTP {answer.status}", description, approval=approval)


def not_renewed(answer: Answer, *, retry: float | None) -> ProviderFault:
    """Why there is no new access token. Only Microsoft's own word ends a grant; all else passes."""
    description, suberror = said_by(answer), str(answer.body.get("suberror") or "")
    if answer.reason in OURS:
        said, _ = BY_CODE.get(code_of(description)) or BY_ERROR[answer.reason]
        return Transient(f"{said} Its operator has to look.", retry_after=3600.0)
    if answer.reason in ("invalid_grant", *ENDED):
        why = ENDED_BY_CODE.get(code_of(description)) or ENDED.get(suberror) or ENDED.get(answer.reason)
        return AccessLost(why or "The access was revoked at Microsoft, or has expired there.")
    return Transient(
        f"Microsoft did not renew the access just now (HTTP {answer.status}).", retry_after=retry
    )


def said_by(answer: Answer) -> str:
    return str(answer.body.get("error_description") or "")


def code_of(description: str) -> str:
    """The number of the error, "" where none is named; of several one we know."""
    found = CODE.findall(description)
    return next((code for code in found if code in BY_CODE), found[0] if found else "")
