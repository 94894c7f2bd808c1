"""The catalogue: finds every rule module of this folder, validates it, hands the rules out ordered by id."""

import importlib
import pkgutil
from collections.abc import Mapping
from functools import lru_cache

from webhook.model.rule import About, Rule

HEADINGS = ("## Why", "## Fix", "## Source")
FORBIDDEN_WORDS = ("no", "require", "should")


class BadCatalogue(Exception):
    """A rule module is not as `conventions.md` wants it; the text names the module and what to change."""


@lru_cache(maxsize=1)
def catalogue() -> Mapping[str, Rule]:
    """Every rule by its id, in the order of the ids.

    Raises:
        BadCatalogue: a module without RULE, with an id that is not its name, or without its headings.
    """
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))
    rules = [_load(name) for name in names]
    return {rule.id: rule for rule in rules}


@lru_cache(maxsize=8)
def about(kind: About) -> tuple[Rule, ...]:
    """The rules that look at this kind of picture."""
    return tuple(rule for rule in catalogue().values() if rule.about == kind)


def _load(name: str) -> Rule:
    rule = getattr(importlib.import_module(f"{__name__}.{name}"), "RULE", None)
    wanted = name.replace("_", "-")
    if not isinstance(rule, Rule):
        raise BadCatalogue(f"webhook/rules/{name}.py has no RULE = Rule(...); a helper's name starts with _")
    if rule.id != wanted:
        raise BadCatalogue(f'webhook/rules/{name}.py: id "{rule.id}" is not the file name; make it "{wanted}"')
    if any(word in FORBIDDEN_WORDS for word in wanted.split("-")):
        raise BadCatalogue(f'webhook/rules/{name}.py: name the fault, without "no", "require" or "should"')
    missing = [heading for heading in HEADINGS if f"\n{heading}\n" not in (rule.docs or "")]
    if missing:
        raise BadCatalogue(f"webhook/rules/{name}.py: the docstring lacks {', '.join(missing)}")
    return rule
