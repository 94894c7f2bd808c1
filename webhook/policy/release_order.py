"""Reads what a policy says of objects that do not exist yet: missingSecret, releaseTools, producers.

missingSecret: auto
releaseTools: {labels: [example.com/deployed-by], annotations: [], fieldManagers: [our-deployer]}
producers: [{group: example.com, kind: ClientTls, name: spec.target.name, makes: Secret}]
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from webhook.kinds.producer import FURTHER_MAKES, FurtherProducer, is_built_in
from webhook.kinds.release_tool import ReleaseTools, Sign
from webhook.model.occasion import MissingSecret

Node = Any
Say = Callable[[Node, str, str], None]
"""Takes a node, its key and the problem."""

_PATH = re.compile(r"[A-Za-z]\w*(\.[A-Za-z]\w*)*")
_GROUP = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_KIND = re.compile(r"[A-Z][A-Za-z0-9]*")
_SIGN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./-]*(=[A-Za-z0-9][A-Za-z0-9_.-]*)?")
_MANAGER = re.compile(r"[\x21-\x7e]{1,128}")
TOOL_KEYS = ("labels", "annotations", "fieldManagers")
PRODUCER_KEYS = ("group", "kind", "name", "makes")
DEFAULT_NAME = "metadata.name"


@dataclass(frozen=True, slots=True)
class OrderReader:
    """Reads these keys. fields: the fields of a mapping, those that are not allowed told. say: tells a problem."""

    fields: Callable[[Node, str, Collection[str]], Mapping[str, Node]]
    say: Say

    def missing_secret(self, node: Node) -> MissingSecret:
        """What a missing Secret weighs."""
        word = "auto" if node.tag.endswith(":null") else _text(node).lower()
        if word in [str(setting) for setting in MissingSecret]:
            return MissingSecret(word)
        allowed = ", ".join(MissingSecret)
        self.say(node, "missingSecret", f"{_shown(node)} is none of the allowed values: {allowed}")
        return MissingSecret.AUTO

    def release_tools(self, node: Node) -> ReleaseTools:
        """Further signs of release tools."""
        parts = self.fields(node, "releaseTools", TOOL_KEYS)
        labels, annotations = (tuple(self._signs(parts.get(name), name)) for name in TOOL_KEYS[:2])
        managers = self._words(parts.get("fieldManagers"), "releaseTools.fieldManagers", _MANAGER, "a field manager")
        return ReleaseTools(labels, annotations, tuple(managers))

    def _signs(self, node: Node, name: str) -> Iterator[Sign]:
        meant = "a key such as example.com/deployed-by, or KEY=VALUE"
        for word in self._words(node, f"releaseTools.{name}", _SIGN, meant):
            key, _, value = word.partition("=")
            yield Sign(key, value, word)

    def _words(self, node: Node, key: str, form: re.Pattern[str], meant: str) -> Iterator[str]:
        """The words of a list; what is no list, or not of that form, is told."""
        for index, entry in enumerate(self._entries(node, key, meant)):
            if form.fullmatch(_text(entry)):
                yield _text(entry)
            else:
                self.say(entry, f"{key}[{index}]", f"{_shown(entry)} is not {meant}")

    def _entries(self, node: Node, key: str, meant: str) -> Collection[Node]:
        if node is None or node.tag.endswith(":null"):
            return ()
        if node.id == "sequence":
            return list(node.value)
        self.say(node, key, f"{_shown(node)} is no list; write {meant} behind a dash")
        return ()

    def producers(self, node: Node) -> Iterator[FurtherProducer]:
        """Further kinds of which the objects make Secrets or ConfigMaps."""
        meant = "group, kind, name and makes of each further kind"
        for index, entry in enumerate(self._entries(node, "producers", meant)):
            producer = self._producer(entry, f"producers[{index}]")
            if producer is not None and is_built_in(producer.group, producer.kind):
                self.say(entry, f"producers[{index}].kind", f'"{producer.kind}" of {producer.group} is known already')
            elif producer is not None:
                yield producer

    def _producer(self, node: Node, key: str) -> FurtherProducer | None:
        fields = self.fields(node, key, PRODUCER_KEYS)
        forms = {"group": (_GROUP, "an API group such as example.com"), "kind": (_KIND, "a kind such as ClientTls")}
        good = {}
        for name, (form, meant) in forms.items():
            if name not in fields:
                self.say(node, f"{key}.{name}", f"is missing; write {meant}")
            elif form.fullmatch(_text(fields[name])):
                good[name] = _text(fields[name])
            else:
                self.say(fields[name], f"{key}.{name}", f"{_shown(fields[name])} is not {meant}")
        path, makes = self._path(fields.get("name"), key), self._makes(fields.get("makes"), key)
        if len(good) < len(forms) or not path or not makes:
            return None
        return FurtherProducer(good["group"], good["kind"], tuple(path.split(".")), makes)

    def _path(self, node: Node, key: str) -> str:
        """Where the name of what is made is; the object's own name where the policy does not say."""
        if node is None:
            return DEFAULT_NAME
        if _PATH.fullmatch(_text(node)):
            return _text(node)
        self.say(node, f"{key}.name", f'{_shown(node)} is not the path of a name such as "spec.secretName"')
        return ""

    def _makes(self, node: Node, key: str) -> str:
        if node is None:
            return FURTHER_MAKES[0]
        if _text(node) in FURTHER_MAKES:
            return _text(node)
        self.say(node, f"{key}.makes", f"{_shown(node)} is none of the allowed values: {', '.join(FURTHER_MAKES)}")
        return ""


def _text(node: Node) -> str:
    """The text of a scalar as written, '' for anything else."""
    return str(node.value) if node.id == "scalar" else ""


def _shown(node: Node) -> str:
    """A value as a problem quotes it."""
    return f'"{str(node.value)[:60]}"' if node.id == "scalar" else f"a {node.id}"
