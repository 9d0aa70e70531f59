"""Keep what opens a door out of the logs: tokens in addresses, and what sign-in pages send back and forth."""

from __future__ import annotations

import logging
import re

TOKEN = re.compile(r"/(connect|visit)/[^/\s?\"']+")
SIGN_IN = re.compile(
    r"([?&](?:code|state|code_challenge|login_hint|error_description|token|\w+_token)=)[^&\s\"']+"
)
"""Parameters of the way to a provider's pages and back (RFC 6749, 4.1; RFC 7009)."""


class HideTokens(logging.Filter):
    """Django names the address of every refused request; the part that is a secret becomes `…`."""

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.getMessage()
        hidden = SIGN_IN.sub(r"\1…", TOKEN.sub(r"/\1/…", said))
        if hidden != said:
            record.msg, record.args = hidden, None
        return True
