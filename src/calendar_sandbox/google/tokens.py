"""Codes to tokens, tokens to people: what the token, revocation and userinfo endpoints answer (no HTTP here).

Answers: developers.google.com/identity/protocols/oauth2/web-server, *Step 5* and *Revoking a token*, and
developers.google.com/identity/openid-connect/reference. The error texts are those people quote from Google.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from calendar_sandbox.google import scopes
from calendar_sandbox.google.authorization import ISSUER
from calendar_sandbox.google.state import (
    TOKEN_LIFETIME,
    AccessToken,
    Account,
    AuthorizationCode,
    Client,
    RefreshToken,
    World,
)
from calendar_sandbox.standin import pkce, signing

Answer = dict[str, Any]
IDLE = timedelta(days=182)  # a refresh token nobody uses for six months stops working
TESTING = timedelta(days=7)  # so does one of an app whose consent screen is "Testing"


class OAuthError(Exception):
    """An error answer of the token, revocation or userinfo endpoint."""

    def __init__(self, error: str, description: str = "Bad Request", *, status: int = 400) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.status = status


def exchanged(world: World, form: Mapping[str, str], basic: tuple[str, str] | None) -> Answer:
    """Answer the token endpoint. `basic` is the client's id and secret when they came by HTTP Basic."""
    client = _client(world, form, basic)
    kind = form.get("grant_type", "")
    if kind == "authorization_code":
        return _by_code(world, client, form)
    if kind == "refresh_token":
        return _by_refresh(world, client, form)
    raise OAuthError("unsupported_grant_type", f"Invalid grant_type: {kind}")


def revoked(world: World, token: str) -> None:
    """End the whole grant any token belongs to; an access token that has expired ends nothing."""
    found = world.refresh_token(token)
    access = world.bearer(token)
    if found is not None:
        account, client_id = found[0].account, found[0].client_id
    elif access is not None:
        account, client_id = access.account, access.client_id
    else:
        raise OAuthError("invalid_token", "Token expired or revoked")
    world.revoke_grant(world.account(account), client_id)


def person(world: World, bearer: str) -> Answer:
    """Answer the userinfo endpoint with what the token's sign-in scopes allow."""
    token = world.bearer(bearer)
    if token is None:
        raise OAuthError("invalid_request", "Invalid Credentials", status=401)
    known = _claims(world.account(token.account), token.scopes)
    if not known:
        raise OAuthError("insufficient_scope", "The token has none of openid, email, profile", status=403)
    return known


def described(world: World, form: Mapping[str, str]) -> Answer:
    """Answer the tokeninfo endpoint: every value is a text there."""
    if id_token := form.get("id_token"):
        try:
            claims = signing.checked(id_token)
        except ValueError:
            raise OAuthError("invalid_token", "Invalid Value") from None
        return {name: _text(value) for name, value in claims.items()}
    token = world.bearer(form.get("access_token", ""))
    if token is None:
        raise OAuthError("invalid_token", "Invalid Value")
    left = int((token.expires - world.now()).total_seconds())
    known = {
        "azp": token.client_id,
        "aud": token.client_id,
        "scope": scopes.written(token.scopes),
        "exp": int(token.expires.timestamp()),
        "expires_in": left,
        "access_type": "offline" if _is_offline(world, token) else "online",
    }
    shown = {"sub", "email", "email_verified"}
    people = _claims(world.account(token.account), token.scopes)
    return {name: _text(value) for name, value in (known | people).items() if name in known or name in shown}


def _client(world: World, form: Mapping[str, str], basic: tuple[str, str] | None) -> Client:
    id_, secret = basic or (form.get("client_id", ""), form.get("client_secret", ""))
    if not id_:
        raise OAuthError("invalid_request", "Could not determine client ID from request.")
    client = world.clients.get(id_)
    if client is None:
        raise OAuthError("invalid_client", "The OAuth client was not found.", status=401)
    if client.secret and not secret:
        raise OAuthError("invalid_request", "client_secret is missing.")
    if not hmac.compare_digest(client.secret.encode(), secret.encode()):
        raise OAuthError("invalid_client", "The provided client secret is invalid.", status=401)
    return client


def _by_code(world: World, client: Client, form: Mapping[str, str]) -> Answer:
    for name in ("code", "redirect_uri"):
        if not form.get(name):
            raise OAuthError("invalid_request", f"Missing required parameter: {name}")
    code = world.codes.get(form["code"])
    if code is None:
        raise OAuthError("invalid_grant", "Malformed auth code.")
    if code.used or code.expires <= world.now() or code.client_id != client.id:
        raise OAuthError("invalid_grant")
    if code.redirect_uri != form["redirect_uri"]:
        raise OAuthError("redirect_uri_mismatch")
    _prove(code, form.get("code_verifier", ""))
    account = _alive(world, code.account)
    code.used = True
    answer = _tokens(world, account, client, code.scopes, nonce=code.nonce)
    if code.offline:
        code.refresh_token = world.issue_refresh_token(account, client.id, code.scopes).token
        answer["refresh_token"] = code.refresh_token
        if client.testing:
            answer["refresh_token_expires_in"] = int(TESTING.total_seconds()) - 1
    return answer


def _prove(code: AuthorizationCode, verifier: str) -> None:
    """Check the code verifier, RFC 7636 4.6."""
    if not code.code_challenge:
        if verifier:
            raise OAuthError("invalid_grant", "code_verifier or verifier is not needed")
        return
    if not verifier:
        raise OAuthError("invalid_grant", "Missing code verifier.")
    if not pkce.proves(verifier, code.code_challenge, code.code_challenge_method):
        raise OAuthError("invalid_grant", "Invalid code verifier.")


def _by_refresh(world: World, client: Client, form: Mapping[str, str]) -> Answer:
    if not form.get("refresh_token"):
        raise OAuthError("invalid_request", "Missing required parameter: refresh_token")
    found = world.refresh_token(form["refresh_token"])
    if found is None:
        raise OAuthError("invalid_grant", "Token has been expired or revoked.")
    grant, token = found
    if grant.client_id != client.id:
        raise OAuthError("unauthorized_client", "Unauthorized", status=401)
    if _too_old(world, client, token):
        grant.refresh_tokens.remove(token)
        raise OAuthError("invalid_grant", "Token has been expired or revoked.")
    account = _alive(world, grant.account)
    wanted = scopes.asked_for(form.get("scope", "")) or token.scopes
    if not set(wanted) <= {*token.scopes, scopes.OPENID}:
        raise OAuthError("invalid_scope")
    token.last_used = world.now()
    return _tokens(world, account, client, [scope for scope in token.scopes if scope in wanted])


def _too_old(world: World, client: Client, token: RefreshToken) -> bool:
    now = world.now()
    return now - token.last_used > IDLE or (client.testing and now - token.issued >= TESTING)


def _alive(world: World, email: str) -> Account:
    account = world.accounts.get(email)
    if account is None or account.suspended:
        raise OAuthError("invalid_grant", "Account has been deleted")
    return account


def _tokens(world: World, account: Account, client: Client, granted: list[str], *, nonce: str = "") -> Answer:
    token = world.issue_access_token(account, client.id, granted)
    answer: Answer = {
        "access_token": token.token,
        "expires_in": int(TOKEN_LIFETIME.total_seconds()) - 1,  # Google counts the second it is under way
        "scope": scopes.written(granted),
        "token_type": "Bearer",
    }
    if scopes.OPENID in granted:
        answer["id_token"] = _id_token(world, account, client, token, nonce)
    return answer


def _id_token(world: World, account: Account, client: Client, token: AccessToken, nonce: str) -> str:
    now = int(world.now().timestamp())
    about = {"iss": ISSUER, "azp": client.id, "aud": client.id}
    asked = {"nonce": nonce} if nonce else {}
    rest = {"at_hash": signing.half_hash(token.token), "iat": now, "exp": now + 3600}
    return signing.signed(about | _claims(account, token.scopes) | asked | rest)


def _claims(account: Account, granted: list[str]) -> Answer:
    """What the sign-in scopes tell about a person; nothing without one of them."""
    claims: Answer = {"sub": account.sub} if set(granted) & set(scopes.SIGN_IN) else {}
    if scopes.PROFILE in granted:
        claims |= {"name": account.name, "given_name": account.given_name}
        claims |= {"family_name": account.family_name} if account.family_name else {}
        claims |= {"picture": account.picture} if account.picture else {}
    if scopes.EMAIL in granted:
        claims |= {"email": account.email, "email_verified": True}
    return claims


def _is_offline(world: World, token: AccessToken) -> bool:
    grant = world.grant_of(world.account(token.account), token.client_id)
    return bool(grant and grant.refresh_tokens)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
