"""Microsoft's token endpoint: tokens for a code, newer ones for a refresh token, and whose they are."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from genie.core.errors import NotAllowedThere
from genie.providers.faults import retry_after
from genie.providers.microsoft.certificate import assertion
from genie.providers.microsoft.http import Http, endpoint
from genie.providers.microsoft.refusals import not_renewed
from genie.providers.oauth import NOTHING_SAVED, OPERATOR, Tokens, brought_tokens, kept
from genie.providers.port import Secret


class MicrosoftTokens(Tokens):
    """The token endpoint of the operator's tenant, as this installation's client."""

    http: Http

    def __init__(self, http: Http) -> None:
        options = http.options
        super().__init__(
            http,
            url=endpoint(options, "token"),
            client_id=options["client_id"],
            client_secret=options["client_secret"],
        )

    def client(self) -> Mapping[str, str]:
        """With the secret, or with a certificate where there is one. Raises Transient."""
        file, client_id = self.http.options["certificate"], self.http.options["client_id"]
        if not file:
            return super().client()
        now = self.http.settings.clock()
        proof = assertion(file, client_id=client_id, audience=self.url, now=now)
        return {"client_id": client_id, **proof}

    def renewed(self, secret: Secret) -> Secret:
        """The secret with a new access token and, as a rule, a new refresh token: the newest is kept.

        Raises AccessLost when the grant has ended, Transient. The scopes are not named: then it is those that
        were granted.
        """
        answer = self.refreshed(secret)
        now = self.http.settings.clock()
        if brought_tokens(answer):
            return {**secret, **kept(answer.body, now)}
        raise not_renewed(answer, retry=retry_after(answer.headers, now))


def whose(body: Mapping[str, Any], client_id: str) -> Mapping[str, str]:
    """The claims of the ID token: `tid` and `oid` together never change and never repeat.

    It came from the token endpoint itself, over TLS, so its signature need not be looked at (OpenID Connect
    Core, 3.1.3.7). Raises NotAllowedThere where it does not say whose it is.
    """
    try:
        claims = json.loads(_decoded(str(body.get("id_token") or "").split(".")[1]))
        if claims["aud"] == client_id and claims["tid"] and claims["oid"]:
            return {name: str(claims.get(name) or "") for name in ("tid", "oid", "preferred_username")}
    except (IndexError, KeyError, TypeError, ValueError, binascii.Error):
        pass
    raise NotAllowedThere(f"Microsoft did not say whose account this is. {NOTHING_SAVED} {OPERATOR}")


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
