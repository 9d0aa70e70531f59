"""Another system asked for free times: what is sent, what is believed, how long is waited."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from tests.asked_system import SECRET, AskedSystem, asked_system
from tests.providers.sides import HOME

from genie.providers.external import LARGEST, MOST, NoAnswer, Question, ask
from genie.providers.registry import ProviderSettings

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = datetime(2026, 3, 3, tzinfo=UTC)
QUESTION = Question(
    company="acme", module="office", low=DAY, high=DAY + timedelta(days=1), zone="UTC", duration_minutes=30
)


@pytest.fixture
def system() -> Iterator[AskedSystem]:
    with asked_system() as there:
        yield there


def answer_of(system: AskedSystem, *, wait: float = 2.0, settings: ProviderSettings = HOME) -> list[str]:
    found = ask(QUESTION, url=system.url, secret=SECRET, wait=wait, settings=settings, now=NOW)
    return [f"{start:%H:%M}" for start in found]


def test_the_question_says_what_is_wanted_and_is_signed(system: AskedSystem) -> None:
    system.offers("2026-03-03T09:00:00Z", "2026-03-03T10:30:00Z")
    assert answer_of(system) == ["09:00", "10:30"]
    assert system.questions == [
        {
            "version": 1,
            "company": "acme",
            "module": "office",
            "kind": None,
            "staff": None,
            "from": "2026-03-03T00:00:00Z",
            "to": "2026-03-04T00:00:00Z",
            "zone": "UTC",
            "duration_minutes": 30,
        }
    ]
    assert system.is_signed()
    assert system.signatures[0][0] == str(int(NOW.timestamp()))


def test_an_offset_is_as_good_as_z(system: AskedSystem) -> None:
    system.answer = lambda _: {"starts": ["2026-03-03T04:00:00-05:00"], "more": 1}
    assert answer_of(system) == ["09:00"]


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"<html>",
        b"[" * 100_000,
        b"null",
        b"[]",
        b'{"starts": 1}',
        b'{"starts": {}}',
        b'{"starts": [1]}',
        b'{"starts": [null]}',
        b'{"starts": ["2026-03-03T09:00:00"]}',
        b'{"starts": ["soon"]}',
        b'{"starts": ["2026-03-03"]}',
        b'{"starts": ["2026-03-03T09:00:00.5Z"]}',
        b'{"starts": ["0001-01-01T00:00:00+14:00"]}',
        b'{"starts": ["2026-03-02T23:59:00Z"]}',
        b'{"starts": ["2026-03-04T00:00:00Z"]}',
        b'{"starts": ["2026-03-03T10:00:00Z", "2026-03-03T09:00:00Z"]}',
        b'{"starts": ["2026-03-03T09:00:00Z", "2026-03-03T09:00:00Z"]}',
        b'{"starts": ["2026-03-03T09:00:00Z' + b" " * 100 + b'"]}',
        b'{"starts": [' + b",".join([b'"2026-03-03T09:00:00Z"'] * (MOST + 1)) + b"]}",
        b" " * (LARGEST + 1),
        '{"starts": ["\ud83d"]}'.encode("utf-8", "surrogatepass"),
    ],
)
def test_an_answer_that_is_wrong_anywhere_is_none(system: AskedSystem, said: bytes) -> None:
    system.answer = lambda _: said
    with pytest.raises(NoAnswer, match=r"\.$"):
        answer_of(system)


@pytest.mark.parametrize("status", [201, 204, 301, 302, 400, 401, 403, 404, 429, 500, 503])
def test_a_refusal_is_no_answer_and_no_redirect_is_followed(system: AskedSystem, status: int) -> None:
    system.status, system.headers = status, {"Location": system.url}
    with pytest.raises(NoAnswer):
        answer_of(system)
    assert len(system.questions) == 1


def test_silence_is_left_after_the_wait(system: AskedSystem) -> None:
    system.silent.set()
    begun = time.monotonic()
    with pytest.raises(NoAnswer, match="in time"):
        answer_of(system, wait=0.3)
    assert time.monotonic() - begun < 1.5


def test_private_networks_are_refused_unless_the_operator_allows_them(system: AskedSystem) -> None:
    for url in (
        system.url,
        system.url.replace("http:", "https:"),
        "https://169.254.169.254/",
        "file:///etc/passwd",
    ):
        with pytest.raises(NoAnswer):
            ask(QUESTION, url=url, secret=SECRET, wait=1, settings=ProviderSettings(), now=NOW)
    assert system.questions == []


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/", "http://no-such-host.invalid/", "http://xn--/", "http://[::1/"]
)
def test_an_address_that_leads_nowhere(url: str) -> None:
    with pytest.raises(NoAnswer, match=r"\.$"):
        ask(QUESTION, url=url, secret=SECRET, wait=1, settings=HOME, now=NOW)
