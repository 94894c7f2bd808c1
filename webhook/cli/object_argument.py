"""Finds the object that a person means by `deploy/sample-app` or `dr/external`, in kubectl's ways of writing a kind."""

from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches

from webhook.kinds.registry import REGISTRY
from webhook.kinds.workload import TEMPLATE_PATHS
from webhook.model.finding import ObjectRef
from webhook.model.printable import printable
from webhook.model.workload import Workload
from webhook.view import Snapshot

SHORT = {name: entry.kind.lower() for entry in REGISTRY for name in (*entry.short, entry.plural)}
"""Short names of `kubectl api-resources`, and plurals."""
RELATED = ("destinationrule", "secret", "service", "serviceentry")
"""Kinds that are no workloads, and whose workloads can be told."""
_NEAR = 5


class AmbiguousObject(Exception):
    """No object, or more than one, is meant; the text says which there are."""


def choose(view: Snapshot, what: str, namespace: str | None) -> Workload | ObjectRef:
    """The workload of that kind and name, or the object of one of RELATED. what: `KIND/NAME`.

    namespace: None where any will do.

    Raises:
        Unclear: there is none, or several namespaces have one.
    """
    kind, _, name = what.partition("/")
    wanted = kind_of(kind)
    workloads = {one.ref: one for one in (*view.workloads.all(), *view.pods.all())}
    kinds = workload_kinds(one.kind for one in workloads)
    if wanted not in kinds and wanted not in RELATED:
        known = ", ".join(sorted(kinds))
        raise AmbiguousObject(
            printable(f'"{kind}" is no kind of workload; there are: {known}; and of {", ".join(RELATED)} the workloads')
        )
    held = set(_others(view, wanted)) if wanted in RELATED else set(workloads)
    ref = _one(sorted(held), (wanted, name), what, namespace)
    return workloads.get(ref, ref)


def kind_of(word: str) -> str:
    """The kind in lower case, of a short name, a plural, or a name with its group (`deployments.apps`)."""
    lower = word.lower().partition(".")[0]
    return SHORT.get(lower) or SHORT.get(lower.removesuffix("s")) or lower.removesuffix("s")


def workload_kinds(further: Iterable[str] = ()) -> set[str]:
    """The kinds of workloads in lower case. further: those that a policy names."""
    return {kind.lower() for kind in (*TEMPLATE_PATHS, *further)}


def _others(view: Snapshot, kind: str) -> Iterator[ObjectRef]:
    """The objects of one of RELATED; Secrets also where only workloads name them."""
    if kind == "destinationrule":
        yield from (rule.ref for rule in view.config.rules)
    elif kind == "secret":
        yield from (facts.ref for facts in view.secrets.values())
        yield from (ObjectRef("v1", "Secret", *key) for one in view.workloads.all() for key in _named_secrets(one))
    else:
        services = (one for host in view.config.services for one in view.config.services.of_host(host))
        yield from (one.ref for one in services if one.ref.kind.lower() == kind)


def _named_secrets(workload: Workload) -> Iterator[tuple[str, str]]:
    """Namespace and name of each Secret that a workload brings into its sidecar or its pod."""
    from webhook.istio.injector.annotations import read_user_volumes

    pod = workload.template
    for volume in (*read_user_volumes(pod).volumes, *pod.volumes):
        for source in (*volume.sources, *(part for one in volume.sources for part in one.parts)):
            if source.kind == "secret" and source.name:
                yield workload.namespace, source.name


def _one(held: Sequence[ObjectRef], wanted: tuple[str, str], what: str, namespace: str | None) -> ObjectRef:
    """The one object of that kind and name."""
    here = [ref for ref in held if namespace in (None, ref.namespace)]
    found = [ref for ref in here if (ref.kind.lower(), ref.name) == wanted]
    if len(found) == 1:
        return found[0]
    if found:
        raise AmbiguousObject(f"{what} stands in several namespaces; say which: {', '.join(sorted(map(typed, found)))}")
    where = f" in namespace {namespace}" if namespace else ""
    raise AmbiguousObject(printable(f"there is no {what}{where} in the input; {_near('/'.join(wanted), held)}"))


def _near(wanted: str, held: Sequence[ObjectRef]) -> str:
    """What else there is, the most similar first."""
    by_name: dict[str, list[ObjectRef]] = {}
    for ref in held:
        by_name.setdefault(_short(ref), []).append(ref)
    near = get_close_matches(wanted, by_name, n=_NEAR, cutoff=0.5) or sorted(by_name)[:_NEAR]
    told = [name for short in near for name in sorted(map(typed, by_name[short]))]
    none = "it holds none" if wanted.partition("/")[0] in RELATED else "it holds no workload"
    return f"there is: {', '.join(told[:_NEAR])}" if told else none


def typed(ref: ObjectRef) -> str:
    """The object as it would be typed: `deployment/sample-app -n devel`."""
    return f"{_short(ref)} -n {ref.namespace}"


def _short(ref: ObjectRef) -> str:
    """`deployment/sample-app`."""
    return f"{ref.kind.lower()}/{ref.name}"
