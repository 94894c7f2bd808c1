"""Reads manifests from files, folders and standard input; what stands in them is judged elsewhere.

`read` gives documents one after the other, `line_of` says later in which line a field of one of them stands, `rewrite`
changes some of them and leaves the rest of their file alone.
"""

from webhook.manifests.document import Document, DocumentLocation
from webhook.manifests.line_of import line_of
from webhook.manifests.parse import TEMPLATE_SAYS
from webhook.manifests.reader import read
from webhook.manifests.rewrite import rewrite
from webhook.model.source_location import Unreadable

__all__ = ["TEMPLATE_SAYS", "Document", "DocumentLocation", "Unreadable", "line_of", "read", "rewrite"]
