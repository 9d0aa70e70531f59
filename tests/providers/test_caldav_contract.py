"""CalDAV keeps the contract against real servers."""

from __future__ import annotations

import json
import uuid

import pytest
from tests.providers.contract import ProviderContract, ReadingContract
from tests.providers.servers import USER
from tests.providers.sides import CalDavSide

BROKEN = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:{0}\r\nDTSTAMP:20261101T000000Z\r\n"
    "DTSTART:20261201T090000Z\r\nRRULE:FREQ=HOURLY;COUNT=5\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)
"""What a server takes, and we do not follow."""


class RadicaleSide(CalDavSide):
    def make_read_only(self, name: str) -> str:
        folder = self.owner.server.folder / "collections" / "collection-root" / USER / name
        folder.mkdir()
        properties = {"tag": "VCALENDAR", "D:displayname": name}
        (folder / ".Radicale.props").write_text(json.dumps(properties))
        return f"{self.owner.server.home}{name}/"

    def add_broken(self) -> str:
        name = f"{uuid.uuid4()}.ics"
        self.owner.put(self.calendar, name, BROKEN.format(name))
        return name


class TestRadicale(ProviderContract):
    @pytest.fixture
    def side(self, radicale_server):
        side = RadicaleSide(radicale_server)
        yield side
        side.close()


class TestServerWithoutSyncCollection(ReadingContract):
    """The fallback: the calendar's tag, then ETags compared with those known."""

    @pytest.fixture
    def side(self, old_server):
        side = RadicaleSide(old_server)
        yield side
        side.close()


class XandikosSide(RadicaleSide):
    """Xandikos leaves access to a server in front of it: no password is wrong, no calendar read-only."""

    def make_read_only(self, name: str) -> str:
        return self.owner.make_calendar(name)


class TestXandikos(ProviderContract):
    @pytest.fixture
    def side(self, xandikos_server):
        side = XandikosSide(xandikos_server)
        yield side
        side.close()

    # What Xandikos does not have, and what does not depend on the server.
    test_lists_calendars_and_says_why_one_cannot_be_written = None
    test_a_password_that_is_not_valid_any_more_is_access_lost = None
    test_texts_survive = None
    test_times_survive_in_their_zone = None
