"""What each refusal of Microsoft's means, and what is asked in which request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.providers.microsoft_script import CALENDAR, EVENTS, Asked, Reply, Script, event, listed, refusal
from tests.providers.sides import DECEMBER, NINE, TEN, content, fresh

from genie.core import errors
from genie.providers.microsoft.mapping import EXPAND, PROPERTY, property_of, transaction_of
from genie.providers.microsoft.provider import Microsoft
from genie.providers.port import Channel, EventIdentity

VERSION = "ZlnW4RIAV06KYYwlrfNZvQAAKGWwbw=="
ID = "AAkAforeign"
THERE = Reply(200, {"id": CALENDAR})
NO_CALENDAR = refusal(404, "ErrorItemNotFound")

Act = Callable[[Microsoft], object]
READS: dict[str, Act] = {
    "get": lambda provider: provider.get(CALENDAR, ID),
    "find": lambda provider: provider.find(CALENDAR, "0" * 32),
    "changes": lambda provider: list(provider.changes(CALENDAR, cursor=None, window=DECEMBER, known={})),
    "calendars": lambda provider: provider.calendars(),
    "account": lambda provider: provider.account(),
    "update": lambda provider: provider.update(CALENDAR, ID, content(), version=VERSION),
    "delete": lambda provider: provider.delete(CALENDAR, ID, version=VERSION),
}
"""Those that change an event read it first."""
WRITES: dict[str, Act] = {
    "create": lambda provider: provider.create(CALENDAR, fresh(), content()),
    "watch": lambda provider: provider.watch(
        CALENDAR, channel_id="c", token="t", address="https://g.example"
    ),
    "unwatch": lambda provider: provider.unwatch(Channel("c", "r", NINE.start)),
    "prolong": lambda provider: provider.prolong(Channel("c", "r", NINE.start)),
}


# --- faults that mean the same whatever was asked


@pytest.mark.parametrize("act", [*READS, *WRITES])
@pytest.mark.parametrize(
    ("answer", "fault", "wait"),
    [
        (refusal(429, "TooManyRequests"), errors.Transient, None),
        (replace(refusal(429, "ApplicationThrottled"), headers={"Retry-After": "31"}), errors.Transient, 31),
        (Reply(429), errors.Transient, None),
    ],
)
def test_throttling(microsoft, act, answer, fault, wait):
    microsoft.will(answer)
    with pytest.raises(fault, match="slow down") as caught:
        {**READS, **WRITES}[act](microsoft.provider())
    assert (caught.value.retry_after, caught.value.outcome_unknown) == (wait, False)
    assert len(microsoft.asked) == 1


@pytest.mark.parametrize("act", [*READS, *WRITES])
@pytest.mark.parametrize(
    "answer",
    [
        refusal(500, "ErrorInternalServerError"),
        refusal(503, "ServiceUnavailable"),
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
def test_an_outage_leaves_the_outcome_of_writes_unknown(microsoft, act, answer):
    microsoft.will(answer)
    with pytest.raises(errors.Transient) as caught:
        {**READS, **WRITES}[act](microsoft.provider())
    assert caught.value.outcome_unknown is (act in WRITES)


@pytest.mark.parametrize("act", [*READS, *WRITES])
def test_a_dead_token_is_access_lost(microsoft, act):
    """Asked for anew once, in vain."""
    tokens = Reply(200, {"access_token": "eyJ.newer", "expires_in": 3600})
    no = refusal(401, "InvalidAuthenticationToken")
    microsoft.will(lambda asked: tokens if asked.path.endswith("/token") else no)
    with pytest.raises(errors.AccessLost):
        {**READS, **WRITES}[act](microsoft.provider())
    assert len(microsoft.asked) == 3


def test_where_nobody_answers_nothing_was_done(microsoft):
    provider = microsoft.provider(options={"graph_url": "http://127.0.0.1:9/v1.0"})
    with pytest.raises(errors.Transient, match="cannot be reached") as caught:
        WRITES["create"](provider)
    assert not caught.value.outcome_unknown


def test_a_mailbox_that_moved_away_is_a_calendar_that_is_gone(microsoft):
    microsoft.will(refusal(404, "MailboxNotEnabledForRESTAPI"))
    for act in ("changes", "calendars", "get", "account"):
        with pytest.raises(errors.CalendarGone, match="not at Microsoft"):
            READS[act](microsoft.provider())


def test_every_request_asks_for_lasting_ids_and_times_in_utc(microsoft):
    answers = {
        "POST": Reply(201, event()),
        "GET": Reply(200, {**event(), "value": []}),
        "PATCH": Reply(200, event()),
    }
    microsoft.will(lambda asked: answers.get(asked.method, Reply(204)))
    provider = microsoft.provider()
    provider.create(CALENDAR, fresh(), content())
    provider.update(CALENDAR, ID, content(TEN), version=VERSION)
    provider.delete(CALENDAR, ID, version=VERSION)
    provider.find(CALENDAR, "0" * 32)
    assert len(microsoft.asked) >= 6
    for asked in microsoft.asked:
        assert asked.headers["Prefer"].startswith('IdType="ImmutableId", outlook.timezone="UTC"')


# --- create

IDENTITY = EventIdentity("a" * 32, 2)
OURS = event("AAkAours", singleValueExtendedProperties=[property_of(IDENTITY, "")])


def answering(**by_call: Reply) -> Callable[[Asked], Reply]:
    """What is answered to `post`, `patch`, `delete`, `one` (an event), `list`, `calendar` and `where`."""

    def answer(asked: Asked) -> Reply:
        if asked.method != "GET":
            return by_call[asked.method.lower()]
        if asked.path == EVENTS:
            return by_call.get("list", listed())
        if asked.path.endswith("/calendar"):
            return by_call.get("where", THERE)
        if asked.path.startswith(EVENTS):
            return by_call["one"]
        return by_call.get("calendar", THERE)

    return answer


def create(microsoft: Script) -> Any:
    return microsoft.provider().create(CALENDAR, IDENTITY, content(description=""))


def test_what_is_made_is_read_back_with_its_key(microsoft):
    microsoft.will(answering(post=Reply(201, event("AAkAours")), one=Reply(200, OURS)))
    made = create(microsoft)
    assert (made.id, made.identity) == ("AAkAours", IDENTITY)
    posted, back = microsoft.asked
    assert posted.json["transactionId"] == transaction_of(IDENTITY)
    assert (posted.path, back.path) == (EVENTS, f"{EVENTS}/AAkAours")
    assert back.query == {"$expand": EXPAND}


def test_a_key_that_was_not_kept_is_put_there_again(microsoft):
    """A save that collided has kept the event and lost its extension."""
    answers = iter([Reply(200, event("AAkAours")), Reply(200, OURS)])

    def answer(asked: Asked) -> Reply:
        if asked.method == "GET":
            return next(answers)
        return Reply(201 if asked.method == "POST" else 200, event("AAkAours"))

    microsoft.will(answer)
    assert create(microsoft).identity == IDENTITY
    patched = microsoft.asked[2]
    assert (patched.method, list(patched.json)) == ("PATCH", ["singleValueExtendedProperties"])


@pytest.mark.parametrize("status", [400, 409])
def test_a_transaction_with_other_content_finds_what_was_made(microsoft, status):
    microsoft.will(answering(post=refusal(status, "ErrorDuplicateTransactionId"), list=listed(OURS)))
    assert create(microsoft).id == "AAkAours"
    assert microsoft.asked[1].query == {
        "$filter": f"singleValueExtendedProperties/Any(ep: ep/id eq '{PROPERTY}' and "
        f"startswith(ep/value,'{IDENTITY.key}.'))",
        "$top": "50",
        "$expand": EXPAND,
    }


def test_a_transaction_whose_event_was_deleted_is_taken(microsoft):
    earlier = event("old", singleValueExtendedProperties=[property_of(replace(IDENTITY, generation=1), "")])
    microsoft.will(answering(post=refusal(400, "ErrorDuplicateTransactionId"), list=listed(earlier)))
    with pytest.raises(errors.IdentityTaken):
        create(microsoft)


def test_a_repetition_that_answers_with_a_deleted_event_is_taken(microsoft):
    microsoft.will(answering(post=Reply(201, event("AAkAours")), one=refusal(404, "ErrorItemNotFound")))
    with pytest.raises(errors.IdentityTaken):
        create(microsoft)


def test_a_refusal_that_has_made_the_event_is_seen(microsoft):
    """As of a suspended mailbox (FACTS S13): else each try would make another one."""
    microsoft.will(answering(post=refusal(403, "ErrorAccountSuspend"), list=listed(OURS)))
    assert create(microsoft).id == "AAkAours"
    microsoft.will(answering(post=refusal(403, "ErrorAccessDenied")))
    with pytest.raises(errors.Rejected, match="may not change this calendar"):
        create(microsoft)


def test_creating_where_no_calendar_is(microsoft):
    microsoft.will(answering(post=refusal(404, "ErrorItemNotFound"), calendar=NO_CALENDAR))
    with pytest.raises(errors.CalendarGone):
        create(microsoft)


def test_a_time_that_other_zone_rules_moved_is_written_again_in_utc(microsoft):
    def answer(asked: Asked) -> Reply:
        if asked.method == "POST":
            answer.made = asked.json["singleValueExtendedProperties"]  # type: ignore[attr-defined]
        late = {"dateTime": "2026-12-01T09:00:00.0000000", "timeZone": "UTC"}
        end = {"dateTime": "2026-12-01T10:00:00.0000000", "timeZone": "UTC"}
        made = event("AAkAours", start=late, end=end, singleValueExtendedProperties=answer.made)  # type: ignore[attr-defined]
        return Reply(200, event("AAkAours") if asked.method == "PATCH" else made)

    microsoft.will(answer)
    assert create(microsoft).content.when.same_instants(NINE)
    assert microsoft.asked[-1].json == {
        "isAllDay": False,
        "start": {"dateTime": "2026-12-01T08:00:00", "timeZone": "UTC"},
        "end": {"dateTime": "2026-12-01T09:00:00", "timeZone": "UTC"},
    }


def test_an_event_made_before_and_moved_by_its_owner_is_left_where_it_is(microsoft):
    moved = {"dateTime": "2026-12-01T09:00:00.0000000", "timeZone": "UTC"}
    end = {"dateTime": "2026-12-01T10:00:00.0000000", "timeZone": "UTC"}
    microsoft.will(answering(post=Reply(201, OURS), one=Reply(200, {**OURS, "start": moved, "end": end})))
    assert create(microsoft).content.when.same_instants(TEN)
    assert len(microsoft.asked) == 2


# --- get


def test_not_found_counts_only_while_the_calendar_answers_and_twice(microsoft):
    microsoft.will(answering(one=refusal(404, "ErrorItemNotFound")))
    with pytest.raises(errors.Gone):
        microsoft.provider().get(CALENDAR, ID)
    assert [asked.path for asked in microsoft.asked] == [
        f"{EVENTS}/{ID}",
        f"/v1.0/me/calendars/{CALENDAR}",
        f"{EVENTS}/{ID}",
    ]
    microsoft.will(answering(one=refusal(404, "ErrorItemNotFound"), calendar=NO_CALENDAR))
    with pytest.raises(errors.CalendarGone):
        microsoft.provider().get(CALENDAR, ID)
    microsoft.will(answering(one=refusal(403, "ErrorAccessDenied")))
    with pytest.raises(errors.CalendarGone, match="may not read"):
        microsoft.provider().get(CALENDAR, ID)
    microsoft.will(answering(one=refusal(400, "ErrorInvalidIdMalformed")))
    with pytest.raises(errors.Gone):
        microsoft.provider().get(CALENDAR, "some.ics")


@pytest.mark.parametrize(
    "where",
    [Reply(200, {"id": "AAMkAnother"}), refusal(404, "ErrorItemNotFound"), refusal(403, "ErrorAccessDenied")],
)
def test_another_name_of_its_calendar_proves_nothing_and_the_calendar_s_list_decides(microsoft, where):
    """A shared calendar has one id here and another in its owner's mailbox."""
    microsoft.will(answering(one=Reply(200, OURS), where=where, list=listed({"id": "AAkAours"})))
    assert microsoft.provider().get(CALENDAR, "AAkAours").id == "AAkAours"
    microsoft.will(answering(one=Reply(200, OURS), where=where, list=listed()))
    with pytest.raises(errors.Gone):
        microsoft.provider().get(CALENDAR, "AAkAours")
    assert IDENTITY.key in microsoft.asked[-1].query["$filter"]


def test_a_stranger_s_event_is_looked_for_by_its_uid(microsoft):
    microsoft.will(answering(one=Reply(200, event(iCalUId="it's")), where=Reply(200, {"id": "x"})))
    with pytest.raises(errors.Gone):
        microsoft.provider().get(CALENDAR, ID)
    assert microsoft.asked[-1].query["$filter"] == "iCalUId eq 'it''s'"


# --- update and delete


def update(microsoft: Script, **changes: Any) -> Any:
    wanted = content(NINE, title="Dentist", place="", description="")
    return microsoft.provider().update(CALENDAR, ID, replace(wanted, **changes), version=VERSION)


def test_only_what_differs_is_written_on_the_version_that_was_read(microsoft):
    microsoft.will(answering(one=Reply(200, event()), patch=Reply(200, event(subject="New", changeKey="v2"))))
    assert update(microsoft, title="New").version == "v2"
    patched = microsoft.asked[-1]
    assert (patched.method, patched.json) == ("PATCH", {"subject": "New"})
    assert patched.headers["If-Match"] == f'W/"{VERSION}"'


def test_an_update_of_nothing_writes_nothing(microsoft):
    microsoft.will(answering(one=Reply(200, event())))
    assert update(microsoft).version == VERSION
    assert [asked.method for asked in microsoft.asked] == ["GET"]


def test_another_version_is_stale_and_nothing_is_written(microsoft):
    microsoft.will(answering(one=Reply(200, event(changeKey="other"))))
    with pytest.raises(errors.StaleVersion):
        update(microsoft, title="New")
    with pytest.raises(errors.StaleVersion):
        microsoft.provider().delete(CALENDAR, ID, version=VERSION)
    assert {asked.method for asked in microsoft.asked} == {"GET"}


def test_another_organizer_s_event_is_not_written(microsoft):
    microsoft.will(answering(one=Reply(200, event(isOrganizer=False))))
    with pytest.raises(errors.Rejected, match="organises"):
        update(microsoft, title="New")


@pytest.mark.parametrize("act", ["patch", "delete"])
@pytest.mark.parametrize("status", [409, 412])
def test_a_conflict_is_stale_only_if_the_event_did_change(microsoft, act, status):
    """Outlook answers 412 by itself, too; it passes."""
    no = refusal(status, "ErrorIrresolvableConflict")

    def run() -> object:
        if act == "patch":
            return update(microsoft, title="New")
        return microsoft.provider().delete(CALENDAR, ID, version=VERSION)

    microsoft.will(answering(one=Reply(200, event()), **{act: no}))
    with pytest.raises(errors.Transient):
        run()
    seen = iter([event(), event(changeKey="other")])

    def answer(asked: Asked) -> Reply:
        if asked.method != "GET":
            return no
        return THERE if asked.path.endswith("/calendar") else Reply(200, next(seen))

    microsoft.will(answer)
    with pytest.raises(errors.StaleVersion):
        run()


def test_an_event_that_vanishes_before_it_is_written_is_gone(microsoft):
    seen = iter([Reply(200, event())])
    gone = refusal(404, "ErrorItemNotFound")

    def answer(asked: Asked) -> Reply:
        if asked.method != "GET":
            return gone
        return next(seen, gone) if asked.path.startswith(EVENTS) else THERE

    microsoft.will(answer)
    with pytest.raises(errors.Gone):
        update(microsoft, title="New")
    seen = iter([Reply(200, event())])
    assert microsoft.provider().delete(CALENDAR, ID, version=VERSION) is False


def test_what_cannot_be_deleted_because_it_is_deleted_is_no_fault(microsoft):
    """With lasting ids a second DELETE is answered 403 (msgraph-sdk-dotnet #3047)."""
    no = refusal(403, "ErrorCannotDeleteObject")
    microsoft.will(answering(one=Reply(200, event()), delete=no, where=refusal(404, "ErrorItemNotFound")))
    assert microsoft.provider().delete(CALENDAR, ID, version=VERSION) is False
    microsoft.will(answering(one=Reply(200, event()), delete=no))
    with pytest.raises(errors.Rejected, match="does not let this account delete"):
        microsoft.provider().delete(CALENDAR, ID, version=VERSION)


def test_deleted_is_deleted(microsoft):
    microsoft.will(answering(one=Reply(200, event()), delete=Reply(204)))
    assert microsoft.provider().delete(CALENDAR, ID, version=VERSION) is True
    assert microsoft.asked[-1].headers["If-Match"] == f'W/"{VERSION}"'


def test_a_stopped_subscription_may_be_unknown(microsoft):
    microsoft.will(refusal(404, "ResourceNotFound"))
    microsoft.provider().unwatch(Channel("c", "r", NINE.start))
    microsoft.will(refusal(403, "Forbidden"))
    with pytest.raises(errors.Rejected):
        microsoft.provider().unwatch(Channel("c", "r", NINE.start))
