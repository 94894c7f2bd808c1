"""The view of the cluster that verdicts use.

`cluster_view` declares the queries, `snapshot` answers them from memory, and `loader` stores and removes objects.
"""

from webhook.view.cluster_view import ByName, ClusterView
from webhook.view.snapshot import Snapshot

__all__ = ["ByName", "ClusterView", "Snapshot"]
