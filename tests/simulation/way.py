"""The way of our requests to a calendar system: at any of them something may happen, before or after it."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import unquote

import httpx

Happening = Callable[[], None]
T = TypeVar("T")


class Way:
    """Carries requests one by one, counted. `cut` makes what a caller gets who loses the connection."""

    def __init__(self, cut: Callable[[], Exception]) -> None:
        self.cut = cut
        self.requests = 0
        self.old_copies = False
        """Does a server that is behind answer who asks for one event?"""
        self._planned: dict[tuple[int, bool], list[Happening]] = defaultdict(list)
        self._dice = random.Random(0)
        self._chance = 0.0
        self._under_way: list[tuple[int, bool]] = []

    def plan(self, request: int, what: Happening, *, after: bool) -> None:
        """At the n-th request from now (1 = the next), before or after its effect."""
        self._planned[self.requests + request, after].append(what)

    def forget_plans(self) -> None:
        self._planned.clear()

    def roll(self, chance: float, *, seed: int) -> None:
        """From now on each request is cut by itself at this chance, half of them after their effect."""
        self._chance, self._dice = chance, random.Random(seed)

    def lose(self) -> None:
        """What happens when the connection breaks."""
        raise self.cut()

    def carry(self, send: Callable[[], T]) -> T:
        self.begin()
        answer = send()
        self.end()
        return answer

    def begin(self) -> None:
        """A request sets out. Whoever calls this calls `end` once it has had its effect."""
        self.requests += 1
        number, lost = self.requests, self._dice.random() < self._chance
        after = lost and self._dice.random() < 0.5
        self._happen(number, after=False)
        if lost and not after:
            self.lose()
        self._under_way.append((number, after))

    def end(self) -> None:
        number, lost = self._under_way.pop()
        self._happen(number, after=True)
        if lost:
            self.lose()

    def _happen(self, number: int, *, after: bool) -> None:
        for what in self._planned.pop((number, after), []):
            what()


class Wire(httpx.BaseTransport):
    """The network, as far as a conversation needs one: each request takes the way to a function."""

    def __init__(self, way: Way, answer: Callable[[httpx.Request], httpx.Response]) -> None:
        self._way = way
        self._answer = answer
        self._shown: dict[str, httpx.Response] = {}
        """Each event as an answer had it last."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        return self._way.carry(lambda: self._old_copy(request) or self._asked(request))

    def _asked(self, request: httpx.Request) -> httpx.Response:
        answer = self._answer(request)
        if answer.headers.get("Content-Type", "").startswith("application/json"):
            said = answer.json() if answer.is_success and answer.content else None
            if isinstance(said, dict) and "start" in said:
                self._shown[said["id"]] = answer
        return answer

    def _old_copy(self, request: httpx.Request) -> httpx.Response | None:
        if not self._way.old_copies or request.method != "GET":
            return None
        old = self._shown.get(unquote(request.url.path.rpartition("/")[2]))
        return old and httpx.Response(200, headers=old.headers, content=old.content, request=request)


def connection_lost() -> Exception:
    return httpx.ReadError("the simulation cut the connection")
