"""The stand-in as a function from request to reply: no server is needed to ask it.

    graph = Graph(world)
    reply = graph.answer(Request("GET", "/v1.0/me/calendars", headers=…))

What a broken network would do stands in the reply (`broken`, `cut`, `wait`): the web server does it, a test
that calls in process may do it its own way. A subscription is made only after its address proved itself:
`handshake` asks it, over the network unless a test puts something else there.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, quote, unquote

import httpx

from calendar_sandbox.microsoft import errors
from calendar_sandbox.microsoft.api import batch, shapes, subscribing
from calendar_sandbox.microsoft.api.call import SHARED, Answer, Call, preferences
from calendar_sandbox.microsoft.api.methods import Method, found
from calendar_sandbox.microsoft.errors import Refusal
from calendar_sandbox.microsoft.faults import IN_A_BATCH, KINDS, Asked, Fault, Faults
from calendar_sandbox.microsoft.push import Outbox
from calendar_sandbox.microsoft.state import AccessToken, Account, Logged, World
from calendar_sandbox.standin.exchange import Reply, Request
from calendar_sandbox.standin.wire import spoiled

API, BATCH = "/v1.0/", "/v1.0/$batch"
JSON = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
SMALLEST_TO_PACK = 1024  # octets
LONGEST_LOGGED_BODY = 20_000  # characters
MOST_AT_ONCE = 4  # requests of one app in one mailbox
HANDSHAKE_PATIENCE = 10.0  # seconds
GRAPH = "https://graph.microsoft.com/"  # scopes may be written with it in front

Handshake = Callable[[str, str], str]


def over_http(address: str, token: str) -> str:
    """Ask an address to prove that it wants notifications; return what is wrong with its answer."""
    glue = "&" if "?" in address else "?"
    try:
        answer = httpx.post(
            f"{address}{glue}validationToken={quote(token, safe='')}",
            headers={"Content-Type": "text/plain; charset=utf-8"},
            timeout=HANDSHAKE_PATIENCE,
            trust_env=False,
        )
    except httpx.TimeoutException:
        return "Subscription validation request timed out."
    except (httpx.HTTPError, httpx.InvalidURL):
        return "Subscription validation request failed. Unable to connect to the remote server."
    if answer.status_code != 200:
        return (
            f"Subscription validation request failed. Notification endpoint must respond with 200 OK to "
            f"validation request. HTTP status code is '{answer.status_code}'."
        )
    if answer.text != token or not answer.headers.get("content-type", "").startswith("text/plain"):
        return (
            "Subscription validation request failed. Response must exactly match validationToken query "
            "parameter."
        )
    return ""


class Graph:
    """A world with everything around it: faults, limits, the outbox of notifications."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.faults = Faults()
        self.outbox = Outbox(world, self.faults)
        self.handshake: Handshake = over_http
        self.latency = 0.0  # seconds each answer takes over the network
        self.under_way: Counter[str] = Counter()  # requests by mailbox and app
        self.most_under_way: Counter[str] = Counter()  # the most there were at once
        world.watchers.append(self.outbox.heard)

    def reset(self, *, seed: int | None = None) -> None:
        """Begin anew: an empty world, no faults, nothing to deliver."""
        with self.world.lock:
            self.world.reset(seed=seed)
            self.faults.clear()
            self.faults.happened.clear()
            self.outbox.clear()
            self.handshake = over_http
            self.latency = 0.0
            self.most_under_way.clear()

    # --- requests -----------------------------------------------------------------------------------------

    def answer(self, request: Request) -> Reply:
        """Serve one request of a client, with the faults that wait for it."""
        proven = self._proofs(request)
        with self.world.lock:
            if request.path.lower() == BATCH:
                return self._batch(request, proven)
            return self._one(request, KINDS, proven)

    def answer_owner(self, request: Request, account: Account) -> Reply:
        """Serve a request as if the account's owner made it by hand: no token, no faults, no limits."""
        with self.world.lock:
            return self._served(request, account, None, {})

    @contextlib.contextmanager
    def counted(self, request: Request) -> Iterator[Reply | None]:
        """Hold the limit of four at once around a request over the network; a reply: it is refused."""
        token = self.world.bearer(_bearer(request))
        key = f"{token.account} {token.client_id}" if token else ""
        with self.world.lock:
            self.under_way[key] += 1
            self.most_under_way[key] = max(self.most_under_way[key], self.under_way[key])
            over = bool(key) and self.under_way[key] > MOST_AT_ONCE
        try:
            yield self._refused(errors.throttled(), request) if over else None
        finally:
            with self.world.lock:
                self.under_way[key] -= 1

    async def taking_its_time(self, reply: Reply) -> Reply:
        """Let the reply be as late as it is to be, while its request counts as under way."""
        if wait := reply.wait + self.latency:
            await asyncio.sleep(wait)
        reply.wait = 0.0
        return reply

    def _proofs(self, request: Request) -> dict[str, str]:
        """Ask the addresses of new subscriptions, without the lock: they may take their time."""
        with self.world.lock:
            asked = [
                (one, address, f"Validation: {self.world.new_guid()}: probe")
                for one in _parts(request)
                for address in self._to_prove(one)
            ]
        return {address: self.handshake(address, token) for _one, address, token in asked}

    def _to_prove(self, request: Request) -> list[str]:
        hit = found(request.verb, request.path.removeprefix(API))
        if hit is None or hit[0].id not in ("subscriptions.create", "subscriptions.update"):
            return []
        try:
            who = self._who(request)
            return subscribing.to_prove(self._call(request, *hit, who, {}))
        except Refusal:
            return []

    def _batch(self, request: Request, proven: dict[str, str]) -> Reply:
        """Serve the parts one by one; a fault that breaks the connection breaks it for all of them."""
        asked = Asked("batch", request.verb, request.path)
        fault = self.faults.take(asked, ("reset_before", "reset_after", "slow", "truncated", "error_before"))
        if fault is not None and fault.kind == "reset_before":
            return Reply(0, broken=True)
        if fault is not None and fault.kind == "error_before":
            return self._refused(fault.error(), request)
        try:
            self._who(request)
            parts = batch.parts_of(request.body)
        except Refusal as refusal:
            return self._refused(refusal, request)
        said = batch.answered(parts, request, lambda one: self._one(one, IN_A_BATCH, proven))
        return spoiled(self._said(request, Answer({"responses": said})), fault)

    def _one(self, request: Request, kinds: tuple[str, ...], proven: dict[str, str]) -> Reply:
        started = time.perf_counter()
        token = self.world.bearer(_bearer(request))
        account = self.world.accounts[token.account].upn if token else ""
        hit = found(request.verb, request.path.removeprefix(API))
        tokened = "$deltatoken=" in unquote(request.query).lower()
        asked = Asked(hit[0].id if hit else "unknown", request.verb, request.path, account, tokened)
        fault = self.faults.take(asked, kinds)
        reply = self._with_fault(request, token, fault, proven)
        self._log(request, asked.call, token, reply, fault, time.perf_counter() - started)
        return reply

    def _with_fault(
        self, request: Request, token: AccessToken | None, fault: Fault | None, proven: dict[str, str]
    ) -> Reply:
        if fault is not None and fault.kind == "reset_before":
            return Reply(0, broken=True)
        if fault is not None and fault.kind in ("error_before", "conflict"):
            refusal = errors.conflict() if fault.kind == "conflict" else fault.error()
            return self._refused(refusal, request)
        if fault is not None and fault.kind == "revoked" and token is not None:
            self.world.revoke_grant(self.world.accounts[token.account], token.client_id)
        reply = self._served(request, None, fault, proven)
        if reply.status >= 400:
            return spoiled(reply, fault)
        if fault is not None and fault.kind in ("error_after", "saved_error"):
            refusal = errors.access_denied() if fault.kind == "saved_error" else fault.error()
            return self._refused(refusal, request)
        if fault is not None and fault.kind == "renamed" and token is not None:
            account = self.world.accounts[token.account]
            calendar = self.world.calendar_of(account, reply.json()["id"])
            if calendar is not None:
                self.world.renew_calendar_id(account, calendar)
        return spoiled(reply, fault)

    def _served(
        self, request: Request, owner: Account | None, fault: Fault | None, proven: dict[str, str]
    ) -> Reply:
        try:
            who = owner or self._who(request)
            hit = found(request.verb, request.path.removeprefix(API))
            if hit is None:
                raise errors.no_segment(request.path.rstrip("/").rpartition("/")[2])
            call = self._call(request, *hit, who, proven)
            if fault is not None and fault.kind == "stale":
                call.changes_ago, call.within = fault.changes, fault.within
            call.expired = fault is not None and fault.kind == "expired"
            return self._said(request, hit[0].run(call), call)
        except Refusal as refusal:
            return self._refused(refusal, request)

    def _who(self, request: Request) -> AccessToken:
        """The token of a request. Raise Refusal when it does not count."""
        sent = _bearer(request)
        if not sent:
            raise errors.no_token()
        token = self.world.bearer(sent)
        if token is not None:
            return token
        raise errors.expired_token() if sent in self.world.access_tokens else errors.broken_token()

    def _call(
        self,
        request: Request,
        method: Method,
        args: dict[str, str],
        who: AccessToken | Account,
        proven: dict[str, str],
    ) -> Call:
        """Who asks for what. Raise Refusal: scopes, an unknown user, no mailbox, a body that is none."""
        account = who if isinstance(who, Account) else self.world.accounts[who.account]
        scopes = frozenset(
            scope.removeprefix(GRAPH) for scope in (() if isinstance(who, Account) else who.scopes)
        )
        if not isinstance(who, Account) and not _allowed(scopes, method):
            raise errors.insufficient() if method.id == "me.get" else errors.access_denied()
        mailbox = account
        if "user" in args:
            found_one = self.world.account_of(args["user"])
            if found_one is None or found_one.tid != account.tid:
                raise errors.no_such_user(args["user"])
            mailbox = found_one
        if method.mailbox and not mailbox.mailbox:
            raise errors.no_mailbox()
        query = parse_qs(request.query, keep_blank_values=True)
        return Call(
            world=self.world,
            account=account,
            mailbox=mailbox,
            args={name: value for name, value in args.items() if name != "user"},
            params={name.lower(): values for name, values in query.items()},
            body=_body(request, method),
            prefer=preferences(request.headers.get("prefer", "")),
            client_id="" if isinstance(who, Account) else who.client_id,
            scopes=scopes,
            if_match=request.headers.get("if-match", ""),
            base_url=request.base_url,
            path=request.path,
            query=request.query,
            owner=isinstance(who, Account),
            proven=proven,
        )

    # --- replies ------------------------------------------------------------------------------------------

    def _said(self, request: Request, answer: Answer, call: Call | None = None) -> Reply:
        headers = self._headers(request) | answer.headers
        if call is not None and (applied := _applied(call)):
            headers["Preference-Applied"] = applied
        if answer.text is not None:
            return Reply(answer.status, headers | {"Content-Type": "text/plain"}, answer.text.encode())
        if answer.body is None:
            return Reply(answer.status, headers)
        headers |= {"Content-Type": JSON, "OData-Version": "4.0"}
        said = json.dumps(answer.body, separators=(",", ":"), ensure_ascii=False).encode()
        if "gzip" in request.headers.get("accept-encoding", "") and len(said) >= SMALLEST_TO_PACK:
            said = gzip.compress(said, compresslevel=1, mtime=0)
            headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        return Reply(answer.status, headers, said)

    def _refused(self, refusal: Refusal, request: Request) -> Reply:
        headers = self._headers(request)
        date = (self.world.now() + self.world.skew).replace(tzinfo=None, microsecond=0).isoformat()
        said = refusal.as_json(
            date=date,
            request_id=headers["request-id"],
            client_request_id=headers["client-request-id"],
        )
        body = json.dumps(said, ensure_ascii=False).encode()
        headers |= {"Content-Type": "application/json"} | refusal.headers
        return Reply(refusal.status, headers, body, reason=refusal.code)

    def _headers(self, request: Request) -> dict[str, str]:
        """What stands on every answer. The request's number is its id, so that it repeats with the seed."""
        request_id = f"{self.world.requests + 1:08x}-0000-4000-8000-{self.world.seed & 0xFFFFFFFFFFFF:012x}"
        return {
            "Date": format_datetime(self.world.now() + self.world.skew, usegmt=True),
            "Cache-Control": "private",
            "request-id": request_id,
            "client-request-id": request.headers.get("client-request-id") or request_id,
        }

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
                account=world.accounts[token.account].upn if token else "",
                client_id=token.client_id if token else "",
                call=call,
                reason=reply.reason,
                fault=fault.kind if fault else "",
                milliseconds=round(seconds * 1000, 3),
                headers={name: value for name, value in request.headers.items() if name != "authorization"},
                body=request.body[:LONGEST_LOGGED_BODY].decode("utf-8", "replace"),
            )
        )


def _bearer(request: Request) -> str:
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    return value.strip() if kind.lower() == "bearer" else ""


def _allowed(scopes: frozenset[str], method: Method) -> bool:
    return bool(scopes & method.scopes) or bool({f"{one}{SHARED}" for one in method.scopes} & scopes)


def _parts(request: Request) -> list[Request]:
    """A request, or those in a batch; none when it is no batch after all."""
    if request.path.lower() != BATCH:
        return [request]
    try:
        return [batch.inner(part, request) for part in batch.parts_of(request.body)]
    except Refusal:
        return []


def _applied(call: Call) -> str:
    """The preferences that were followed."""
    said = []
    for name, value in call.prefer.items():
        if name == "odata.maxpagesize":
            said.append(f"odata.maxpagesize={value}")
        elif name in ("idtype", "outlook.timezone", "outlook.body-content-type"):
            shown = {"idtype": "IdType"}.get(name, name)
            said.append(f'{shown}="{value}"')
    return ", ".join(said)


def _body(request: Request, method: Method) -> dict[str, Any]:
    if not method.takes or not request.body.strip():
        return {}
    if "json" not in request.headers.get("content-type", "application/json"):
        raise errors.bad_json()
    try:
        said = json.loads(request.body)
    except ValueError:
        raise errors.bad_json() from None
    if not isinstance(said, dict):
        raise errors.bad_json()
    return shapes.checked(said, method.takes)
