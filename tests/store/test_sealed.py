"""Secrets at rest: which key opens what, and what is said of a key that is none."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from genie.store.sealed import Unreadable, is_newest, new_key, reseal, seal, unseal

SECRET = {"user": "desk", "password": "s3cret"}


def test_the_first_key_seals_and_all_open(settings: Any) -> None:
    old, new = new_key(), new_key()
    settings.GENIE_ENCRYPTION_KEYS = [old]
    sealed = seal(SECRET)
    assert b"s3cret" not in sealed
    settings.GENIE_ENCRYPTION_KEYS = [new, old]
    assert unseal(sealed) == SECRET
    assert not is_newest(sealed)
    again = reseal(sealed)
    assert is_newest(again)
    settings.GENIE_ENCRYPTION_KEYS = [new]
    assert unseal(again) == SECRET
    for cannot in (unseal, reseal):
        with pytest.raises(Unreadable):
            cannot(sealed)


@pytest.mark.parametrize("sealed", [b"", b"not sealed at all", b"\x00\xff"])
def test_what_was_never_sealed_is_unreadable(sealed: bytes) -> None:
    assert not is_newest(sealed)
    for cannot in (unseal, reseal):
        with pytest.raises(Unreadable):
            cannot(sealed)


def test_without_a_key_it_is_said_how_to_make_one(settings: Any) -> None:
    settings.GENIE_ENCRYPTION_KEYS = []
    with pytest.raises(ImproperlyConfigured, match=r"manage\.py new_key"):
        seal(SECRET)


def test_a_key_that_is_none_is_named_by_its_place_and_never_said(settings: Any) -> None:
    settings.GENIE_ENCRYPTION_KEYS = [new_key(), "almost-a-key"]
    with pytest.raises(ImproperlyConfigured) as said:
        seal(SECRET)
    assert "key no. 2" in str(said.value)
    assert "almost-a-key" not in str(said.value)
