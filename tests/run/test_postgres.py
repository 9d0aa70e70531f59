"""The embedded PostgreSQL of a test session."""

from __future__ import annotations

import threading

import pytest
from django.db import connection


@pytest.mark.django_db
def test_it_is_new_enough_and_has_no_network_port():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('server_version_num')::int, current_setting('listen_addresses')"
        )
        version, addresses = cursor.fetchone()
    assert version >= 150000
    assert addresses == ""


@pytest.mark.django_db(transaction=True)
def test_sixty_threads_may_connect_at_once():
    together = threading.Barrier(60, timeout=30)
    answers: list[int] = []

    def ask() -> None:
        try:
            with connection.cursor() as cursor:
                together.wait()
                cursor.execute("SELECT 1")
                answers.append(cursor.fetchone()[0])
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [1] * 60
