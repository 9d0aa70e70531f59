"""The real servers of the tests are real, and are left alone by each other."""

from __future__ import annotations

import smtplib

import httpx

EVENT = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//test//
BEGIN:VEVENT
UID:one@test
DTSTAMP:20261101T000000Z
DTSTART:20261124T150000Z
DTEND:20261124T160000Z
SUMMARY:Chat
END:VEVENT
END:VCALENDAR
""".replace("\n", "\r\n")


def test_radicale_keeps_an_event(radicale):
    url = radicale.make_calendar("kept", name="Kept")
    assert radicale.put(f"{url}one.ics", EVENT)
    assert "SUMMARY:Chat" in radicale.get(f"{url}one.ics")
    radicale.delete(f"{url}one.ics")
    assert httpx.get(f"{url}one.ics", auth=("alice", "wrong")).status_code == 401


def test_radicale_keeps_accounts_apart(radicale):
    url = radicale.make_calendar("private")
    with radicale.client("bob") as bob:
        assert bob.request("PROPFIND", url).status_code == 403


def test_xandikos_keeps_an_event(xandikos):
    url = xandikos.make_calendar("kept")
    assert xandikos.put(f"{url}one.ics", EVENT)
    assert "SUMMARY:Chat" in xandikos.get(f"{url}one.ics")


def test_the_mail_sink_keeps_what_it_is_sent(smtp_sink):
    with smtplib.SMTP(smtp_sink.host, smtp_sink.port) as client:
        client.sendmail("a@example.org", ["b@example.org"], "Subject: Hello\r\n\r\nText\r\n")
    assert [m["Subject"] for m in smtp_sink.to("b@example.org")] == ["Hello"]


def test_the_browser_runs_scripts(page):
    page.set_content("<p></p><script>document.querySelector('p').textContent = 6 * 7</script>")
    assert page.inner_text("p") == "42"
