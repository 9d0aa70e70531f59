"""The stand-in as a function from request to reply: no server is needed to ask it.

    google = Google(world)
    reply = google.answer(Request("GET", "/calendar/v3/users/me/calendarList", headers=…))

What a broken network would do stands in the reply (`broken`, `cut`, `wait`): the web server does it, a test
that calls in process may do it its own way.
"""

from __future__ import annotations

import gzip
import json
import time
from collections import deque
from dataclasses import dataclass
from datetime import timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs

from calendar_sandbox.google import errors, shapes
from calendar_sandbox.google.api import batch
from calendar_sandbox.google.api.call import SCOPE, Call
from calendar_sandbox.google.api.methods import Method, found
from calendar_sandbox.google.errors import Refusal
from calendar_sandbox.google.faults import IN_A_BATCH, KINDS, Asked, Fault, Faults
from calendar_sandbox.google.push import Outbox
from calendar_sandbox.google.state import AccessToken, Account, Logged, World
from calendar_sandbox.standin.exchange import Reply, Request
from calendar_sandbox.standin.wire import spoiled

__all__ = ["Google", "Reply", "Request"]

API, BATCH = "/calendar/v3/", "/batch/calendar/v3"
JSON = "application/json; charset=UTF-8"
SMALLEST_TO_PACK = 1024  # octets
LONGEST_LOGGED_BODY = 20_000  # characters
MINUTE = timedelta(minutes=1)


class Google:
    """A world with everything around it: faults, quota, the outbox of notifications."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.faults = Faults()
        self.outbox = Outbox(world, self.faults)
        self.per_minute = 0  # requests of one account and client; 0: any number
        self._lately: dict[str, deque[Any]] = {}
        world.watchers.append(self.outbox.heard)

    def reset(self, *, seed: int | None = None) -> None:
        """Begin anew: an empty world, no faults, nothing to deliver."""
        with self.world.lock:
            self.world.reset(seed=seed)
            self.faults.clear()
            self.faults.happened.clear()
            self.outbox.clear()
            self.per_minute = 0
            self._lately.clear()

    # --- requests -----------------------------------------------------------------------------------------

    def answer(self, request: Request) -> Reply:
        """Serve one request of a client, with the faults that wait for it."""
        with self.world.lock:
            if request.path == BATCH:
                return self._batch(request)
            return self._one(request, KINDS)

    def answer_owner(self, request: Request, account: Account) -> Reply:
        """Serve a request as if the account's owner made it by hand: no token, no faults, no quota."""
        with self.world.lock:
            method, args, params = _means(request)
            return self._served(request, method, args, params, Owner(account), None)

    def _batch(self, request: Request) -> Reply:
        """Serve the parts one by one; a fault that breaks the connection breaks it for all of them."""
        asked = Asked("batch", request.verb, request.path)
        fault = self.faults.take(asked, ("reset_before", "reset_after", "slow", "truncated", "error_before"))
        if fault is not None and fault.kind == "reset_before":
            return Reply(0, broken=True)
        if fault is not None and fault.kind == "error_before":
            return self._refused(fault.error(), request)
        try:
            parts = batch.split(request.headers.get("content-type", ""), request.body)
        except Refusal as refusal:
            return self._refused(refusal, request)
        replies = []
        for part in parts:
            inner = Request(
                part.verb,
                part.path,
                part.query,
                batch.inherited(request.headers) | part.headers | {"accept-encoding": "identity"},
                part.body,
                request.base_url,
            )
            replies.append((part.content_id, self._one(inner, IN_A_BATCH)))
        kind, body = batch.joined(
            [(name, reply.status, reply.headers, reply.body) for name, reply in replies],
            self.world.letters(24),
        )
        reply = Reply(200, {"Content-Type": kind, "Date": self._date()}, body)
        return spoiled(reply, fault)

    def _one(self, request: Request, kinds: tuple[str, ...]) -> Reply:
        started = time.perf_counter()
        method, args, params = _means(request)
        token, who = self._bearer(request, params)
        account = token.account if token else ""
        asked = Asked(
            method.id if method else "unknown", request.verb, request.path, account, "syncToken" in params
        )
        fault = self.faults.take(asked, kinds)
        reply = self._with_fault(request, method, args, params, who, fault)
        self._log(request, asked.call, token, reply, fault, time.perf_counter() - started)
        return reply

    def _with_fault(
        self,
        request: Request,
        method: Method | None,
        args: dict[str, str],
        params: dict[str, list[str]],
        who: Owner | AccessToken | Refusal,
        fault: Fault | None,
    ) -> Reply:
        if fault is not None and fault.kind == "reset_before":
            return Reply(0, broken=True)
        if fault is not None and fault.kind == "error_before":
            return self._refused(fault.error(), request)
        if fault is not None and fault.kind == "expired":
            return self._refused(errors.full_sync_required(), request)
        if fault is not None and fault.kind == "revoked" and isinstance(who, AccessToken):
            self.world.revoke_grant(self.world.accounts[who.account], who.client_id)
            who = errors.bad_credentials()
        reply = self._served(request, method, args, params, who, fault)
        if fault is not None and fault.kind == "error_after" and reply.status < 400:
            return self._refused(fault.error(), request)
        return spoiled(reply, fault)

    def _served(
        self,
        request: Request,
        method: Method | None,
        args: dict[str, str],
        params: dict[str, list[str]],
        who: Owner | AccessToken | Refusal,
        fault: Fault | None,
    ) -> Reply:
        try:
            if isinstance(who, Refusal):
                raise who
            if method is None:
                raise errors.not_found()
            call = self._call(request, method, args, params, who)
            if fault is not None and fault.kind == "stale":
                call.changes_ago, call.within = fault.changes, fault.within
            mask = shapes.mask_of(call.text("fields"), method.gives) if call.text("fields") else {}
            if method.run is None:
                raise Refusal(501, "notImplemented", f"The stand-in does not offer {method.id}.")
            answer = method.run(call)
        except Refusal as refusal:
            return self._refused(refusal, request)
        if answer is None:
            return Reply(204, {"Date": self._date()})
        return self._said(request, answer, mask, pretty=call.text("prettyPrint") == "true")

    def _call(
        self,
        request: Request,
        method: Method,
        args: dict[str, str],
        params: dict[str, list[str]],
        who: Owner | AccessToken,
    ) -> Call:
        if isinstance(who, Owner):
            account, client_id, held = who.account, "", {"calendar"}
        else:
            account, client_id = self.world.accounts[who.account], who.client_id
            held = {scope.removeprefix(SCOPE) for scope in who.scopes}
        scopes = tuple(scope for scope in method.scopes if scope in held)
        if isinstance(who, AccessToken):
            if not scopes:
                raise errors.scopes_missing(method.id, tuple(f"{SCOPE}{name}" for name in method.scopes))
            self._count(account, client_id)
        if params.get("alt", ["json"])[-1] != "json":
            raise errors.invalid_parameter("alt", params["alt"][-1], "Allowed values: [json]")
        return Call(
            world=self.world,
            account=account,
            args=args,
            params=params,
            body=_body(request, method),
            client_id=client_id,
            scopes=scopes,
            if_match=request.headers.get("if-match", ""),
            base_url=request.base_url,
        )

    def _count(self, account: Account, client_id: str) -> None:
        """Hold the quota per minute and user, if one is set."""
        if not self.per_minute:
            return
        now = self.world.now()
        lately = self._lately.setdefault(f"{account.email} {client_id}", deque())
        while lately and now - lately[0] >= MINUTE:
            lately.popleft()
        if len(lately) >= self.per_minute:
            raise errors.limit("userRateLimitExceeded")
        lately.append(now)

    def _bearer(
        self, request: Request, params: dict[str, list[str]]
    ) -> tuple[AccessToken | None, AccessToken | Refusal]:
        kind, _, value = request.headers.get("authorization", "").partition(" ")
        sent = value.strip() if kind.lower() == "bearer" else ""
        sent = sent or next(
            (params[name][-1] for name in ("oauth_token", "access_token") if name in params), ""
        )
        if not sent:
            return None, errors.no_credentials()
        token = self.world.bearer(sent)
        return token, token or errors.bad_credentials()

    # --- replies ------------------------------------------------------------------------------------------

    def _said(self, request: Request, answer: Any, mask: shapes.Mask, *, pretty: bool) -> Reply:
        headers = {"Content-Type": JSON, "Date": self._date(), "Vary": "Origin, X-Origin, Referer"}
        if etag := answer.get("etag"):
            headers["ETag"] = etag
            wanted = [
                one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")
            ]
            if request.verb == "GET" and etag in wanted:
                return Reply(304, headers)
        said = _written(shapes.masked(answer, mask), pretty=pretty)
        if "gzip" in request.headers.get("accept-encoding", "") and len(said) >= SMALLEST_TO_PACK:
            said = gzip.compress(said, compresslevel=1, mtime=0)
            headers["Content-Encoding"] = "gzip"
        return Reply(200, headers, said)

    def _refused(self, refusal: Refusal, request: Request) -> Reply:
        said = _written(refusal.as_json(), pretty=True)
        headers = {"Content-Type": JSON, "Date": self._date()} | refusal.headers
        return Reply(refusal.code, headers, said, reason=refusal.reason)

    def _date(self) -> str:
        return format_datetime(self.world.now() + self.world.skew, usegmt=True)

    def _log(
        self,
        request: Request,
        call: str,
        token: AccessToken | None,
        reply: Reply,
        fault: Fault | None,
        seconds: float,
    ) -> None:
        world = self.world
        world.requests += 1
        world.note(
            Logged(
                number=world.requests,
                at=world.now(),
                method=request.verb,
                path=request.path,
                query=request.query,
                status=reply.status,
                account=token.account if token else "",
                client_id=token.client_id if token else "",
                call=call,
                reason=reply.reason,
                fault=fault.kind if fault else "",
                milliseconds=round(seconds * 1000, 3),
                headers={name: value for name, value in request.headers.items() if name != "authorization"},
                body=request.body[:LONGEST_LOGGED_BODY].decode("utf-8", "replace"),
            )
        )


@dataclass(frozen=True)
class Owner:
    """The account's owner, at the page rather than over a client."""

    account: Account


def _means(request: Request) -> tuple[Method | None, dict[str, str], dict[str, list[str]]]:
    verb = (
        request.headers.get("x-http-method-override", request.verb)
        if request.verb == "POST"
        else request.verb
    )
    query = request.query
    if verb != request.verb and "form-urlencoded" in request.headers.get("content-type", ""):
        query = request.body.decode("utf-8", "replace")  # a query too long for an address comes as a body
    params = parse_qs(query, keep_blank_values=True)
    hit = found(verb, request.path.removeprefix(API))
    return (*hit, params) if hit else (None, {}, params)


def _body(request: Request, method: Method) -> dict[str, Any]:
    if not method.takes:
        return {}
    if not request.body.strip():
        return {}
    try:
        said = json.loads(request.body)
    except ValueError:
        raise errors.parse_error() from None
    if not isinstance(said, dict):
        raise errors.parse_error("The body is not an object.")
    return dict(shapes.checked(said, method.takes))


def _written(value: Any, *, pretty: bool) -> bytes:
    if pretty:
        return json.dumps(value, indent=1, ensure_ascii=False).encode()
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
