"""YAML as the nodes of PyYAML, which keep each word as it is written and know its line; within limits."""

from typing import Any

import yaml

from webhook.decoding.errors import InvalidDocument
from webhook.decoding.limits import TextLimits
from webhook.decoding.yaml_events import LOADER
from webhook.decoding.yaml_text import load_yaml


def compose(text: str, limits: TextLimits) -> Any:
    """The root node of the only document, None where there is none.

    Raises:
        Broken: it is no YAML, holds what JSON cannot, or is larger than the limits.
    """
    load_yaml(text, limits)  # PyYAML composes recursively and without limits, so that this comes first
    try:
        return yaml.compose(text, Loader=LOADER)
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark
        raise InvalidDocument(f"not YAML: {fault.problem}", mark.line if mark else 0) from fault
