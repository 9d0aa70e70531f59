"""Seal all secrets anew with the first of GENIE_ENCRYPTION_KEYS, so that the older keys can be taken away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Model, QuerySet

from genie.providers.registry import label_of
from genie.store.models import Module, RegistrationLink, RemoteKey, SignInAttempt
from genie.store.sealed import Unreadable, is_newest, reseal

BATCH = 200
"""Rows read at once."""


@dataclass(frozen=True, slots=True)
class Column:
    """One sealed column: what its secrets are called, and one of them in words."""

    name: str
    rows: QuerySet[Any]
    field: str
    said: Callable[[Any], str]


@dataclass(slots=True)
class Rotated:
    """How it went with one column. `unreadable`: the secrets that none of the keys opens, in words."""

    name: str
    anew: int = 0
    already: int = 0
    unreadable: list[str] = field(default_factory=list)


def columns() -> list[Column]:
    """Every column that holds something sealed."""
    return [
        Column(
            "remote authorization keys",
            RemoteKey.objects.select_related("company"),
            "secret",
            lambda key: f"the key of {key.label} ({label_of(key.kind)}), company {key.company.slug}",
        ),
        Column(
            "registration links",
            RegistrationLink.objects.select_related("company"),
            "token_secret",
            lambda link: (
                f"the registration link no. {link.pk}, made {link.created_at:%Y-%m-%d}, "
                f"company {link.company.slug}"
            ),
        ),
        Column(
            "sign-ins under way",
            SignInAttempt.objects.filter(used_at=None).select_related("link__company"),
            "verifier",
            lambda attempt: (
                f"the sign-in no. {attempt.pk}, begun {attempt.created_at:%Y-%m-%d %H:%M}, "
                f"company {attempt.link.company.slug}"
            ),
        ),
        Column(
            "secrets of systems asked for free times",
            Module.objects.exclude(external_secret=None).select_related("company"),
            "external_secret",
            lambda module: f"the secret of the system that {module.name} asks, company {module.company.slug}",
        ),
    ]


def rotate_secrets(*, batch: int = BATCH) -> list[Rotated]:
    """Rotate each column, row by row: it may be stopped at any time and begun again, and disturbs nobody.

    A secret that was renewed meanwhile is not written over; the new one is looked at instead. Only how
    secrets are sealed changes, so `secret_version` stays.
    """
    return [_rotate(column, batch) for column in columns()]


def _rotate(column: Column, batch: int) -> Rotated:
    done = Rotated(column.name)
    for row in _rows(column, batch):
        try:
            if _seal_anew(column, row.pk, getattr(row, column.field)):
                done.anew += 1
            else:
                done.already += 1
        except Unreadable:
            done.unreadable.append(column.said(row))
    return done


def _rows(column: Column, batch: int) -> Iterator[Model]:
    last = 0
    while rows := list(column.rows.filter(pk__gt=last).order_by("pk")[:batch]):
        yield from rows
        last = rows[-1].pk


def _seal_anew(column: Column, pk: int, sealed: bytes | memoryview | None) -> bool:
    """True if the row was written; False if there was nothing to do. Raises Unreadable."""
    row = column.rows.filter(pk=pk)
    while sealed is not None and not is_newest(sealed):
        if row.filter(**{column.field: sealed}).update(**{column.field: reseal(sealed)}):
            return True
        sealed = row.values_list(column.field, flat=True).first()  # renewed, or gone, since it was read
    return False
