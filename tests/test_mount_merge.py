"""Mounts of one path are merged as the injector merges them: a later entry over an earlier, the pod's own over both."""

from webhook.istio.injector.merge import merge_mounts
from webhook.model.workload import Mount


def test_later_annotated_mount_fills_unset_fields() -> None:
    """As Istio's own code does (rig.oracles, seed 911116630)."""
    own, elsewhere = Mount("client", "/etc/ca"), Mount("client", "/etc/mtlsfiles")
    annotated = (Mount("ca", "/etc/ca", "a/b"), Mount("ca", "/etc/ca", "cert"))
    assert merge_mounts((own, elsewhere), (), annotated) == (Mount("client", "/etc/ca", "cert"), elsewhere)


def test_later_mount_keeps_unset_fields_of_the_earlier() -> None:
    own = (Mount("client", "/etc/mtlsfiles"),)
    merged = merge_mounts(own, (Mount("istio", "/etc/x", "a"),), (Mount("user", "/etc/x"),))
    assert merged == (*own, Mount("user", "/etc/x", "a"))


def test_without_an_own_list_the_templates_is_copied_as_it_is() -> None:
    template = (Mount("a", "/etc/x"), Mount("b", "/etc/x"))
    assert merge_mounts((), template[:1], template[1:]) == template
