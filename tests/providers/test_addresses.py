"""Which addresses may be spoken to, and where a password may travel."""

from __future__ import annotations

import ipaddress

import pytest

from genie.providers.addresses import client, may_see_password, may_use
from genie.providers.registry import ProviderSettings

PUBLIC, HOME = ProviderSettings(), ProviderSettings(allow_private_networks=True)
IPV4_PRIVATE = ["127.0.0.1", "10.0.0.1", "172.16.5.4", "192.168.1.1", "100.64.0.1", "198.18.0.1", "240.0.0.1"]
PRIVATE = [*IPV4_PRIVATE, "::1", "fd00::1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "2002:a00:1::"]
CLOUD = ["169.254.169.254", "::ffff:169.254.169.254", "64:ff9b::169.254.169.254", "fe80::1"]
NOBODYS = [*CLOUD, "0.0.0.0", "::", "224.0.0.1", "ff02::1"]


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::8.8.8.8"]
)
def test_public_addresses_are_for_everybody(address):
    assert may_use(ipaddress.ip_address(address), PUBLIC)
    assert may_use(ipaddress.ip_address(address), HOME)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_only_where_the_operator_allows_them(address):
    assert not may_use(ipaddress.ip_address(address), PUBLIC)
    assert may_use(ipaddress.ip_address(address), HOME)


@pytest.mark.parametrize("address", NOBODYS)
def test_the_keys_of_cloud_machines_are_never_asked_for(address):
    assert not may_use(ipaddress.ip_address(address), HOME)


GOES_ALONG = [
    ("https://cal.example.com/dav", "https://cal.example.com/other"),
    ("https://cal.example.com", "https://Cal.Example.com.:443/"),
    ("https://cal.example.com", "https://cal.example.com:8443/"),
    ("https://example.com", "https://cloud.example.com/remote.php/dav/"),
    ("https://www.example.com", "https://example.com/"),
    ("https://example.co.uk", "https://cal.example.co.uk/"),
    ("https://caldav.icloud.com/", "https://p42-caldav.icloud.com:443/1/"),
    ("https://p42-caldav.icloud.com/1/", "https://p07-caldav.icloud.com/1/"),
    ("http://example.com", "https://cal.example.com/"),
    ("http://127.0.0.1:5232/", "http://127.0.0.1:5232/ana/"),
    ("http://cal.example.com/", "http://cal.example.com:80/"),
    ("http://[::1]:80/", "http://[0:0::1]/"),
    ("http://localhost:5232/", "http://localhost:5232/"),
]
STAYS = [
    ("https://cal.example.com", "https://example.net/"),
    ("https://alice.host.example", "https://mallory.host.example/"),
    ("https://alice.github.io", "https://mallory.github.io/"),
    ("https://example.com", "https://notexample.com/"),
    ("https://cal.example.com", "https://cal.example.com.evil.example/"),
    ("https://example.co.uk", "https://other.co.uk/"),
    ("https://example.co.uk", "https://co.uk/"),
    ("https://co.uk", "https://example.co.uk/"),
    ("https://example.com", "https://com/"),
    ("https://caldav.icloud.com", "https://icloud.com.evil.example/"),
    ("https://caldav.icloud.com", "https://evilicloud.com/"),
    ("https://cal.example.com", "http://cal.example.com/"),
    ("https://cal.example.com", "ftp://cal.example.com/"),
    ("http://127.0.0.1:5232/", "http://127.0.0.1:5233/"),
    ("http://127.0.0.1:5232/", "https://1.127.0.0.1/"),
    ("https://127.0.0.1/", "https://0.0.1/"),
    ("https://localhost", "https://evil.localhost/"),
    ("https://cal.example.com", "https://cal.example.com:port/"),
    ("https://cal.example.com", "https:///nowhere"),
    ("https://cal.example.com", "https://cal.example.com@evil.example/"),
]


@pytest.mark.parametrize(("given_for", "url"), GOES_ALONG)
def test_a_password_goes_along_to_hosts_of_the_same_owner(given_for, url):
    assert may_see_password(url, given_for=given_for)


@pytest.mark.parametrize(("given_for", "url"), STAYS)
def test_a_password_goes_nowhere_else(given_for, url):
    assert not may_see_password(url, given_for=given_for)


def test_the_machine_s_own_proxies_and_passwords_are_not_used(monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    with client(PUBLIC) as http:
        assert not http.trust_env
        assert not http.follow_redirects
        assert http.headers["Accept-Encoding"] == "identity"
