"""From what people type to a key, on real servers and on bad ones; each failure told apart."""

from __future__ import annotations

import pytest
from tests.providers.servers import PASSWORD, USER, Owner
from tests.providers.sides import HOME
from tests.providers.test_caldav_hostile import Reply, scripted

from genie.core import errors
from genie.providers.caldav import auth, collections
from genie.providers.caldav.auth import authorize
from genie.providers.caldav.multistatus import multistatus
from genie.providers.registry import ProviderSettings, open_provider

PUBLIC = ProviderSettings()


def is_said_in_three_parts(fault: Exception) -> bool:
    """What happened, what it means, what to do."""
    return str(fault).endswith(".") and str(fault).count(". ") >= 1 and "Traceback" not in str(fault)


@pytest.fixture(scope="module")
def calendar(radicale_server):
    owner = Owner(radicale_server)
    path = owner.make_calendar(
        "found",
        more="<a:calendar-color>#FF0088AA</a:calendar-color><d:displayname>Ünsere &amp; Zeit</d:displayname>"
        "<c:calendar-timezone>BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:Europe/Vienna\nEND:VTIMEZONE\n"
        "END:VCALENDAR</c:calendar-timezone>",
    )
    owner.make_calendar("todo", components=("VTODO",))
    yield path
    owner.close()


@pytest.mark.parametrize(
    "form", ["{0}", "{0}/", "{0}/.well-known/caldav", "{0}/ana/", "{0}/ana/found/", " {0}/ana "]
)
def test_every_form_of_the_address_finds_the_same_account(radicale_server, calendar, form):
    grant = authorize(
        address=form.format(radicale_server.url), user=f" {USER} ", password=PASSWORD, settings=HOME
    )
    assert grant.account.identity.endswith("/ana")
    assert grant.account.label == "ana (127.0.0.1)"
    assert grant.granted == auth.READ_WRITE
    assert grant.may_write
    (info,) = [one for one in grant.calendars if one.id == calendar]
    assert (info.name, info.color, info.may_write) == ("Ünsere & Zeit", "#ff0088", True)
    assert info.zone == "Europe/Vienna"
    assert "/ana/todo/" not in [one.id for one in grant.calendars]
    provider = open_provider("caldav", grant.secret, HOME)
    assert provider.account() == grant.account
    assert provider.calendars() == grant.calendars
    provider.close()


def test_a_server_whose_home_is_not_its_principal(xandikos_server):
    grant = authorize(address=xandikos_server.url, user=USER, password=PASSWORD, settings=HOME)
    assert grant.calendars
    assert grant.secret["homes"] == [f"{xandikos_server.url}/ana/calendars/"]


def test_a_wrong_password_is_said_and_tried_once(radicale_server):
    with pytest.raises(errors.WrongPassword) as refused:
        authorize(address=radicale_server.url, user=USER, password="guess", settings=HOME)
    assert "app password" in str(refused.value)
    assert "guess" not in str(refused.value)
    assert is_said_in_three_parts(refused.value)


def test_an_account_without_calendars(radicale_server):
    with pytest.raises(errors.NoCalendars) as refused:
        authorize(address=radicale_server.url, user="bo", password="secret", settings=HOME)
    assert is_said_in_three_parts(refused.value)


@pytest.mark.parametrize(
    ("address", "settings", "fault"),
    [
        ("no-such-host.invalid", HOME, errors.NoSuchHost),
        ("http://127.0.0.1:1/", HOME, errors.Unreachable),
        ("https://127.0.0.1:1/", PUBLIC, errors.AddressRefused),
        ("https://localhost/", PUBLIC, errors.AddressRefused),
        ("https://10.1.2.3/", PUBLIC, errors.AddressRefused),
        ("https://169.254.169.254/", HOME, errors.AddressRefused),
        ("https://[::1]/", PUBLIC, errors.AddressRefused),
        ("https://[::ffff:192.168.1.1]/", PUBLIC, errors.AddressRefused),
        ("http://cal.example.com/", PUBLIC, errors.AddressRefused),
        ("ftp://cal.example.com/", HOME, errors.AddressRefused),
        ("https://ana:pass@cal.example.com/", HOME, errors.AddressRefused),
        ("https://cal.example.com:port/", HOME, errors.AddressRefused),
        ("", HOME, errors.AddressRefused),
        ("https:///", HOME, errors.AddressRefused),
        ("ana@gmail.com", HOME, errors.NotACalendarServer),
        ("https://www.google.com/calendar/dav/", HOME, errors.NotACalendarServer),
        ("outlook.com", HOME, errors.NotACalendarServer),
    ],
)
def test_addresses_that_lead_nowhere_or_may_not_be_used(address, settings, fault):
    with pytest.raises(fault) as refused:
        authorize(address=address, user="ana", password="p", settings=settings)
    assert is_said_in_three_parts(refused.value)


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("caldav.example.com", "https://caldav.example.com"),
        (" ana@example.com ", "https://example.com"),
        ("ana@icloud.com", "https://caldav.icloud.com/"),
        ("fastmail.com", "https://caldav.fastmail.com/"),
        ("caldavs://cal.example.com/dav", "https://cal.example.com/dav"),
        ("https://cloud.example.com/remote.php/dav", "https://cloud.example.com/remote.php/dav"),
        ("cloud.example.com/remote.php/dav/ana@x", "https://cloud.example.com/remote.php/dav/ana@x"),
    ],
)
def test_what_people_type(address, url):
    assert auth.starting_point(address, PUBLIC) == url


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, "<html>Welcome</html>"),
        Reply(404),
        Reply(405),
        Reply(500),
        Reply(207, '<multistatus xmlns="DAV:"/>'),
        Reply(207, "<html>"),
        Reply(401, headers={"WWW-Authenticate": "Bearer"}),
    ],
)
def test_what_is_no_calendar_server(reply):
    with scripted(lambda *_: reply) as server, pytest.raises(errors.NotACalendarServer) as refused:
        authorize(address=server.url, user="ana", password="p", settings=HOME)
    assert is_said_in_three_parts(refused.value)


def test_no_password_is_sent_before_the_server_asks_for_one():
    with scripted(lambda *_: Reply(401, headers={"WWW-Authenticate": "Bearer"})) as server:
        with pytest.raises(errors.NotACalendarServer):
            authorize(address=server.url, user="ana", password="p", settings=HOME)
        assert not any("Authorization" in headers for *_, headers, _ in server.asked)


def test_digest_is_used_where_it_is_what_the_server_offers():
    challenge = {"WWW-Authenticate": 'Digest realm="x", nonce="abc", qop="auth", algorithm=SHA-256'}
    with scripted(lambda *_: Reply(401, headers=challenge)) as server:
        with pytest.raises(errors.WrongPassword):
            authorize(address=server.url, user="ana", password="p", settings=HOME)
        sent = [headers.get("Authorization", "") for *_, headers, _ in server.asked]
        assert any(header.startswith("Digest ") for header in sent)
        assert not any(header.startswith("Basic ") for header in sent)


# --- read-only accounts and what else servers tell

LISTED = """<multistatus xmlns="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:cs="http://calendarserver.org/ns/"
 xmlns:a="http://apple.com/ns/ical/">
<response><href>/home/</href><propstat><prop><resourcetype><collection/></resourcetype></prop><status>HTTP/1.1 200 OK</status></propstat></response>
<response><href>/home/b%40x/</href><propstat><prop><resourcetype><collection/><c:calendar/></resourcetype>
 <displayname>Team</displayname><a:calendar-order>2</a:calendar-order><a:calendar-color>#0AF</a:calendar-color>
 <current-user-privilege-set><privilege><read/></privilege></current-user-privilege-set></prop><status>HTTP/1.1 200 OK</status></propstat></response>
<response><href>https://p42.example.com/home/own</href><propstat><prop><resourcetype><collection/><c:calendar/></resourcetype>
 <a:calendar-order>1</a:calendar-order>
 <current-user-privilege-set><privilege><bind/></privilege><privilege><write-content/></privilege></current-user-privilege-set></prop><status>HTTP/1.1 200 OK</status></propstat></response>
<response><href>/home/feed/</href><propstat><prop><resourcetype><collection/><cs:subscribed/></resourcetype>
 <displayname>Holidays</displayname></prop><status>HTTP/1.1 200 OK</status></propstat></response>
<response><href>/home/trash/</href><propstat><prop><resourcetype><collection/><c:calendar/><cs:deleted-calendar/></resourcetype>
 </prop><status>HTTP/1.1 200 OK</status></propstat></response>
<response><href>/home/tasks/</href><propstat><prop><resourcetype><collection/><c:calendar/></resourcetype>
 <c:supported-calendar-component-set><c:comp name="VTODO"/></c:supported-calendar-component-set>
 </prop><status>HTTP/1.1 200 OK</status></propstat></response>
<response><href>/home/inbox/</href><propstat><prop><resourcetype><collection/><c:schedule-inbox/></resourcetype>
 </prop><status>HTTP/1.1 200 OK</status></propstat></response>
</multistatus>"""  # noqa: E501


def test_calendars_are_told_from_everything_else_in_a_home():
    found = collections.calendars_of(multistatus(LISTED.encode()), "https://cal.example.com/home/")
    assert [(one.id, one.name, one.may_write, one.color) for one in found] == [
        ("https://p42.example.com/home/own/", "own", True, ""),
        ("/home/b@x/", "Team", False, "#00aaff"),
        ("/home/feed/", "Holidays", False, ""),
    ]
    assert found[1].why_not == collections.READ_ONLY
    assert found[2].why_not == collections.SUBSCRIBED


def test_an_account_that_may_only_read_is_granted_for_availability():
    listed = LISTED.replace("<write-content/>", "<read/>").replace("https://p42.example.com", "")
    principal = LISTED.split("<response>", maxsplit=1)[0] + (
        "<response><href>/me/</href><propstat><prop><current-user-principal><href>/me/</href></current-user-principal>"
        "<c:calendar-home-set><href>/home/</href></c:calendar-home-set>"
        "<c:calendar-user-address-set><href>mailto:Ana@Example.org</href><href>/me/</href></c:calendar-user-address-set>"
        "</prop><status>HTTP/1.1 200 OK</status></propstat></response></multistatus>"
    )

    def script(method: str, path: str, body: str) -> Reply:
        return Reply(body=listed if path == "/home/" else principal)

    with scripted(script) as server:
        grant = authorize(address=server.url, user="ana@work.example", password="p", settings=HOME)
    assert not grant.may_write
    assert grant.granted == auth.READ_ONLY
    assert grant.secret["addresses"] == ["ana@example.org", "ana@work.example"]
    assert grant.account.label == "ana@work.example"


def test_numbered_hosts_of_icloud_are_one_account():
    for host in ("caldav.icloud.com", "p42-caldav.icloud.com:443", "p07-caldav.icloud.com"):
        account = collections.account_of(f"https://{host}/123/principal/", "ana@icloud.com")
        assert account.identity == "caldav.icloud.com/123/principal"


def test_the_password_stays_with_the_server_that_was_named():
    """What the account's own answers point to is no more trusted than a redirect."""
    with scripted(lambda *_: Reply(body=LISTED)) as stranger:
        told = LISTED.split("<response>", maxsplit=1)[0] + (
            "<response><href>/me/</href><propstat><prop><current-user-principal><href>/me/</href></current-user-principal>"
            f"<c:calendar-home-set><href>{stranger.url}/home/</href></c:calendar-home-set>"
            "</prop><status>HTTP/1.1 200 OK</status></propstat></response></multistatus>"
        )
        with scripted(lambda *_: Reply(body=told)) as server, pytest.raises(errors.AddressRefused) as refused:
            authorize(address=server.url, user="ana", password="p", settings=HOME)
        assert is_said_in_three_parts(refused.value)
        assert stranger.asked == []


def test_what_was_named_is_remembered_for_the_sync():
    with scripted(lambda *_: Reply(body=LISTED)) as server:
        secret = {"server": server.url, "homes": [f"{server.url}/home/"], "user": "ana", "password": "p"}
        secret["principal"] = "https://dav.example.com/me/"
        provider = open_provider("caldav", secret, HOME)
        assert {one.name for one in provider.calendars()} >= {"Team"}
        provider.close()
