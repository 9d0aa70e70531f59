"""Microsoft keeps the contract, over real HTTP against the stand-in."""

from __future__ import annotations

import zlib

import pytest
from tests.providers.contract import ProviderContract, ReadingContract
from tests.providers.microsoft_side import FaultySide, MicrosoftSide

from genie.providers.microsoft import provider as microsoft


class TestMicrosoft(ProviderContract):
    @pytest.fixture
    def side(self, microsoft_sandbox):
        side = MicrosoftSide(microsoft_sandbox)
        yield side
        side.close()

    # Outlook stores no such event; test_microsoft_reading.py shows what would become of one.
    test_an_event_that_cannot_be_read_is_reported_and_hides_no_other = None


class TestMicrosoftInSmallPages(ReadingContract):
    @pytest.fixture
    def side(self, microsoft_sandbox, monkeypatch):
        monkeypatch.setitem(microsoft.READING, "page", 3)
        side = MicrosoftSide(microsoft_sandbox)
        yield side
        side.close()

    test_an_event_that_cannot_be_read_is_reported_and_hides_no_other = None


class TestMicrosoftWithFaults(ProviderContract):
    """Every third request or so breaks off, fails before or after its effect, or is cut short."""

    @pytest.fixture
    def side(self, microsoft_sandbox, request):
        side = FaultySide(microsoft_sandbox, seed=zlib.crc32(request.node.name.encode()))
        yield side
        side.close()

    test_an_event_that_cannot_be_read_is_reported_and_hides_no_other = None
