"""What the chart tells the container of a replica: ports and flags."""

from collections.abc import Mapping

from webhook.model.raw_object import Manifest, dig, mapping, number, sequence, text


def container_of(pod_spec: Manifest) -> Manifest:
    """The first container, empty where there is none."""
    return next((mapping(each) for each in sequence(pod_spec.get("containers"))), {})


def ports_of(container: object) -> Mapping[str, int]:
    """The named ports of a container."""
    ports = sequence(dig(container, "ports"))
    return {text(dig(port, "name")): number(dig(port, "containerPort")) or 0 for port in ports}


def flag_of(container: object, name: str) -> str:
    """The value of a flag among the arguments of a container, '' where it is not given."""
    given = (text(one).partition("=") for one in sequence(dig(container, "args")))
    return next((value for flag, _, value in given if flag == f"--{name}"), "")
