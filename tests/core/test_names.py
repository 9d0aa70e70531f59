"""Names as somebody typed them."""

from __future__ import annotations

import pytest

from genie.core.names import LONGEST, NotAName, name_from


def test_a_name_is_one_line_without_spaces_at_its_ends():
    assert name_from("  Acme\n Dental\t") == "Acme Dental"
    assert name_from("Zoë’s 👩‍⚕️ <practice>") == "Zoë’s 👩‍⚕️ <practice>"
    assert name_from("x" * LONGEST) == "x" * LONGEST


@pytest.mark.parametrize("typed", ["", " \n", "x" * (LONGEST + 1), "a\x00b", "a\x1b[31mb", "a\udcffb"])
def test_what_is_no_name(typed):
    with pytest.raises(NotAName):
        name_from(typed)
