"""The cells that every run of the tests plays: each kind, mode, place and change is among them."""

from prove.injection.cells import CHANGES, Cell

CREATED, OTHER_SECRET, OPTED_OUT, REMOVED, MOVED, RENAMED, SWITCHED = CHANGES
SELECTED = (
    Cell("Pods", "none", CREATED, "StatefulSet"),
    Cell("Pods", "none", CREATED, "gateway"),
    Cell("Pods", "none", OTHER_SECRET, "Deployment"),
    Cell("Pods", "none", OTHER_SECRET, "Pod"),
    Cell("Pods", "none", OPTED_OUT, "DaemonSet"),
    Cell("Pods", "none", REMOVED, "Pod"),
    Cell("Pods", "none", MOVED, "Deployment"),
    Cell("Pods", "none", MOVED, "Pod"),
    Cell("Pods", "none", RENAMED, "Job"),
    Cell("Pods", "none", SWITCHED, "Deployment"),
    Cell("Pods", "none", SWITCHED, "Pod"),
    Cell("Pods", "before, opts in", CREATED, "CronJob"),
    Cell("Pods", "between, drops", CREATED, "Deployment"),
    Cell("Pods", "between, overwrites", CREATED, "gateway"),
    Cell("Pods", "after, opts in", CREATED, "Deployment"),
    Cell("Pods", "after, adds a volume", CREATED, "Job"),
    Cell("Templates", "none", OTHER_SECRET, "Deployment"),
    Cell("Templates", "none", OPTED_OUT, "Deployment"),
    Cell("Templates", "none", REMOVED, "StatefulSet"),
    Cell("Templates", "between, drops", CREATED, "Deployment"),
    Cell("Templates", "before, adds a volume", OTHER_SECRET, "CronJob"),
    Cell("Templates", "after, opts in", CREATED, "Deployment"),
)
