"""HTTP for the API server and the kubelet."""

from webhook.web.app import ReviewObserver, create_app
from webhook.web.request_body import MAX_BODY_BYTES

__all__ = ["MAX_BODY_BYTES", "ReviewObserver", "create_app"]
