"""The names of the volumes that injection adds: made of Secret and content, so that no other volume has the name."""

import json
import re
from hashlib import sha256

from webhook.model.injection_plan import OWN, AddedVolume
from webhook.model.workload import KeyToPath
from webhook.trace.injected_entries import volume_entry

_LABEL_CHARACTERS = 63
_DIGITS = 8


def added_volume(secrets: tuple[tuple[str, tuple[KeyToPath, ...]], ...], *, every_key: bool) -> AddedVolume:
    """The volume of these Secrets: `mtls-guard-NAME-HASH`, a DNS label with the name of the first Secret, cut.

    every_key: without `items`, so that each data key becomes a file of that name; the name of the volume is the same.
    """
    content = json.dumps(volume_entry(AddedVolume("", secrets)), sort_keys=True)
    digest = sha256(content.encode()).hexdigest()[:_DIGITS]
    name = re.sub(r"[^a-z0-9-]+", "-", secrets[0][0].lower())[: _LABEL_CHARACTERS - len(OWN) - _DIGITS - 1].strip("-")
    volume = f"{OWN}{name}-{digest}" if name else f"{OWN}{digest}"
    return AddedVolume(volume, tuple((secret, None) for secret, _ in secrets) if every_key else secrets)
