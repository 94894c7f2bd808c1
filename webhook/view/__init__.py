"""The cluster as verdicts see it: `asking` is what may be asked, `snapshot` answers from memory, `intake` fills it."""

from webhook.view.cluster_view import ByName, ClusterView
from webhook.view.snapshot import Snapshot

__all__ = ["ByName", "ClusterView", "Snapshot"]
