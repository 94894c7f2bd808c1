"""The metrics of `serve`, where settings ask for them; prometheus_client is imported only then."""

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Protocol

from webhook.serving.ends import end_of
from webhook.serving.tls import Certificates
from webhook.settings import Address
from webhook.web import Journal

if TYPE_CHECKING:
    from webhook.metrics import Leading, Metrics, Watched


class Watching(Protocol):
    """Whoever has watches."""

    def watches(self) -> "Iterable[Watched]":
        """How each watch is."""


class MayLead(Protocol):
    """A replica that may lead; `Beside` can do it."""

    def led(self) -> "Leading":
        """What it has done as the leader."""


class Shown:
    """Metrics at an address, or nothing without one."""

    def __init__(
        self, address: Address | None, cluster: Watching, certificates: Certificates, replica: MayLead
    ) -> None:
        self._address = address
        self._metrics: Metrics | None = None
        if address is not None:
            from webhook import metrics

            ends = partial(_end, certificates)
            self._metrics = metrics.Metrics(cluster.watches, ends, replica.led)

    @property
    def journals(self) -> tuple[Journal, ...]:
        """Who has to be told of what is answered."""
        return () if self._metrics is None else (self._metrics,)

    def start(self) -> None:
        """Serves them, in the process that answers."""
        if self._metrics is not None and self._address is not None:
            self._metrics.serve(self._address.host, self._address.port)


def _end(certificates: Certificates) -> datetime | None:
    """Until when the certificate that is served is valid."""
    return end_of(certificates.certificate)
