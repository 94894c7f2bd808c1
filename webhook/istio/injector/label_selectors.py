"""Kubernetes label selectors as the injector's configuration writes them (`matchLabels`, `matchExpressions`)."""

from collections.abc import Callable, Mapping

from webhook.model.raw_object import mapping, sequence, text, texts, words

_OPERATORS: Mapping[str, Callable[[str | None, tuple[str, ...]], bool]] = {
    "In": lambda value, allowed: value is not None and value in allowed,
    "NotIn": lambda value, allowed: value is None or value not in allowed,
    "Exists": lambda value, _: value is not None,
    "DoesNotExist": lambda value, _: value is None,
}


def selects(selector: Mapping[str, object], labels: Mapping[str, str]) -> bool:
    """Whether the selector matches; one that is empty or invalid matches nothing, as in inject.go, injectRequired."""
    match_labels = texts(selector.get("matchLabels"))
    expressions = [mapping(one) for one in sequence(selector.get("matchExpressions"))]
    if not match_labels and not expressions:
        return False
    return all(labels.get(key) == value for key, value in match_labels.items()) and all(
        _holds(expression, labels) for expression in expressions
    )


def _holds(expression: Mapping[str, object], labels: Mapping[str, str]) -> bool:
    test = _OPERATORS.get(text(expression.get("operator")))
    return test is not None and test(labels.get(text(expression.get("key"))), words(expression.get("values")))
