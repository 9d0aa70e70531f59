"""What a customer fills in, checked leniently: who cannot book because of a check is lost to the business."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

import phonenumbers
from django import forms

from genie.core.event import NOTES_LIMIT, normalised_text

NAME_LIMIT = 120
PHONE_LIMIT = 32
TURNING = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
"""Marks that turn the direction of text: they make a name read as another one."""


class AnswersForm(forms.Form):
    """`country` (two letters) is where a phone number without a prefix is likely from.

    `phone_needed`: the appointment is a call to the customer.
    """

    name = forms.CharField(
        label="Your name",
        max_length=NAME_LIMIT,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        error_messages={
            "required": "Please write your name, so that we know who is coming.",
            "max_length": "That is longer than 120 characters. A shorter form of your name will do.",
        },
    )
    email = forms.EmailField(
        label="E-mail",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "inputmode": "email"}),
        help_text="The confirmation and the link to change or cancel go there.",
        error_messages={
            "required": "Please write your e-mail address; the confirmation goes there.",
            "invalid": "This does not look like an e-mail address. It has the form name@example.com.",
            "max_length": "An e-mail address has at most 254 characters.",
        },
    )
    phone = forms.CharField(
        label="Phone",
        required=False,
        max_length=60,
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel", "inputmode": "tel"}),
        help_text="For a call back if something comes up.",
        error_messages={
            "required": "Please write the number at which we call you.",
            "max_length": "That is too long for a phone number.",
        },
    )
    notes = forms.CharField(
        label="Notes",
        required=False,
        max_length=NOTES_LIMIT,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Anything we should know before your visit.",
        error_messages={"max_length": "That is longer than 5,000 characters. Please shorten it."},
    )

    def __init__(
        self, data: Mapping[str, Any] | None = None, *, country: str | None, phone_needed: bool = False
    ) -> None:
        # a pasted control character is nothing the customer can see or correct: it goes before the checks
        tidy = None if data is None else {name: _tidy(data.get(name, "")) for name in self.base_fields}
        super().__init__(tidy)
        self.country = country
        if phone_needed:
            self.fields["phone"].required = True
            self.fields["phone"].help_text = "We call you at this number."

    def clean_name(self) -> str:
        name = " ".join(str(self.cleaned_data["name"]).split())
        if not any(unicodedata.category(character)[0] in "LN" for character in name):
            raise forms.ValidationError("Please write your name, so that we know who is coming.")
        return name

    def clean_phone(self) -> str:
        typed = " ".join(str(self.cleaned_data["phone"]).split())
        return phone_of(typed, self.country) if typed else ""


def phone_of(typed: str, country: str | None) -> str:
    """E.164 where it can be read as a number of that country or of the world, else as typed.

    Raises ValidationError only for what nobody could call.
    """
    try:
        number = phonenumbers.parse(typed, country)
    except phonenumbers.NumberParseException:
        number = None
    if number is not None and not number.extension and phonenumbers.is_possible_number(number):
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    digits = sum(character.isdigit() for character in typed)
    if not 5 <= digits <= 20 or len(typed) > PHONE_LIMIT or re.search(r"[^\w\s()+./#*,;:-]", typed):
        raise forms.ValidationError(
            "This does not look like a phone number. Write it with the country code, "
            "for example +1 202 555 0123, or leave it empty."
        )
    return typed


def _tidy(text: str) -> str:
    kept = "".join(character for character in text if character not in TURNING)
    return normalised_text(kept, limit=len(kept)) or ""
