"""What every provider promises, tested against each of them: inherit `ProviderContract`, give a `side`.

Those that push inherit `PushContract` as well.
"""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest
from tests.providers.sides import DECEMBER, NINE, TEN, PushSide, Side, at, content, fresh

from genie.core.errors import (
    AccessLost,
    CalendarGone,
    CursorExpired,
    Gone,
    IdentityTaken,
    Malformed,
    PushRefused,
    StaleVersion,
)
from genie.core.event import BusyKind, When
from genie.providers.port import ChangePage, Channel, Pushes, Window
from genie.providers.registry import kind_of, notifications


def read(
    side: Side, cursor: str | None = None, known: dict[str, str] | None = None, window: Window = DECEMBER
):
    return list(side.provider.changes(side.calendar, cursor=cursor, window=window, known=known or {}))


def shown(side: Side, wanted):
    """What was written as it is read: where no zone flows back, without it."""
    if isinstance(wanted, When):
        return wanted if side.zones else replace(wanted, zone="")
    return replace(wanted, when=shown(side, wanted.when))


def changed(pages: list[ChangePage]) -> dict[str, object]:
    return {one.id: one for page in pages for one in page.changed}


def removed(pages: list[ChangePage]) -> list[str]:
    return [name for page in pages for name in page.removed]


def versions(pages: list[ChangePage]) -> dict[str, str]:
    return {one.id: one.version for page in pages for one in page.changed}


class ReadOnlyContract:
    """What is promised of `changes`, also where nothing can be written."""

    @pytest.fixture
    def side(self) -> Side:
        raise NotImplementedError

    # --- changes

    def test_an_empty_calendar_is_one_page_with_a_cursor(self, side):
        (page,) = read(side)
        assert (list(page.changed), list(page.removed), page.full) == ([], [], True)
        assert page.cursor

    def test_a_change_free_read_is_one_request(self, side):
        side.add(NINE)
        pages = read(side)
        before = side.requests()
        (page,) = read(side, pages[-1].cursor, versions(pages))
        assert (list(page.changed), list(page.removed), page.full) == ([], [], False)
        assert page.cursor
        assert side.requests() == before + 1

    def test_what_was_added_changed_and_removed_comes_once(self, side):
        kept, moved, deleted = (side.add(at(f"2026-12-0{day} 09:00")) for day in (1, 2, 3))
        first = read(side)
        side.move(moved, at("2026-12-02 15:00"))
        side.delete(deleted)
        added = side.add(at("2026-12-04 09:00"))
        second = read(side, first[-1].cursor, versions(first))
        assert set(changed(second)) == {moved, added}
        assert removed(second) == [deleted]
        assert not any(page.full for page in second)
        assert changed(second)[moved].busy[0].start == at("2026-12-02 15:00").start
        assert kept not in removed(second)
        known = {**versions(first), **versions(second)}
        del known[deleted]
        third = read(side, second[-1].cursor, known)
        assert (changed(third), removed(third)) == ({}, [])

    def test_a_page_read_again_says_the_same(self, side):
        first = read(side)
        for day in range(1, 8):
            side.add(at(f"2026-12-0{day} 09:00"))
        assert read(side, first[-1].cursor) == read(side, first[-1].cursor)

    def test_a_read_broken_off_loses_nothing(self, side):
        first = read(side)
        ids = {side.add(at(f"2026-12-0{day} 09:00")) for day in range(1, 8)}
        reading = side.provider.changes(side.calendar, cursor=first[-1].cursor, window=DECEMBER, known={})
        next(iter(reading))
        assert set(changed(read(side, first[-1].cursor))) == ids

    def test_what_changes_while_pages_are_read_comes_again(self, side):
        ids = [side.add(at(f"2026-12-0{day} 09:00")) for day in range(1, 8)]
        pages = []
        for page in side.provider.changes(side.calendar, cursor=None, window=DECEMBER, known={}):
            pages.append(page)
            if len(pages) == 1:
                side.move(ids[0], at("2026-12-20 09:00"))
        later = read(side, pages[-1].cursor, versions(pages))
        seen = {**changed(pages), **changed(later)}
        assert seen[ids[0]].busy[0].start == at("2026-12-20 09:00").start

    @pytest.mark.parametrize(
        "cursor", ["", "nonsense", "sync:nonsense", "sync:http://example.org/99999", "9:x"]
    )
    def test_a_cursor_that_is_not_known_is_expired(self, side, cursor):
        side.add(NINE)
        with pytest.raises(CursorExpired):
            read(side, cursor)

    def test_reading_where_no_calendar_is_any_more(self, side):
        cursor = read(side)[-1].cursor
        side.drop_calendar()
        for known in (cursor, None):
            with pytest.raises(CalendarGone):
                read(side, known)

    # --- busy time

    def test_busy_free_tentative_and_cancelled(self, side):
        busy = side.add(NINE)
        free = side.add(NINE, kind=None)
        maybe = side.add(NINE, kind=BusyKind.TENTATIVE)
        off = side.add(NINE)
        side.cancel(off)
        found = changed(read(side))
        assert [(one.start, one.end, one.kind) for one in found[busy].busy] == [
            (NINE.start, NINE.end, BusyKind.BUSY)
        ]
        assert found[maybe].busy[0].kind is BusyKind.TENTATIVE
        assert (found[free].busy, found[off].busy) == ((), ())

    def test_all_day_is_busy_from_midnight_to_midnight(self, side):
        day = When(
            at("2026-12-05 00:00", zone="UTC").start, at("2026-12-06 00:00", zone="UTC").start, "UTC", True
        )
        event_id = side.add(day)
        (busy,) = changed(read(side))[event_id].busy
        assert (busy.start, busy.end, busy.all_day) == (day.start, day.end, True)

    def test_only_what_touches_the_window_is_busy(self, side):
        outside = side.add(at("2027-02-01 09:00"))
        across = side.add(at("2026-11-30 23:00", 24 * 60, "UTC"))
        touching = side.add(at("2026-11-30 23:00", 60, "UTC"))
        found = changed(read(side))
        assert not any(found[name].busy for name in (outside, touching) if name in found)
        assert len(found[across].busy) == 1

    def test_a_series_is_busy_at_each_occurrence(self, side):
        """Under one id, or each occurrence under an id of its own."""
        side.repeat_daily(side.add(at("2026-11-29 09:00")), 5)
        starts = sorted(busy.start for one in changed(read(side)).values() for busy in one.busy)
        assert starts == [at(f"2026-12-0{day} 09:00").start for day in (1, 2, 3)]

    def test_an_event_that_cannot_be_read_is_reported_and_hides_no_other(self, side):
        good = side.add(NINE)
        broken = side.add_broken()
        found = changed(read(side))
        assert found[broken].problem.endswith(".")
        assert found[good].problem == ""
        assert len(found[good].busy) == 1


class ReadingContract(ReadOnlyContract):
    """What is promised of it besides, of events that we wrote ourselves."""

    def test_a_full_read_lists_everything_once_and_says_so(self, side):
        ids = {side.add(at(f"2026-12-{day:02} 09:00")) for day in range(1, 9)}
        ours = side.provider.create(side.calendar, fresh(), content())
        pages = read(side)
        assert all(page.full for page in pages)
        names = [one.id for page in pages for one in page.changed]
        assert sorted(names) == sorted(ids | {ours.id})
        assert changed(pages)[ours.id].identity == ours.identity
        assert changed(pages)[ours.id].version == ours.version
        assert [page.cursor is not None for page in pages] == [False] * (len(pages) - 1) + [True]

    def test_our_own_write_comes_back_in_the_version_it_returned(self, side):
        first = read(side)
        made = side.provider.create(side.calendar, fresh(), content())
        updated = side.provider.update(side.calendar, made.id, content(TEN), version=made.version)
        (one,) = changed(read(side, first[-1].cursor)).values()
        assert (one.id, one.version, one.identity) == (made.id, updated.version, made.identity)

    def test_a_series_made_of_our_event_is_told_under_the_id_its_link_knows(self, side):
        made = side.provider.create(side.calendar, fresh(), content())
        first = read(side)
        side.repeat_daily(made.id, 3)
        second = read(side, first[-1].cursor, versions(first))
        found = changed(second)[made.id]
        starts = [at(f"2026-12-0{day} 09:00").start for day in (1, 2, 3)]
        assert [busy.start for busy in found.busy] == starts
        assert found.version == side.provider.get(side.calendar, made.id).version
        assert changed(read(side))[made.id] == found
        side.delete(made.id)
        third = read(side, second[-1].cursor, {**versions(first), **versions(second)})
        assert made.id in removed(third)
        assert made.id not in changed(third)


class ProviderContract(ReadingContract):
    """All of it."""

    # --- the account

    def test_says_whose_account_it_is_and_stays_the_same(self, side):
        first, second = side.provider.account(), side.again().account()
        assert first == second
        assert first.identity
        assert first.label

    def test_lists_calendars_and_says_why_one_cannot_be_written(self, side):
        found = {info.id: info for info in side.provider.calendars()}
        assert found[side.calendar].may_write
        assert found[side.calendar].why_not == ""
        assert not found[side.reading].may_write
        assert found[side.reading].why_not.endswith(".")

    def test_a_password_that_is_not_valid_any_more_is_access_lost(self, side):
        provider = side.lock_out()
        for ask in (
            provider.account,
            provider.calendars,
            lambda: provider.create(side.calendar, fresh(), content()),
            lambda: provider.get(side.calendar, "some.ics"),
            lambda: provider.delete(side.calendar, "some.ics", version="v"),
            lambda: list(provider.changes(side.calendar, cursor=None, window=DECEMBER, known={})),
        ):
            with pytest.raises(AccessLost):
                ask()

    # --- create

    def test_what_is_created_is_what_is_read(self, side):
        identity = fresh()
        made = side.provider.create(side.calendar, identity, content())
        assert made.content == shown(side, content())
        assert made.identity == identity
        assert made.uid
        assert made.version
        assert not made.recurring
        assert side.provider.get(side.calendar, made.id) == made

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "plain",
            "Grüße, 你好; \\ and \\n, “quotes” \" 'x' 🧞‍♂️",
            "two\nlines\n\nand an empty one",
            "<b>not</b> &amp; markup",
            "BEGIN:VEVENT\nEND:VCALENDAR",
            "a" * 74 + "é" * 300,
            "word " * 900 + "end",
            "colon: semi; comma, tab\tend",
        ],
    )
    def test_texts_survive(self, side, text):
        wanted = content(
            title=text.replace("\n", " ")[:200].strip(), place=text[:400].strip(), description=text
        )
        made = side.provider.create(side.calendar, fresh(), wanted)
        assert made.content == shown(side, wanted)
        assert side.provider.get(side.calendar, made.id).content == shown(side, wanted)

    @pytest.mark.parametrize(
        "zone", ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "UTC", "Pacific/Apia"]
    )
    def test_times_survive_in_their_zone(self, side, zone):
        for when in (at("2026-07-01 09:30", 45, zone), at("2026-12-31 23:30", 90, zone)):
            made = side.provider.create(side.calendar, fresh(), content(when))
            assert made.content.when == shown(side, when)

    def test_a_time_without_a_zone_keeps_its_instants(self, side):
        made = side.provider.create(side.calendar, fresh(), content(replace(NINE, zone="")))
        assert made.content.when.same_instants(NINE)

    def test_creating_twice_makes_one_event(self, side):
        identity = fresh()
        first = side.provider.create(side.calendar, identity, content())
        again = side.again().create(side.calendar, identity, content())
        assert again == first
        assert [event.id for event in side.provider.find(side.calendar, identity.key)] == [first.id]

    def test_creating_again_adopts_what_the_owner_made_of_it(self, side):
        identity = fresh()
        first = side.provider.create(side.calendar, identity, content())
        side.move(first.id, TEN)
        again = side.provider.create(side.calendar, identity, content())
        assert again.id == first.id
        assert again.content.when == shown(side, TEN)

    def test_a_deleted_identity_is_taken_or_made_anew_but_never_half(self, side):
        identity = fresh()
        first = side.provider.create(side.calendar, identity, content())
        side.delete(first.id)
        if side.forgets:
            assert side.provider.create(side.calendar, identity, content()).content == shown(side, content())
        else:
            with pytest.raises(IdentityTaken):
                side.provider.create(side.calendar, identity, content())

    def test_the_next_generation_is_another_event(self, side):
        identity = fresh()
        first = side.provider.create(side.calendar, identity, content())
        side.delete(first.id)
        second = side.provider.create(side.calendar, replace(identity, generation=2), content())
        assert second.id != first.id
        assert second.identity == replace(identity, generation=2)

    def test_creating_where_no_calendar_is_any_more(self, side):
        side.drop_calendar()
        with pytest.raises(CalendarGone):
            side.provider.create(side.calendar, fresh(), content())

    # --- get

    def test_gone_is_said_only_while_the_calendar_answers(self, side):
        made = side.provider.create(side.calendar, fresh(), content())
        side.delete(made.id)
        with pytest.raises(Gone):
            side.provider.get(side.calendar, made.id)
        side.drop_calendar()
        with pytest.raises(CalendarGone):
            side.provider.get(side.calendar, made.id)

    def test_a_foreign_event_can_be_read(self, side):
        event_id = side.add(NINE, title="Dentist")
        there = side.provider.get(side.calendar, event_id)
        assert there.content.title == "Dentist"
        assert there.content.when.same_instants(NINE)
        assert there.identity is None

    def test_cancelled_by_the_owner_is_seen(self, side):
        made = side.provider.create(side.calendar, fresh(), content())
        side.cancel(made.id)
        assert side.provider.get(side.calendar, made.id).content.cancelled

    # --- update

    def test_an_update_writes_the_fields_that_flow(self, side):
        made = side.provider.create(side.calendar, fresh(), content())
        wanted = content(
            at("2026-12-02 11:00", 30, "America/New_York"), title="New", place="", description="x"
        )
        updated = side.provider.update(side.calendar, made.id, wanted, version=made.version)
        assert updated.content == shown(side, wanted)
        assert updated.version != made.version
        assert (updated.id, updated.identity, updated.uid) == (made.id, made.identity, made.uid)
        assert side.provider.get(side.calendar, made.id) == updated

    def test_an_unknown_text_is_left_as_it_is(self, side):
        made = side.provider.create(side.calendar, fresh(), content())
        wanted = content(title=None, place=None, description=None, when=TEN)
        updated = side.provider.update(side.calendar, made.id, wanted, version=made.version)
        assert updated.content == shown(side, content(TEN))

    def test_an_update_leaves_everything_else_of_the_owner_s(self, side):
        made = side.provider.create(side.calendar, fresh(), content())
        side.add_extra(made.id)
        there = side.provider.get(side.calendar, made.id)
        side.provider.update(side.calendar, made.id, content(TEN, title="New"), version=there.version)
        assert side.has_extra(made.id)

    def test_a_stale_update_is_refused_and_changes_nothing(self, side):
        made = side.provider.create(side.calendar, fresh(), content())
        side.rename(made.id, "By the owner")
        with pytest.raises(StaleVersion):
            side.provider.update(side.calendar, made.id, content(TEN), version=made.version)
        there = side.provider.get(side.calendar, made.id)
        assert (there.content.title, there.content.when) == ("By the owner", shown(side, NINE))

    def test_an_update_of_what_is_gone_does_not_bring_it_back(self, side):
        made = side.provider.create(side.calendar, fresh(), content())
        side.delete(made.id)
        with pytest.raises(Gone):
            side.provider.update(side.calendar, made.id, content(TEN), version=made.version)
        with pytest.raises(Gone):
            side.provider.get(side.calendar, made.id)

    def test_an_update_where_no_calendar_is_any_more(self, side):
        made = side.provider.create(side.calendar, fresh(), content())
        side.drop_calendar()
        with pytest.raises(CalendarGone):
            side.provider.update(side.calendar, made.id, content(TEN), version=made.version)

    def test_a_series_of_the_owner_keeps_its_time(self, side):
        made = side.provider.create(side.calendar, fresh(), content())
        side.repeat_daily(made.id, 5)
        there = side.provider.get(side.calendar, made.id)
        assert there.recurring
        assert [busy.start for busy in there.occurrences] == [
            at(f"2026-12-0{day} 09:00").start for day in range(1, 6)
        ]
        updated = side.provider.update(
            side.calendar, made.id, content(TEN, title="New"), version=there.version
        )
        assert (updated.content.title, updated.content.when) == ("New", shown(side, NINE))

    # --- delete

    def test_deleted_is_gone(self, side):
        made = side.provider.create(side.calendar, fresh(), content())
        side.provider.delete(side.calendar, made.id, version=made.version)
        with pytest.raises(Gone):
            side.provider.get(side.calendar, made.id)

    def test_a_stale_delete_is_refused(self, side):
        made = side.provider.create(side.calendar, fresh(), content())
        side.move(made.id, TEN)
        with pytest.raises(StaleVersion):
            side.provider.delete(side.calendar, made.id, version=made.version)
        assert side.provider.get(side.calendar, made.id).content.when == shown(side, TEN)

    def test_deleting_what_is_not_there_is_success(self, side):
        made = side.provider.create(side.calendar, fresh(), content())
        side.delete(made.id)
        assert side.provider.delete(side.calendar, made.id, version=made.version) is False
        side.provider.delete(side.calendar, made.id, version=made.version)

    def test_deleting_where_no_calendar_is_any_more_proves_nothing(self, side):
        made = side.provider.create(side.calendar, fresh(), content())
        side.drop_calendar()
        with pytest.raises(CalendarGone):
            side.provider.delete(side.calendar, made.id, version=made.version)

    # --- find

    def test_find_sees_all_bearers_of_a_key(self, side):
        identity = fresh()
        made = side.provider.create(side.calendar, identity, content())
        side.provider.create(side.calendar, fresh(), content())
        side.add(NINE)
        assert side.provider.find(side.calendar, identity.key) == [made]
        copy = side.copy(made.id, TEN)
        found = side.provider.find(side.calendar, identity.key)
        assert {event.id for event in found} == {made.id, copy}
        side.delete(made.id)
        assert [event.id for event in side.provider.find(side.calendar, identity.key)] == [copy]

    def test_find_looks_in_one_calendar(self, side):
        identity = fresh()
        side.provider.create(side.calendar, identity, content())
        assert side.provider.find(side.other, identity.key) == []
        assert side.provider.find(side.calendar, fresh().key) == []


TOKEN = "t0ken-of-one-channel"


def watch(side: PushSide, token: str = TOKEN, calendar: str = "") -> Channel:
    assert isinstance(side.provider, Pushes)
    return side.provider.watch(
        calendar or side.calendar, channel_id=uuid.uuid4().hex, token=token, address=side.hook
    )


class PushContract:
    """What is promised of `Pushes`, and of what reads its messages."""

    @pytest.fixture
    def side(self) -> PushSide:
        raise NotImplementedError

    def test_its_kind_says_what_reads_its_messages(self, side):
        assert isinstance(side.provider, Pushes)
        assert kind_of(side.provider.kind).notifications

    def test_a_channel_is_proven_by_a_handshake_or_says_hello(self, side):
        channel = watch(side)
        said = side.heard()
        assert channel.proven or [(one.channel_id, one.token) for one in said] == [(channel.id, TOKEN)]
        assert all(one.hello for one in said)

    def test_it_ends_some_day(self, side):
        channel = watch(side)
        assert channel.expires_at.utcoffset() is not None
        assert channel.expires_at > side.now

    def test_each_kind_of_change_is_told(self, side):
        channel = watch(side)
        side.heard()
        event_id = side.add(NINE)
        for change in (lambda: side.move(event_id, TEN), lambda: side.delete(event_id), lambda: None):
            said = side.heard()
            assert said and {(one.channel_id, one.token) for one in said} == {(channel.id, TOKEN)}
            assert not any(one.hello or one.renew for one in said)
            change()

    def test_what_was_told_can_be_read(self, side):
        cursor = read(side)[-1].cursor
        watch(side)
        side.heard()
        event_id = side.add(NINE)
        assert side.heard()
        assert event_id in changed(read(side, cursor))

    def test_another_calendar_is_not_told(self, side):
        watch(side, calendar=side.other)
        side.heard()
        side.add(NINE)
        assert side.heard() == []

    def test_two_channels_at_once_both_tell(self, side):
        first, second = watch(side, "one"), watch(side, "two")
        side.heard()
        side.add(NINE)
        assert {(one.channel_id, one.token) for one in side.heard()} == {
            (first.id, "one"),
            (second.id, "two"),
        }

    def test_one_that_is_stopped_is_silent_and_the_other_goes_on(self, side):
        first, second = watch(side, "one"), watch(side, "two")
        side.provider.unwatch(first)
        side.heard()
        side.add(NINE)
        assert {one.channel_id for one in side.heard()} == {second.id}

    def test_stopping_what_is_stopped_or_unknown_is_no_fault(self, side):
        channel = watch(side)
        side.provider.unwatch(channel)
        side.provider.unwatch(channel)
        side.provider.unwatch(replace(channel, id=uuid.uuid4().hex))

    def test_a_calendar_that_cannot_be_watched_says_so(self, side):
        side.refuse_push()
        with pytest.raises(PushRefused):
            watch(side)

    def test_watching_where_no_calendar_is_any_more(self, side):
        side.drop_calendar()
        with pytest.raises(CalendarGone):
            watch(side)

    def test_without_the_grant_it_is_access_lost(self, side):
        channel = watch(side)
        provider = side.lock_out()
        with pytest.raises(AccessLost):
            provider.watch(side.calendar, channel_id=uuid.uuid4().hex, token=TOKEN, address=side.hook)
        with pytest.raises(AccessLost):
            provider.unwatch(channel)

    @pytest.mark.parametrize(
        "body",
        [b"", b"{}", b"[]", b"[" * 50_000, b"\xff\xfe", b'[{"value": 1}]', b'{"value": [{}]}', b"null", b"7"],
        ids=lambda body: repr(body[:20]),
    )
    def test_nonsense_is_malformed_or_holds_nothing(self, side, body):
        reader = notifications(side.provider.kind)
        for headers in ({}, {"Content-Type": "application/json"}, {"X": "\udcff"}):
            try:
                found = reader(headers, {}, body)
            except Malformed:
                continue
            assert (list(found.notifications), found.echo) == ([], "")
