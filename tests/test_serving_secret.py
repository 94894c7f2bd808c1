"""The Secret of the serving certificate: who is second reads what the first wrote, and nobody's bytes are shown."""

from tests.cluster_memory import Memory
from webhook.kubeapi.resource import SECRETS
from webhook.leader.serving_secret import ServingSecret, StoredSecret

PATH = SECRETS.path("mtls-guard", "mtls-guard-serving")


def secret(memory: Memory) -> ServingSecret:
    return ServingSecret(memory, "mtls-guard", "mtls-guard-serving", {"app.kubernetes.io/name": "mtls-guard"})


def test_who_creates_second_is_told_to_read_again() -> None:
    memory = Memory()
    one, two = secret(memory), secret(memory)
    first, second = one.read(), two.read()
    assert [one.write({"tls.crt": b"1"}, first), two.write({"tls.crt": b"2"}, second)] == [True, False]
    assert two.read().values == {"tls.crt": b"1"}
    assert memory.objects[PATH]["type"] == "kubernetes.io/tls"
    assert memory.objects[PATH]["metadata"]["labels"] == {"app.kubernetes.io/name": "mtls-guard"}


def test_who_changes_what_has_changed_is_told_to_read_again() -> None:
    memory = Memory()
    one = secret(memory)
    one.write({"tls.crt": b"1"}, one.read())
    before = one.read()
    assert [one.write({"tls.crt": b"2"}, before), one.write({"tls.crt": b"3"}, before)] == [True, False]
    assert one.read().values == {"tls.crt": b"2"}


def test_one_deleted_meanwhile_is_not_written() -> None:
    memory = Memory()
    one = secret(memory)
    one.write({"tls.crt": b"1"}, one.read())
    before = one.read()
    del memory.objects[PATH]
    assert (one.write({"tls.crt": b"2"}, before), one.read()) == (False, StoredSecret({}))


def test_foreign_labels_stay_and_foreign_data_keys_go() -> None:
    memory = Memory()
    one = secret(memory)
    one.write({"tls.crt": b"1"}, one.read())
    memory.objects[PATH]["metadata"]["annotations"] = {"theirs": "stays"}
    memory.objects[PATH]["data"]["other"] = "AAAA"
    one.write({"tls.crt": b"2"}, one.read())
    assert one.read().values == {"tls.crt": b"2"}
    assert memory.objects[PATH]["metadata"]["annotations"] == {"theirs": "stays"}


def test_odd_content_reads_as_empty_and_is_never_shown() -> None:
    memory = Memory()
    memory.create(SECRETS, {"metadata": {"name": "mtls-guard-serving", "namespace": "mtls-guard"}, "data": {"a": "?"}})
    stored = secret(memory).read()
    assert (stored.values, repr(StoredSecret({"tls.key": b"private"}))) == ({"a": b""}, "Stored(['tls.key'])")
