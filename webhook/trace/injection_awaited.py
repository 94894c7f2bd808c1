"""The DestinationRules that a workload needs for the injection that it asks for, and that are not in view."""

from collections.abc import Iterator

from webhook.kinds.opt_in_annotations import CLIENT_SECRET
from webhook.trace.context import WorkloadContext
from webhook.trace.secret_choice import Choice


def awaited(context: WorkloadContext, choice: Choice) -> Iterator[str]:
    """The missing DestinationRules, in words; none for a workload that only the label of its namespace opts in."""
    declared = context.declaration
    hosts = {user.service.host for chosen in choice.chosen for user in chosen.request.users}
    if declared.destinations:
        missing = (host for host in declared.destinations if host not in hosts)
        yield from (f"a DestinationRule that reads certificate files for {host}" for host in missing)
        return
    mounted = {name for chosen in choice.chosen for name in chosen.secrets.values()}
    for secret in declared.secrets:
        if secret not in mounted:
            yield f'a DestinationRule that reads the files of Secret "{secret}"'
    if declared.inject and not declared.secrets and not choice.chosen:
        yield f"a DestinationRule that names a Secret ({CLIENT_SECRET})"
