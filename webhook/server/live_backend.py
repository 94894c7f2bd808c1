"""A live cluster for `serve`: the one that we run in, or that a kubeconfig names; judged as its watches show it."""

from webhook import logs
from webhook.informer.list_watch import WATCH_SECONDS
from webhook.informer.live_cluster import LiveCluster, LiveClusterOptions, WatchAge
from webhook.informer.live_engine import ReviewLimits
from webhook.inject import Mutation
from webhook.input.policy_file import read_policy
from webhook.kubeapi.client import ApiClient
from webhook.model.finding import Verdict
from webhook.model.request import Request
from webhook.rules import catalogue
from webhook.server.background import access_of
from webhook.settings import Settings


class LiveBackend:
    """A cluster behind an API server; nothing is asked of it before `start`."""

    def __init__(self, settings: Settings, watch_seconds: int = WATCH_SECONDS) -> None:
        """Reads the policy and who we are. watch_seconds: how long a watch lasts, at most.

        Raises:
            BadPolicy: the policy file cannot be used.
            NoAccess: this is no pod, or the kubeconfig is of no use.
        """
        policy = read_policy(str(settings.policy) if settings.policy else None, tuple(catalogue()))
        lasting = min(watch_seconds, settings.stale_after.seconds // 2)  # a quiet kind is heard of when its watch ends
        limits = ReviewLimits(stale=settings.stale_after, unavailable=settings.not_judged == "Unavailable")
        options = LiveClusterOptions(settings.istio_namespace, lasting, limits=limits)
        self._cluster = LiveCluster(ApiClient(access_of(settings)), policy, logs.tell, options)

    def judge(self, request: Request) -> Verdict:
        """The verdict as of now."""
        return self._cluster.judge.judge(request)

    def mutate(self, request: Request) -> Mutation:
        """What injection adds to the object as of now."""
        return self._cluster.judge.mutate(request)

    def waits(self) -> str:
        """What is waited for before anything can be judged."""
        return self._cluster.waits()

    def watches(self) -> tuple[WatchAge, ...]:
        """How each watch is."""
        return self._cluster.watches()

    def told(self) -> dict[str, object]:
        """What the first line of the log says of it."""
        return {"cluster": "live"}

    def start(self) -> None:
        """Begins to follow the cluster, in the process that answers."""
        self._cluster.start()

    def end(self) -> None:
        """Ends that."""
        self._cluster.stop()
