"""What opens a door stays out of the logs, whoever writes the line."""

from __future__ import annotations

import logging

import pytest

from genie.config.logs import HideTokens


def logged(line: str, *arguments: object) -> str:
    record = logging.LogRecord("django.server", logging.INFO, "", 0, line, arguments, None)
    assert HideTokens().filter(record) is True
    return record.getMessage()


@pytest.mark.parametrize(
    ("line", "hidden"),
    [
        ("Gone: /connect/s3cret", "Gone: /connect/…"),
        ('"POST /visit/s3cret/change HTTP/1.1" 200', '"POST /visit/…/change HTTP/1.1" 200'),
        (
            '"GET /connect/return/paged?state=s3cret&code=4/0s3cret-x_y&scope=a%20b HTTP/1.1" 302',
            '"GET /connect/…/paged?state=…&code=…&scope=a%20b HTTP/1.1" 302',
        ),
        (
            "to https://pages.example/auth?client_id=7&state=s3cret&code_challenge=s3cret&login_hint=s3cret@x",
            "to https://pages.example/auth?client_id=7&state=…&code_challenge=…&login_hint=…",
        ),
        ("POST https://pages.example/revoke?token=s3cret", "POST https://pages.example/revoke?token=…"),
        ("/x?error=access_denied&error_description=s3cret", "/x?error=access_denied&error_description=…"),
        ("?refresh_token=s3cret&access_token=s3cret", "?refresh_token=…&access_token=…"),
    ],
)
def test_secrets_in_addresses_become_dots(line: str, hidden: str) -> None:
    assert logged(line) == hidden
    assert logged("%s", line) == hidden


def test_other_lines_stay_as_they_are() -> None:
    for line in ("Not Found: /book/acme/office?state=", "code=403 state=ok", "/login?next=/company/acme"):
        assert logged(line) == line
