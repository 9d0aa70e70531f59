"""Statements that are planned once: how they are sent, and what becomes of a connection that was closed."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import psycopg
import pytest
from django.db import DatabaseError, DataError, OperationalError, ProgrammingError, connection, transaction
from django.test.utils import CaptureQueriesContext

from genie.store.prepared import ask


def test_values_are_named_or_in_order_and_may_stand_in_several_places(db: None) -> None:
    assert ask("SELECT %(a)s::int, %(b)s::text, %(a)s::int + 1", {"b": "x", "a": 4}) == [(4, "x", 5)]
    assert ask("SELECT %s::int, %s::text", [4, "x"]) == [(4, "x")]


def test_binary_answers_hold_the_same_values(db: None) -> None:
    sql = "SELECT 4::int8, 'x'::text, 'ab'::bytea, true, NULL::int"
    assert ask(sql, []) == ask(sql, [], binary=True) == [(4, "x", b"ab", True, None)]


def test_it_is_counted_like_every_statement_and_fails_like_every_statement(db: None) -> None:
    with CaptureQueriesContext(connection) as seen:
        ask("SELECT 1", [])
    assert [query["sql"] for query in seen] == ["SELECT 1"]
    with pytest.raises(DatabaseError), transaction.atomic():
        ask("SELECT 1 / 0", [])


def test_each_connection_plans_a_statement_once(db: None) -> None:
    assert ask("SHOW plan_cache_mode", []) == [("force_generic_plan",)]
    for number in range(3):
        ask("SELECT id FROM store_company WHERE id = %s", [number])
    assert ask(
        "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement LIKE %s",
        ["SELECT id FROM store_company WHERE id = $1"],
    ) == [(3, 0)]


def end_connection() -> None:
    """As when the database is restarted, at the beginning of a request."""
    connection.ensure_connection()
    raw = connection.connection
    connection.health_check_enabled, connection.health_check_done = True, False
    with psycopg.connect(raw.info.dsn, password=raw.info.password, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [raw.info.backend_pid])


def test_a_connection_closed_meanwhile_is_made_anew(transactional_db: None) -> None:
    end_connection()
    assert ask("SELECT 1", []) == [(1,)]
    assert ask("SHOW plan_cache_mode", []) == [("force_generic_plan",)]


def test_but_not_one_that_is_lost_in_a_transaction(transactional_db: None) -> None:
    with pytest.raises(OperationalError), transaction.atomic():
        end_connection()
        ask("SELECT 1", [])
    connection.close()


def test_nor_one_that_this_request_has_used(transactional_db: None) -> None:
    end_connection()
    connection.health_check_done = True
    with pytest.raises(OperationalError):
        ask("SELECT 1", [])
    connection.close()


def test_the_first_statement_of_a_transaction_begins_it(transactional_db: None) -> None:
    name = "ask, rolled back"
    with suppress(ZeroDivisionError), transaction.atomic():
        ask("INSERT INTO store_agency (name) VALUES (%s) RETURNING id", [name])
        raise ZeroDivisionError
    assert ask("SELECT count(*) FROM store_agency WHERE name = %s", [name]) == [(0,)]


def test_what_the_server_refuses_is_the_error_it_says(transactional_db: None) -> None:
    with pytest.raises(DataError, match="division by zero"):
        ask("SELECT 1 / %s::int", [0])
    with pytest.raises(ProgrammingError, match="does not exist"):
        ask("SELECT nothing FROM nowhere", [])
    assert ask("SELECT 1", []) == [(1,)]


def test_values_of_other_types_and_none_are_told_apart(transactional_db: None) -> None:
    for value in (4, None, 2**40, 5):
        assert ask("SELECT %s::int8", [value]) == [(value,)]
    when = datetime(2026, 3, 8, 7, tzinfo=UTC)
    assert ask("SELECT %s::timestamptz, %s::text[]", [when, ["a", "b"]]) == [(when, ["a", "b"])]
