"""One replica as a process of this machine: the real `serve`, with certificates and watches that live for seconds.

python -m tests.live.replica '{"settings": {"cluster": ..., "installation": ...}, "terms": {"ca": 60, ...}}'

`watch` and `stale` are seconds, too: how long a watch lasts, and may be silent.
"""

import json
import sys
from dataclasses import replace
from datetime import timedelta

from webhook.cli.serve import serve
from webhook.informer.list_watch import WATCH_SECONDS
from webhook.server.background import LoopTiming
from webhook.serving.ca import CertificateLifetimes
from webhook.settings import read_settings


def main(told: str) -> None:
    """Serves until it is stopped."""
    read = json.loads(told)
    terms = CertificateLifetimes(
        **{name: timedelta(seconds=seconds) for name, seconds in read.get("terms", {}).items()}
    )
    settings = read_settings(read["settings"], {})
    if "stale" in read:
        settings = replace(settings, stale_after=timedelta(seconds=read["stale"]))
    serve(settings, pace=LoopTiming(terms, round_seconds=1, watch_seconds=read.get("watch", WATCH_SECONDS)))


if __name__ == "__main__":
    main(sys.argv[1])
