"""What each refusal of Google's means (its guide to errors), and what is asked in which request."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.providers.google_script import CALENDAR, EVENTS, Asked, Reply, event, page, refusal
from tests.providers.sides import DECEMBER, NINE, TEN, content, fresh

from genie.core import errors
from genie.providers.google.mapping import id_of, written
from genie.providers.google.provider import Google
from genie.providers.port import Channel, Pushes

VERSION = "3181161784712000"
HOUR = 3600

Act = Callable[[Google], object]
READS: dict[str, Act] = {
    "get": lambda provider: provider.get(CALENDAR, "foreign1"),
    "find": lambda provider: provider.find(CALENDAR, "0" * 32),
    "changes": lambda provider: list(provider.changes(CALENDAR, cursor=None, window=DECEMBER, known={})),
    "calendars": lambda provider: provider.calendars(),
    "account": lambda provider: provider.account(),
}
WRITES: dict[str, Act] = {
    "create": lambda provider: provider.create(CALENDAR, fresh(), content()),
    "delete": lambda provider: provider.delete(CALENDAR, "foreign1", version=VERSION),
    "watch": lambda provider: provider.watch(
        CALENDAR, channel_id="c", token="t", address="https://g.example"
    ),
}


# --- faults that mean the same whatever was asked


@pytest.mark.parametrize("act", [*READS, *WRITES])
@pytest.mark.parametrize(
    ("answer", "fault", "wait"),
    [
        (refusal(403, "rateLimitExceeded", domain="usageLimits"), errors.Transient, None),
        (refusal(403, "userRateLimitExceeded", domain="usageLimits"), errors.Transient, None),
        (refusal(429, "rateLimitExceeded", domain="usageLimits"), errors.Transient, None),
        (replace(refusal(429, "rateLimitExceeded"), headers={"Retry-After": "31"}), errors.Transient, 31),
        (refusal(403, "quotaExceeded", domain="usageLimits"), errors.Transient, 2 * HOUR),
        (refusal(403, "dailyLimitExceeded", domain="usageLimits"), errors.Transient, 2 * HOUR),
        (refusal(403, "accessNotConfigured", domain="usageLimits"), errors.Transient, HOUR),
        (refusal(403, "insufficientPermissions"), errors.AccessLost, None),
        (Reply(429), errors.Transient, None),
    ],
)
def test_quotas_and_permissions(google, act, answer, fault, wait):
    google.will(answer)
    with pytest.raises(fault, match=r"\.$") as caught:
        {**READS, **WRITES}[act](google.provider())
    if isinstance(caught.value, errors.Transient):
        assert caught.value.retry_after == wait
        assert not caught.value.outcome_unknown  # refused is refused
    assert len(google.asked) == 1


@pytest.mark.parametrize("act", [*READS, *WRITES])
@pytest.mark.parametrize(
    "answer",
    [
        refusal(500, "backendError"),
        refusal(503, "backendError"),
        Reply(502, b"<html>Bad Gateway"),
        Reply(504),
        Reply(408),
        Reply(hang_up=True),
        Reply(200, event(), cut=30),
        Reply(200, b'{"id": "x'),
        Reply(200, b"<html>"),
    ],
    ids=lambda reply: f"{reply.status}{'!' if reply.hang_up else ''}{'-' if reply.cut else ''}",
)
def test_an_outage_leaves_the_outcome_of_writes_unknown(google, act, answer):
    google.will(answer)
    with pytest.raises(errors.Transient) as caught:
        {**READS, **WRITES}[act](google.provider())
    assert caught.value.outcome_unknown is (act in WRITES)


def test_where_nobody_answers_nothing_was_done(google):
    provider = google.provider(options={"api_url": "http://127.0.0.1:9/calendar/v3"})
    with pytest.raises(errors.Transient, match="cannot be reached") as caught:
        WRITES["create"](provider)
    assert not caught.value.outcome_unknown


def test_a_new_style_refusal_is_understood(google):
    """Google's newer shape: the reason stands in `details`."""
    details = [
        {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT"}
    ]
    google.will(Reply(403, {"error": {"code": 403, "status": "PERMISSION_DENIED", "details": details}}))
    with pytest.raises(errors.AccessLost):
        READS["get"](google.provider())


def test_an_answer_too_large_is_not_read_to_its_end(google):
    google.will(Reply(200, event(description="x" * 200_000)))
    with pytest.raises(errors.Rejected, match="too large"):
        READS["get"](google.provider(max_answer_bytes=100_000))


def test_an_answer_too_slow_is_given_up(google):
    ticks = iter([0.0, 1_000.0, 2_000.0])
    google.will(Reply(200, event()))
    with pytest.raises(errors.Transient, match="too slowly"):
        READS["get"](google.provider(ticks=lambda: next(ticks)))


def test_compressed_answers_are_asked_for_and_read(google):
    packed = gzip.compress(json.dumps(event()).encode())
    google.will(Reply(200, packed, {"Content-Encoding": "gzip"}))
    assert READS["get"](google.provider()).id == "foreign1"
    headers = google.asked[0].headers
    assert headers["Accept-Encoding"] == "gzip"
    assert "gzip" in headers["User-Agent"]


# --- gone, and its calendar


def test_a_deleted_event_is_gone(google):
    google.will(Reply(200, {"id": "foreign1", "status": "cancelled"}))
    with pytest.raises(errors.Gone):
        READS["get"](google.provider())


@pytest.mark.parametrize("status", [404, 410])
def test_not_found_counts_when_the_calendar_answers_and_the_event_is_missing_again(google, status):
    google.will(refusal(status, "notFound"), page(accessRole="writer"), refusal(status, "notFound"))
    with pytest.raises(errors.Gone):
        READS["get"](google.provider())
    assert [one.path for one in google.asked] == [f"{EVENTS}/foreign1", EVENTS, f"{EVENTS}/foreign1"]


def test_a_not_found_that_passes_is_none(google):
    google.will(refusal(404, "notFound"), page(accessRole="writer"), Reply(200, event()))
    assert READS["get"](google.provider()).id == "foreign1"


@pytest.mark.parametrize(
    "about",
    [
        refusal(404, "notFound"),
        refusal(403, "forbidden"),
        page(accessRole="freeBusyReader"),
        page(accessRole="none"),
    ],
)
@pytest.mark.parametrize("act", ["get", "delete"])
def test_a_calendar_that_may_not_be_read_proves_no_deletion(google, about, act):
    google.will(refusal(404, "notFound"), *([refusal(404, "notFound")] if act == "delete" else []), about)
    with pytest.raises(errors.CalendarGone):
        {**READS, **WRITES}[act](google.provider())


@pytest.mark.parametrize("act", ["find", "changes"])
@pytest.mark.parametrize("answer", [refusal(404, "notFound"), refusal(403, "forbidden")])
def test_a_calendar_that_is_gone(google, act, answer):
    google.will(answer)
    with pytest.raises(errors.CalendarGone):
        READS[act](google.provider())


# --- create


def test_created_in_one_quiet_request(google):
    google.will(lambda asked: Reply(200, {**asked.json, "etag": '"7"', "status": "confirmed"}))
    identity = fresh()
    made = google.provider().create(CALENDAR, identity, content())
    (asked,) = google.asked
    assert (asked.method, asked.path, asked.query["sendUpdates"]) == ("POST", EVENTS, "none")
    assert (made.id, made.version, made.content) == (id_of(identity), "7", content())


def taken(there: Reply) -> Callable[[Asked], Reply]:
    return lambda asked: refusal(409, "duplicate") if asked.method == "POST" else there


def test_an_id_that_is_there_is_adopted_if_it_is_ours_and_alive(google):
    identity = fresh()
    google.will(taken(Reply(200, event(id_of(identity), summary="Moved by the owner"))))
    made = google.provider().create(CALENDAR, identity, content())
    assert (made.identity, made.content.title) == (identity, "Moved by the owner")


def test_an_id_that_was_used_before_is_taken(google):
    identity = fresh()
    google.will(taken(Reply(200, event(id_of(identity), status="cancelled"))))
    with pytest.raises(errors.IdentityTaken, match="deleted"):
        google.provider().create(CALENDAR, identity, content())


def test_an_id_under_which_another_event_stands_is_taken(google):
    private = written(fresh(), content())["extendedProperties"]
    identity = fresh()
    google.will(taken(Reply(200, event(id_of(identity), extendedProperties=private))))
    with pytest.raises(errors.IdentityTaken, match="Another"):
        google.provider().create(CALENDAR, identity, content())


def test_there_and_not_there_is_tried_again(google):
    """Concluding anything would make a second event, or cancel the appointment."""
    google.will(refusal(409, "duplicate"), refusal(404, "notFound"), page(accessRole="owner"))
    with pytest.raises(errors.Transient):
        WRITES["create"](google.provider())


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (refusal(404, "notFound"), errors.CalendarGone),
        (refusal(403, "requiredAccessLevel", domain="calendar"), errors.Rejected),
        (refusal(403, "forbidden"), errors.Rejected),
        (refusal(400, "invalid"), errors.Rejected),
        (refusal(413, "uploadTooLarge"), errors.Rejected),
        (Reply(302, b"", {"Location": "https://elsewhere.example"}), errors.Rejected),
    ],
)
def test_a_create_that_is_refused(google, answer, fault):
    google.will(answer)
    with pytest.raises(fault, match=r"\.$"):
        WRITES["create"](google.provider())
    assert len(google.asked) == 1


# --- update


def update(provider: Google, version: str = VERSION) -> object:
    return provider.update(CALENDAR, "foreign1", content(TEN), version=version)


def patching(*after: Reply) -> Callable[[Asked], Reply]:
    """A GET, a PATCH, and what follows."""
    answers = [Reply(200, event()), *after]
    return lambda _asked: answers.pop(0)


def test_an_update_patches_what_differs_under_its_version(google):
    google.will(patching(Reply(200, event(etag='"8"'))))
    updated = google.provider().update(
        CALENDAR, "foreign1", content(TEN, title="Dentist", place=""), version=VERSION
    )
    asked = google.asked[1]
    assert (asked.method, asked.headers["If-Match"]) == ("PATCH", f'"{VERSION}"')
    assert asked.query["sendUpdates"] == "none"
    assert set(asked.json) == {"start", "end", "description"}
    assert updated.version == "8"


def test_nothing_is_written_where_nothing_differs(google):
    google.will(Reply(200, event()))
    same = content(NINE, title="Dentist", place="", description="")
    assert google.provider().update(CALENDAR, "foreign1", same, version=VERSION).version == VERSION
    assert [one.method for one in google.asked] == ["GET"]


def test_an_update_of_another_version_sends_nothing(google):
    google.will(Reply(200, event()))
    with pytest.raises(errors.StaleVersion):
        update(google.provider(), version="older")
    assert [one.method for one in google.asked] == ["GET"]


@pytest.mark.parametrize(
    ("after", "fault"),
    [
        ((refusal(412, "conditionNotMet"), Reply(200, event(etag='"9"'))), errors.StaleVersion),
        ((refusal(409, "conflict"), Reply(200, event(etag='"9"'))), errors.StaleVersion),
        ((refusal(412, "conditionNotMet"), Reply(200, event(status="cancelled"))), errors.Gone),
        ((refusal(403, "forbiddenForNonOrganizer", domain="calendar"),), errors.Rejected),
        ((refusal(403, "requiredAccessLevel", domain="calendar"),), errors.Rejected),
        ((refusal(400, "invalid"),), errors.Rejected),
        ((refusal(404, "notFound"), refusal(404, "notFound"), refusal(404, "notFound")), errors.CalendarGone),
    ],
)
def test_an_update_that_is_refused(google, after, fault):
    google.will(patching(*after))
    with pytest.raises(fault, match=r"\.$"):
        update(google.provider())


def test_an_event_of_another_organizer_is_not_written(google):
    google.will(Reply(200, event(organizer={"email": "bob@example.org"})))
    with pytest.raises(errors.Rejected, match="Another person"):
        update(google.provider())
    assert [one.method for one in google.asked] == ["GET"]


# --- delete


def test_a_deletion_names_its_version(google):
    google.will(Reply(204))
    assert WRITES["delete"](google.provider()) is True
    asked = google.asked[0]
    assert (asked.method, asked.headers["If-Match"]) == ("DELETE", f'"{VERSION}"')
    assert asked.query["sendUpdates"] == "none"


def test_what_was_deleted_before_is_no_fault(google):
    google.will(refusal(410, "deleted"), Reply(200, event(status="cancelled")))
    assert WRITES["delete"](google.provider()) is False


@pytest.mark.parametrize(
    ("refused", "fault"),
    [(refusal(412, "conditionNotMet"), errors.StaleVersion), (refusal(403, "forbidden"), errors.Rejected)],
)
def test_a_deletion_that_is_refused(google, refused, fault):
    google.will(refused, Reply(200, event()))
    with pytest.raises(fault):
        WRITES["delete"](google.provider())


# --- push


def test_a_channel_is_opened_and_closed(google):
    provider = google.provider()
    assert isinstance(provider, Pushes)
    google.will(
        Reply(200, {"kind": "api#channel", "id": "c1", "resourceId": "r1", "expiration": "1796100000000"}),
        Reply(204),
    )
    channel = provider.watch(CALENDAR, channel_id="c1", token="t", address="https://g.example/hooks/google")
    assert channel == Channel("c1", "r1", datetime(2026, 12, 1, 4, 40, tzinfo=UTC))
    provider.unwatch(channel)
    watched, stopped = google.asked
    assert watched.path == f"{EVENTS}/watch"
    assert watched.json == {
        "id": "c1",
        "type": "web_hook",
        "address": "https://g.example/hooks/google",
        "token": "t",
    }
    assert (stopped.path, stopped.json) == ("/calendar/v3/channels/stop", {"id": "c1", "resourceId": "r1"})


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (refusal(400, "pushNotSupportedForRequestedResource"), errors.PushRefused),
        (refusal(401, "push.webhookUrlUnauthorized"), errors.PushRefused),
        (refusal(400, "push.webhookUrlNotHttps"), errors.PushRefused),
        (refusal(400, "channelIdNotUnique"), errors.Rejected),
        (refusal(404, "notFound"), errors.CalendarGone),
    ],
)
def test_a_channel_that_is_refused(google, answer, fault):
    google.will(answer)
    with pytest.raises(fault, match=r"\.$"):
        WRITES["watch"](google.provider())
    assert len(google.asked) == 1  # a webhook's 401 renews no token


def test_a_channel_that_is_not_there_is_closed(google):
    google.will(refusal(404, "notFound"))
    google.provider().unwatch(Channel("c1", "r1", datetime(2026, 12, 1, tzinfo=UTC)))
    google.will(refusal(400, "invalid"))
    with pytest.raises(errors.Rejected):
        google.provider().unwatch(Channel("c1", "r1", datetime(2026, 12, 1, tzinfo=UTC)))
