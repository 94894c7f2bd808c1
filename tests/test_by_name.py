"""Secrets by name: read when a verdict asks, kept as facts, read again when they may have changed, and never listed."""

from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from certs.bundle import client_bundle
from tests.clock import Clock, clock
from tests.test_connection import Server, connection, server, token
from webhook.informer import secret_cache
from webhook.informer.secret_cache import FreshnessRequirement, SecretCache
from webhook.kubeapi.client import ApiClient
from webhook.kubeapi.resource import CONFIG_MAPS, SECRETS

__all__ = ["clock", "connection", "server", "token"]
PATH = SECRETS.path("devel", "data")
KEY = ("Secret", "devel", "data")
EXACTLY = FreshnessRequirement(exactly=True)
MATERIAL = client_bundle(datetime(2026, 11, 24, tzinfo=UTC))


@pytest.fixture
def changed() -> list[str]:
    """The namespaces in which something changed."""
    return []


@pytest.fixture
def reader(connection: ApiClient, clock: Clock, changed: list[str]) -> SecretCache:
    return SecretCache(connection, clock, changed.append)


def holds(server: Server, version: str = "1", uid: str = "u", data: dict[str, bytes] = MATERIAL) -> None:
    """Lets the server hold the Secret."""
    metadata = {"namespace": "devel", "name": "data", "uid": uid, "resourceVersion": version}
    values = {name: b64encode(value).decode() for name, value in data.items()}
    server.replies[PATH] = (200, orjson.dumps({"metadata": metadata, "data": values}), {})


def asked(server: Server) -> list[str]:
    """What was asked since the last time: `whole` or `metadata`."""
    found = ["metadata" if "Partial" in headers["Accept"] else "whole" for _, _, _, headers in server.asked]
    server.asked.clear()
    return found


def verdict(reader: SecretCache, not_before: float) -> tuple[tuple[str, str, str], ...]:
    """What a verdict that asks for the Secret would like to have read."""
    asked = reader.asked(FreshnessRequirement(not_before))
    asked.secret("devel", "data")
    return asked.wanted


def test_missing_facts_are_requested_and_read(server: Server, reader: SecretCache) -> None:
    holds(server)
    assert verdict(reader, 0) == (KEY,)
    assert reader.asked(FreshnessRequirement()).unread(*KEY) == "was not read yet"
    reader.read([KEY], EXACTLY)
    assert verdict(reader, 0) == ()
    facts = reader.asked(FreshnessRequirement()).secret("devel", "data")
    assert facts is not None
    assert set(facts.keys) == set(MATERIAL)
    assert reader.asked(FreshnessRequirement()).unread(*KEY) == ""


def test_no_byte_of_a_secret_is_kept(server: Server, reader: SecretCache) -> None:
    holds(server, data={"token": b"very-secret-bytes", **MATERIAL})
    reader.read([KEY], EXACTLY)
    kept = repr(reader._held)
    assert "very-secret" not in kept
    assert "BEGIN" not in kept
    assert b64encode(b"very-secret-bytes").decode()[:12] not in kept


def test_only_metadata_is_read_while_nothing_changes(
    server: Server, reader: SecretCache, clock: Clock, changed: list[str]
) -> None:
    holds(server)
    reader.read([KEY], EXACTLY)
    assert asked(server) == ["whole"]
    assert verdict(reader, clock.now - 5) == ()
    clock.now += 6
    assert verdict(reader, clock.now - 5) == (KEY,)
    reader.read([KEY], EXACTLY)
    assert asked(server) == ["metadata"]
    assert verdict(reader, clock.now - 5) == ()
    assert changed == ["devel"]


@pytest.mark.parametrize(("version", "uid"), [("2", "u"), ("1", "another")])
def test_a_secret_that_changed_or_was_made_anew_is_read_whole(
    server: Server, reader: SecretCache, changed: list[str], version: str, uid: str
) -> None:
    holds(server)
    reader.read([KEY], EXACTLY)
    holds(server, version, uid, {"cert": b"other"})
    reader.read([KEY], EXACTLY)
    assert asked(server) == ["whole", "metadata", "whole"]
    facts = reader.asked(FreshnessRequirement()).secret("devel", "data")
    assert facts is not None
    assert set(facts.keys) == {"cert"}
    assert changed == ["devel", "devel"]


def test_one_that_does_not_exist_is_known_to_be_missing(server: Server, reader: SecretCache) -> None:
    server.replies[PATH] = (404, b'{"message": "not found"}', {})
    reader.read([KEY], EXACTLY)
    assert verdict(reader, 0) == ()
    asked = reader.asked(FreshnessRequirement())
    assert asked.secret("devel", "data") is None
    assert (asked.unread(*KEY), asked.unreadable) == ("", ())


@pytest.mark.parametrize("status", [403, 500])
def test_one_that_cannot_be_read_is_not_called_missing(server: Server, reader: SecretCache, status: int) -> None:
    server.replies[PATH] = (status, b'{"message": "for a reason"}', {})
    reader.read([KEY], EXACTLY)
    asked = reader.asked(FreshnessRequirement())
    asked.secret("devel", "data")
    ((key, why),) = asked.unreadable
    assert (key, why) == (KEY, f"could not be read: GET {PATH}: {status} for a reason")
    assert reader.asked(FreshnessRequirement()).unread(*KEY) == why


def test_unrequested_secret_is_never_read_nor_listed(server: Server, reader: SecretCache) -> None:
    holds(server)
    reader.read([KEY, ("ConfigMap", "devel", "ca")], EXACTLY)
    assert {path for _, path, _, _ in server.asked} == {PATH, CONFIG_MAPS.path("devel", "ca")}


def test_what_is_kept_is_bounded(server: Server, reader: SecretCache) -> None:
    holds(server)
    for number in range(secret_cache.KEPT + 5):
        reader._keep(("Secret", "devel", str(number)), secret_cache.CachedRead(None, 0.0))
    assert len(reader._held) == secret_cache.KEPT
    assert ("Secret", "devel", str(secret_cache.KEPT + 4)) in reader._held


def test_what_nobody_names_any_more_is_forgotten_in_time(server: Server, connection: ApiClient, clock: Clock) -> None:
    named = {"data"}
    reader = SecretCache(connection, clock, lambda _: None, lambda key: key[2] in named)
    holds(server)
    reader.read([KEY], EXACTLY)
    for number in range(100):
        reader.read([("Secret", "devel", f"gone-{number}")], EXACTLY)
    assert len(reader._held) == 101
    clock.now += 61
    for number in range(100):
        reader.read([("Secret", "devel", f"new-{number}")], EXACTLY)
    assert {name for _, _, name in reader._held} == {"data", *(f"new-{number}" for number in range(100))}


def test_config_maps_are_facts_too(server: Server, reader: SecretCache) -> None:
    path = CONFIG_MAPS.path("devel", "ca")
    content: dict[str, Any] = {"metadata": {"uid": "u", "name": "ca"}, "data": {"ca.crt": MATERIAL["cacert"].decode()}}
    server.replies[path] = (200, orjson.dumps(content), {})
    reader.read([("ConfigMap", "devel", "ca")], EXACTLY)
    facts = reader.asked(FreshnessRequirement()).config_map("devel", "ca")
    assert facts is not None
    assert len(facts.keys["ca.crt"].certificates) == 1
