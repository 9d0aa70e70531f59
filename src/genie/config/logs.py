"""Keep what opens a door out of the logs: the tokens in the addresses of registration and manage pages."""

from __future__ import annotations

import logging
import re

TOKEN = re.compile(r"/(connect|visit)/[^/\s?\"']+")


class HideTokens(logging.Filter):
    """Django names the address of every refused request; the part that is a secret becomes `…`."""

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.getMessage()
        hidden = TOKEN.sub(r"/\1/…", said)
        if hidden != said:
            record.msg, record.args = hidden, None
        return True
