"""An SMTP server that takes every letter and sends none on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope

from calendar_sandbox.mail.box import Box
from calendar_sandbox.settings import Clock, Settings

BIGGEST = 25 * 1024 * 1024  # octets


class _Keeper:
    """What aiosmtpd calls for each message."""

    def __init__(self, box: Box, clock: Clock) -> None:
        self._box = box
        self._clock = clock

    async def handle_DATA(self, _server: SMTP, _session: Any, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's name
        content = envelope.content  # bytes, since decode_data is off
        letter = self._box.put(
            sender=envelope.mail_from or "",
            recipients=list(envelope.rcpt_tos),
            raw=content if isinstance(content, bytes) else b"",
            now=self._clock(),
        )
        return f"250 OK kept as letter {letter.number}"


@asynccontextmanager
async def taking_mail(box: Box, settings: Settings) -> AsyncIterator[int]:
    """Listen while the block runs; yields the port."""
    loop = asyncio.get_running_loop()
    keeper = _Keeper(box, settings.clock)

    def session() -> SMTP:
        return SMTP(keeper, data_size_limit=BIGGEST, enable_SMTPUTF8=True, ident="Demo mail box", loop=loop)

    server = await loop.create_server(session, settings.smtp_host, settings.smtp_port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
