"""What Google says at its token endpoint: a new access token, or why there is none any more."""

from __future__ import annotations

from genie.core.errors import AccessLost, Transient
from genie.providers.conversation import Answer
from genie.providers.faults import retry_after
from genie.providers.google.http import Http
from genie.providers.oauth import Tokens, brought_tokens, kept
from genie.providers.port import Secret

OURS = {
    "invalid_client": "is not known to Google, or its secret is another",
    "deleted_client": "was deleted at Google",
    "disabled_client": "was disabled at Google",
}
"""Refusals that are about the installation's own registration, not about an account."""

ENDED = {
    "invalid_rapt": "The account's organisation asks its people to sign in again from time to time.",
    "admin_policy_enforced": "The administrator of the account's organisation ended this access.",
    "Account has been deleted": "Google says that this account was suspended or deleted.",
}
"""Why a grant has ended, where Google says it."""


class GoogleTokens(Tokens):
    """Google's token endpoint, as this installation's client."""

    def __init__(self, http: Http) -> None:
        options = http.options
        super().__init__(
            http,
            url=options["token_url"],
            client_id=options["client_id"],
            client_secret=options["client_secret"],
        )

    def renewed(self, secret: Secret) -> Secret:
        """The secret with a new access token. Raises AccessLost when the grant has ended, Transient."""
        answer = self.refreshed(secret)
        if brought_tokens(answer):
            return {**secret, **kept(answer.body, self.http.settings.clock())}
        reason = answer.reason
        if reason in OURS:
            raise Transient(
                f"This installation's registration {OURS[reason]}: its operator has to look.",
                retry_after=3600.0,
            )
        if reason in ("invalid_grant", "unauthorized_client", "invalid_scope", *ENDED):
            raise AccessLost(ended_why(answer))
        # 4xx that name no reason may be a proxy's; a grant is only given up on Google's own word
        raise Transient(
            f"Google did not renew the access just now (HTTP {answer.status}).",
            retry_after=retry_after(answer.headers, self.http.settings.clock()),
        )


def ended_why(answer: Answer) -> str:
    said = (
        f"{answer.reason} {answer.body.get('error_subtype', '')} {answer.body.get('error_description', '')}"
    )
    for word, why in ENDED.items():
        if word in said:
            return why
    return "The access was revoked at Google, or has expired there."
