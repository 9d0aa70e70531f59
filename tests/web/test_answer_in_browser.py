"""A customer is asked to accept another time, in a real browser on a phone: from the letter to the answer."""

from __future__ import annotations

from typing import Any

import pytest
from tests.flows.test_ask_the_customer import Post
from tests.web.test_answer import Asked

from genie.flows.deliver import deliver, due
from genie.notices.port import Letterhead

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PHONE = {"width": 390, "height": 844}


@pytest.mark.parametrize("script", [True, False])
def test_the_owner_moves_and_the_customer_accepts_on_a_phone(
    browser: Any, live_server: Any, script: bool
) -> None:
    asked, post = Asked(), Post()
    post.letterhead = Letterhead("genie@acme.example", live_server.url)
    asked.scene.later(minutes=2)
    for message_id in due(now=asked.scene.now):
        deliver(message_id=message_id, sender=post, now=asked.scene.now)
    (letter,) = [mail for mail in post.taken if mail.to == "jane@example.org"]

    context = browser.new_context(viewport=PHONE, timezone_id="UTC", java_script_enabled=script)
    context.set_default_timeout(20_000)
    window, errors = context.new_page(), list[str]()
    window.on("pageerror", lambda error: errors.append(str(error)))
    window.set_content(letter.html)
    window.get_by_role("link", name="Accept the new time, or keep the time as it was").click()
    window.get_by_role("heading", name="Does another time suit you?").wait_for()
    width = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    assert not script or window.evaluate(width)
    window.get_by_role("button", name="Accept the new time").click()
    window.get_by_role("heading", name="Your appointment was moved").wait_for()
    context.close()
    assert not errors
    assert asked.stands_at(3)
