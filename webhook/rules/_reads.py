"""The kinds that the parts of a picture ask the view for, so that a rule can say which parts it looks at."""

from webhook.kinds.producer import KINDS
from webhook.kinds.registry import ROUTING_KINDS, WORKLOAD_KINDS

NAMESPACE = frozenset({"Namespace"})
"""`picture.injection` and whatever follows from it."""

ROUTING = frozenset(ROUTING_KINDS)
"""`picture.reach`, `groups`, `intents`, `misses`, and everything in a DestinationRule's picture."""

SECRETS = frozenset({"Secret"})
"""`picture.unexplained_mounts`, and files that resolve into a Secret."""

CONFIG_MAPS = frozenset({"ConfigMap"})
"""Files that resolve into a ConfigMap."""

PRODUCERS = frozenset(producer_kind.kind for producer_kind in KINDS)
"""`view.producer_index`: who will make a Secret or ConfigMap that is not there."""

WORKLOADS = frozenset(WORKLOAD_KINDS)
"""`view.workloads`: other workloads than the one judged."""

SIGNS = WORKLOADS | CONFIG_MAPS
"""`picture.unexplained_mounts` of a mount that nothing explains: where second signs are looked for, and only then."""

INJECTION = frozenset({"MutatingWebhookConfiguration"})
"""`view.injection_scope`, which the picture of a workload that opts in has asked already."""

CHAINS = NAMESPACE | ROUTING | SECRETS | SIGNS
"""`picture.chains` and `picture.credentials`: what a rule on the end of a chain reads."""
