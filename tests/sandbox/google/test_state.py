"""The stand-in's memory: repeatable with a seed, the same after a file."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from calendar_sandbox.google.state import CALENDAR, World

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def lived(seed: int = 1) -> World:
    world = World(clock=lambda: NOON, seed=seed)
    ana = world.add_account("Ana@Example.org", name="Ana Ortiz", time_zone="Europe/Madrid")
    team = world.add_calendar(ana, "Team")
    world.share(team, "default", "reader")
    event = {"id": "abcde", "iCalUID": "abcde@google.com", "status": "confirmed"}
    world.keep(team, event)
    world.issue_code(ana, "app", [CALENDAR], redirect_uri="http://here/", code_challenge="x")
    world.issue_refresh_token(ana, "app", [CALENDAR])
    world.issue_access_token(ana, "app", [CALENDAR])
    return world


def saved(world: World, path: Path) -> dict[str, object]:
    world.save(path)
    found = json.loads(path.read_text())
    assert isinstance(found, dict)
    return found


def test_the_same_seed_makes_the_same_world(tmp_path: Path):
    first, second, other = (saved(lived(seed), tmp_path / "state") for seed in (1, 1, 2))
    assert first == second
    assert first["access_tokens"] != other["access_tokens"]


def test_a_file_brings_everything_back_and_goes_on_the_same(tmp_path: Path):
    before = lived()
    path = tmp_path / "state.json"
    state = saved(before, path)
    after = World(clock=lambda: NOON)
    after.load(path)
    assert saved(after, tmp_path / "again") == state
    assert after.letters(20) == before.letters(20)
    team = next(c for c in after.calendars.values() if c.summary == "Team")
    assert team.by_uid == {"abcde@google.com": ["abcde"]}
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_of_somebody_else_is_refused(tmp_path: Path):
    (tmp_path / "x").write_text('{"hello": 1}')
    with pytest.raises(ValueError, match="not written by"):
        World(clock=lambda: NOON).load(tmp_path / "x")


def test_the_hundred_and_first_refresh_token_ends_the_first():
    world = lived()
    ana = world.account("ana@example.org")
    grant = world.grant_of(ana, "app")
    assert grant is not None
    first = grant.refresh_tokens[0].token
    for _ in range(99):
        world.issue_refresh_token(ana, "app", [CALENDAR])
    assert world.refresh_token(first) is not None
    world.issue_refresh_token(ana, "app", [CALENDAR])
    assert world.refresh_token(first) is None


def test_a_token_ends_with_its_time_and_with_its_grant():
    world = lived()
    ana = world.account("ana@example.org")
    short = world.issue_access_token(ana, "app", [CALENDAR], lifetime=timedelta(seconds=5))
    longer = world.issue_access_token(ana, "app", [CALENDAR])
    world.advance(timedelta(seconds=5))
    assert world.bearer(short.token) is None
    assert world.bearer(longer.token) is longer
    assert world.revoke_grant(ana, "app")
    assert world.bearer(longer.token) is None
    assert not world.revoke_grant(ana, "app")


def test_a_calendar_can_be_seen_as_it_was_some_changes_ago():
    world = lived()
    ana = world.account("ana@example.org")
    own = world.calendars[ana.email]
    for title in ("a", "b", "c"):
        world.keep(own, {"id": "first", "iCalUID": "u", "summary": title})
    world.keep(own, {"id": "second", "iCalUID": "v", "summary": "x"})
    titles = []
    for ago in range(5):
        events, latest = world.as_it_was(own, ago)
        titles.append((latest, {id_: stored.resource["summary"] for id_, stored in events.items()}))
    assert titles == [
        (4, {"first": "c", "second": "x"}),
        (3, {"first": "c"}),
        (2, {"first": "b"}),
        (1, {"first": "a"}),
        (0, {}),
    ]
