"""Google keeps the contract, over real HTTP against the stand-in."""

from __future__ import annotations

import zlib

import pytest
from tests.providers.contract import ProviderContract, ReadingContract
from tests.providers.google_side import FaultySide, GoogleSide

from genie.providers.google import provider as google


class TestGoogle(ProviderContract):
    @pytest.fixture
    def side(self, google_sandbox):
        side = GoogleSide(google_sandbox)
        yield side
        side.close()

    # Google stores no such event; test_google_reading.py shows what would become of one.
    test_an_event_that_cannot_be_read_is_reported_and_hides_no_other = None


class TestGoogleInSmallPages(ReadingContract):
    @pytest.fixture
    def side(self, google_sandbox, monkeypatch):
        monkeypatch.setitem(google.READING, "maxResults", "3")
        side = GoogleSide(google_sandbox)
        yield side
        side.close()

    test_an_event_that_cannot_be_read_is_reported_and_hides_no_other = None


class TestGoogleWithFaults(ProviderContract):
    """Every third request or so breaks off, fails before or after its effect, or is cut short."""

    @pytest.fixture
    def side(self, google_sandbox, request):
        side = FaultySide(google_sandbox, seed=zlib.crc32(request.node.name.encode()))
        yield side
        side.close()

    test_an_event_that_cannot_be_read_is_reported_and_hides_no_other = None
