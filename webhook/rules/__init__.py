"""The catalogue: finds every rule module in the folders by subject, validates it, returns the rules ordered by id.

A module declares its metadata as RULE; its id is its name, its docs are its docstring, and `check` is its function.
"""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import fields
from functools import lru_cache
from types import ModuleType

from webhook.model.rule import About, Rule, RuleMetadata

HEADINGS = ("## Why", "## Fix", "## Source")
FORBIDDEN_WORDS = ("no", "require", "should")


class BadCatalogue(Exception):
    """A rule module is not as CONTRIBUTING.md describes; the text names the module and what to change."""


@lru_cache(maxsize=1)
def catalogue() -> Mapping[str, Rule]:
    """Every rule by its id, in the order of the ids.

    Raises:
        BadCatalogue: a module without RULE or `check`, with the name of another, or without its headings.
    """
    rules = sorted((_load(name) for name in _modules()), key=lambda rule: rule.id)
    return {rule.id: rule for rule in rules}


@lru_cache(maxsize=8)
def about(kind: About) -> tuple[Rule, ...]:
    """The rules that look at this kind of picture."""
    return tuple(rule for rule in catalogue().values() if rule.about == kind)


def source(rule_id: str) -> str:
    """The path of a rule's module below `webhook/rules`, without its suffix.

    Raises:
        KeyError: there is no such rule.
    """
    return _paths()[rule_id]


@lru_cache(maxsize=1)
def _paths() -> Mapping[str, str]:
    return {_id(name): name.removeprefix(f"{__name__}.").replace(".", "/") for name in _modules()}


@lru_cache(maxsize=1)
def _modules() -> tuple[str, ...]:
    """The dotted names of the rule modules: in each folder, those whose name does not begin with `_`."""
    folders = (module for module in pkgutil.iter_modules(__path__, f"{__name__}.") if module.ispkg)
    modules = [name for folder in folders for name in _in_folder(folder.name)]
    ids = [_id(name) for name in modules]
    duplicates = sorted({rule_id for rule_id in ids if ids.count(rule_id) > 1})
    if duplicates:
        raise BadCatalogue(f"webhook/rules: two modules have the name of the rule {', '.join(duplicates)}; rename one")
    return tuple(modules)


def _in_folder(package: str) -> Iterator[str]:
    modules = pkgutil.iter_modules(importlib.import_module(package).__path__, f"{package}.")
    return (module.name for module in modules if not _stem(module.name).startswith("_"))


def _stem(name: str) -> str:
    return name.rpartition(".")[2]


def _id(name: str) -> str:
    return _stem(name).replace("_", "-")


def _load(name: str) -> Rule:
    module, path, rule_id = importlib.import_module(name), name.replace(".", "/"), _id(name)
    metadata = getattr(module, "RULE", None)
    if not isinstance(metadata, RuleMetadata):
        raise BadCatalogue(f"{path}.py has no RULE = RuleMetadata(...); a helper's name starts with _")
    if not callable(getattr(module, "check", None)):
        raise BadCatalogue(f"{path}.py has no function `check`, which yields the violations")
    if any(word in FORBIDDEN_WORDS for word in rule_id.split("-")):
        raise BadCatalogue(f'{path}.py: name the fault, without "no", "require" or "should"')
    missing = [heading for heading in HEADINGS if f"\n{heading}\n" not in (module.__doc__ or "")]
    if missing:
        raise BadCatalogue(f"{path}.py: the docstring lacks {', '.join(missing)}")
    return _rule(rule_id, module, metadata)


def _rule(rule_id: str, module: ModuleType, metadata: RuleMetadata) -> Rule:
    declared = {field.name: getattr(metadata, field.name) for field in fields(metadata)}
    return Rule(id=rule_id, docs=module.__doc__ or "", check=module.check, **declared)
