"""Signing in at the Google stand-in, under Google's own paths.

    GET  /o/oauth2/v2/auth                    where an app sends a person: choose an account, agree, go back
    GET  /signin/oauth/identifier             “Use another account”: an address to type
    POST /signin/oauth/accountchooser         an account was chosen; this browser is signed in to it now
    GET  /signin/oauth/consent                what the app asks for, a tick each
    POST /signin/oauth/consent                decision (continue|deny), scope (repeated)
    POST /signin/oauth/signout                this browser forgets its accounts
    POST /token                               codes and refresh tokens to access tokens
    POST /revoke                              any token ends the account's whole grant to the app
    GET  /v1/userinfo, /oauth2/v3/userinfo    who signed in, as far as the scopes allow
    GET  /tokeninfo, /oauth2/v3/tokeninfo     what a token is good for
    GET  /oauth2/v3/certs, /oauth2/v1/certs   the public key of the id tokens: as JWKS, as certificates
    GET  /.well-known/openid-configuration    where all of this is

There is no password: whoever may play the owners may sign in as them. A browser remembers the accounts it
chose in one cookie, so that `prompt=select_account` makes the difference it makes at Google.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives.serialization import Encoding
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from calendar_sandbox.faults import BadInput
from calendar_sandbox.google import scopes, tokens
from calendar_sandbox.google.authorization import ISSUER, Refused, Wish, wish_of
from calendar_sandbox.google.state import Account, World
from calendar_sandbox.google.tokens import OAuthError
from calendar_sandbox.pages import fields_of
from calendar_sandbox.standin import pkce, signing
from calendar_sandbox.standin.signin import Face, basic_of, remember, remembered, signin_page, text_of

SYSTEM, COOKIE = "Google", "pretend_google"
NOT_FOUND = "Couldn’t find your Google Account. This stand-in only knows the accounts it was started with."

Endpoint = Callable[[Request], Awaitable[Response]]


# --- pages


def refusing(endpoint: Endpoint) -> Endpoint:
    """Show Google's kind of error page where a request cannot be served; nobody is redirected then."""

    async def shown(request: Request) -> Response:
        try:
            return await endpoint(request)
        except Refused as refusal:
            return signin_page("google/refused.html", SYSTEM, status=refusal.status, refusal=refusal)

    return shown


@refusing
async def authorize(request: Request) -> Response:
    world = _world(request)
    with world.lock:
        wish = wish_of(world, request.url.query)
        here = _signed_in(request, world)
        hinted = _hinted(world, wish)
        if "none" in wish.prompt:
            return _silently(world, wish, here, hinted)
        if "select_account" not in wish.prompt and (hinted or len(here) == 1):
            return _with_account(world, wish, hinted or here[0], here)
        return _chooser(world, wish, here, hinted)


@refusing
async def identifier(request: Request) -> Response:
    """Ask for an address."""
    wish = wish_of(_world(request), request.query_params.get("request", ""))
    return _page("identifier.html", wish, typed="", error="")


@refusing
async def choose(request: Request) -> Response:
    world, form = _world(request), await request.form()
    with world.lock:
        wish = wish_of(world, text_of(form, "request"))
        typed = text_of(form, "account").strip()
        account = world.accounts.get(typed.lower())
        if account is None or account.suspended:
            error = NOT_FOUND if account is None else "This account has been disabled."
            return _page("identifier.html", wish, typed=typed, error=error, status=400)
        here = _signed_in(request, world)
    values = urlencode({"account": account.email, "request": wish.query})
    answer = RedirectResponse(f"/signin/oauth/consent?{values}", 303)
    remember(answer, COOKIE, (one.email for one in (here if account in here else [*here, account])))
    return answer


@refusing
async def consent(request: Request) -> Response:
    world = _world(request)
    with world.lock:
        wish = wish_of(world, request.query_params.get("request", ""))
        account = _account(world, request.query_params.get("account", ""))
        return _with_account(world, wish, account, _signed_in(request, world))


@refusing
async def decide(request: Request) -> Response:
    world, form = _world(request), await request.form()
    with world.lock:
        wish = wish_of(world, text_of(form, "request"))
        account = _account(world, text_of(form, "account"))
        ticks = wish.ticked if not wish.granular else [str(tick) for tick in form.getlist("scope")]
        agreed = wish.agreed(ticks)
        if text_of(form, "decision") != "continue" or not agreed:
            return RedirectResponse(wish.back({"error": "access_denied"}), 303)
        return _granted(world, wish, account, agreed, _signed_in(request, world), asked=True)


@refusing
async def sign_out(request: Request) -> Response:
    """Forget this browser's accounts and show the chooser again."""
    query = text_of(await request.form(), "request")
    answer = RedirectResponse(f"/o/oauth2/v2/auth?{query}" if query else "/", 303)
    answer.delete_cookie(COOKIE)
    return answer


def _silently(world: World, wish: Wish, here: list[Account], hinted: Account | None) -> Response:
    """Answer `prompt=none`: no page is shown, so all must be settled already."""
    fitting = [account for account in here if hinted in (None, account)]
    if len(fitting) == 1 and not wish.needs_consent(world.grant_of(fitting[0], wish.client.id)):
        return _granted(world, wish, fitting[0], list(wish.scopes), here, asked=False)
    return RedirectResponse(
        wish.back({"error_subtype": "access_denied", "error": "interaction_required"}), 302
    )


def _with_account(world: World, wish: Wish, account: Account, here: list[Account]) -> Response:
    grant = world.grant_of(account, wish.client.id)
    if not wish.needs_consent(grant):
        return _granted(world, wish, account, list(wish.scopes), here, asked=False)
    held = set(grant.scopes) if grant else set()
    return _page(
        "consent.html",
        wish,
        account=account,
        basics=[scopes.SIGN_IN[scope] for scope in wish.sign_in],
        ticks=[(scope, scopes.TICKED[scope], scope in held) for scope in wish.ticked],
    )


def _granted(
    world: World, wish: Wish, account: Account, agreed: list[str], here: list[Account], *, asked: bool
) -> Response:
    """Keep what was agreed to and send the person back with a code.

    A refresh token is only given where the person was asked: "only returned on the first authorization".
    """
    grant = world.grant(account, wish.client.id, agreed)
    given = list(grant.scopes) if wish.combined else agreed
    code = world.issue_code(
        account,
        wish.client.id,
        given,
        redirect_uri=wish.redirect_uri,
        code_challenge=wish.code_challenge,
        code_challenge_method=wish.code_challenge_method,
        nonce=wish.nonce,
        offline=wish.offline and asked,
    )
    values = {
        "code": code.code,
        "scope": scopes.written(given),
        "authuser": str(here.index(account) if account in here else 0),
        "prompt": "consent" if asked else "none",
    }
    return RedirectResponse(wish.back(values), 303 if asked else 302)


def _chooser(world: World, wish: Wish, here: list[Account], hinted: Account | None) -> Response:
    known = [account for account in world.accounts.values() if not account.suspended]
    known.sort(key=lambda account: (account is not hinted, account not in here))
    faces = [Face(account.email, account.name, account in here) for account in known]
    return _page("chooser.html", wish, faces=faces, here=here)


def _page(name: str, wish: Wish, *, status: int = 200, **values: Any) -> Response:
    return signin_page(
        f"google/{name}", SYSTEM, redirect_uri=wish.redirect_uri, status=status, wish=wish, **values
    )


# --- the browser's accounts


def _signed_in(request: Request, world: World) -> list[Account]:
    found = [world.accounts.get(email) for email in remembered(request, COOKIE)]
    return [account for account in found if account and not account.suspended]


def _hinted(world: World, wish: Wish) -> Account | None:
    """Find the account `login_hint` means: by address or by `sub`."""
    hint = wish.login_hint.lower()
    for account in world.accounts.values():
        if hint in (account.email, account.sub) and not account.suspended:
            return account
    return None


def _account(world: World, email: str) -> Account:
    account = world.accounts.get(email.lower())
    if account is None or account.suspended:
        raise Refused("invalid_request", "This account is not here any more. Go back and choose another.")
    return account


# --- endpoints for programs


def answering(endpoint: Endpoint) -> Endpoint:
    """Turn an OAuthError into the JSON Google answers with."""

    async def answered(request: Request) -> Response:
        try:
            return await endpoint(request)
        except OAuthError as error:
            answer = JSONResponse(
                {"error": error.error, "error_description": error.description}, error.status
            )
            if error.status in (401, 403) and "userinfo" in request.url.path:
                name = "invalid_token" if error.status == 401 else error.error
                answer.headers["WWW-Authenticate"] = f'Bearer realm="{ISSUER}/", error="{name}"'
            return answer

    return answered


@answering
async def token(request: Request) -> Response:
    form, basic = await _sent(request), _basic(request)
    world = _world(request)
    with world.lock:
        return JSONResponse(tokens.exchanged(world, form, basic))


@answering
async def revoke(request: Request) -> Response:
    value = request.query_params.get("token") or (await _sent(request)).get("token", "")
    world = _world(request)
    with world.lock:
        tokens.revoked(world, value)
    return JSONResponse({})


@answering
async def userinfo(request: Request) -> Response:
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    bearer = value.strip() if kind.lower() == "bearer" else request.query_params.get("access_token", "")
    world = _world(request)
    with world.lock:
        return JSONResponse(tokens.person(world, bearer))


@answering
async def tokeninfo(request: Request) -> Response:
    form = dict(request.query_params) | (await _sent(request) if request.method == "POST" else {})
    world = _world(request)
    with world.lock:
        return JSONResponse(tokens.described(world, form))


async def certs(request: Request) -> Response:
    """The public key: as a JWKS, and at the older address as certificates."""
    keys = signing.public_keys()
    if "/v1/" in request.url.path:
        pem = signing.certificate().public_bytes(Encoding.PEM).decode()
        keys = {keys["keys"][0]["kid"]: pem}
    return JSONResponse(keys, headers={"Cache-Control": "public, max-age=60"})


async def discovery(request: Request) -> Response:
    """The discovery document: Google's, with this address in it. The issuer stays Google's own name."""
    base = str(request.base_url).rstrip("/")
    return JSONResponse(
        {
            "issuer": ISSUER,
            "authorization_endpoint": f"{base}/o/oauth2/v2/auth",
            "token_endpoint": f"{base}/token",
            "userinfo_endpoint": f"{base}/v1/userinfo",
            "revocation_endpoint": f"{base}/revoke",
            "jwks_uri": f"{base}/oauth2/v3/certs",
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "email", "profile"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "claims_supported": [
                *("aud", "email", "email_verified", "exp", "family_name", "given_name"),
                *("iat", "iss", "name", "picture", "sub"),
            ],
            "code_challenge_methods_supported": list(pkce.METHODS),
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "authorization_response_iss_parameter_supported": True,
        }
    )


async def _sent(request: Request) -> dict[str, str]:
    try:
        return await fields_of(request)
    except BadInput:
        raise OAuthError("invalid_request") from None


def _basic(request: Request) -> tuple[str, str] | None:
    try:
        return basic_of(request)
    except ValueError:
        raise OAuthError("invalid_client", "Unauthorized", status=401) from None


def _world(request: Request) -> World:
    world: World = request.app.state.world
    return world


routes = [
    Route("/o/oauth2/v2/auth", authorize),
    Route("/signin/oauth/identifier", identifier),
    Route("/signin/oauth/accountchooser", choose, methods=["POST"]),
    Route("/signin/oauth/consent", consent, methods=["GET"]),
    Route("/signin/oauth/consent", decide, methods=["POST"]),
    Route("/signin/oauth/signout", sign_out, methods=["POST"]),
    Route("/token", token, methods=["POST"]),
    Route("/revoke", revoke, methods=["POST"]),
    Route("/v1/userinfo", userinfo, methods=["GET", "POST"]),
    Route("/oauth2/v3/userinfo", userinfo, methods=["GET", "POST"]),
    Route("/tokeninfo", tokeninfo, methods=["GET", "POST"]),
    Route("/oauth2/v3/tokeninfo", tokeninfo, methods=["GET", "POST"]),
    Route("/oauth2/v1/certs", certs),
    Route("/oauth2/v3/certs", certs),
    Route("/.well-known/openid-configuration", discovery),
]
