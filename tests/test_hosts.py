"""Host names are resolved and compared as Istio does it."""

import pytest

from webhook.istio.pilot.hosts import covering, matches, overlaps, resolve


@pytest.mark.parametrize(
    ("host", "full"),
    [
        ("partner", "partner.egress.svc.cluster.local"),
        ("partner.egress", "partner.egress"),
        ("partner.egress.svc.cluster.local", "partner.egress.svc.cluster.local"),
        ("*", "*"),
        ("*.example.com", "*.example.com"),
        ("10.0.0.1", "10.0.0.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("", ""),
    ],
)
def test_only_a_name_without_any_dot_gets_the_namespace(host: str, full: str) -> None:
    assert resolve(host, "egress", "cluster.local") == full


@pytest.mark.parametrize(
    ("pattern", "host", "covered"),
    [
        ("foo.com", "foo.com", True),
        ("foo.com", "Foo.com", False),
        ("*.com", "foo.com", True),
        ("*.foo.com", "foo.com", False),
        ("*.foo.com", "a.b.foo.com", True),
        ("*", "foo.com", True),
        ("*", "*.com", True),
        ("*.com", "*.foo.com", True),
        ("*.foo.com", "*.com", False),
        ("*.foo.com", "*.foo.com", True),
        ("foo.com", "*.com", False),
    ],
)
def test_a_pattern_covers_hosts_by_suffix_and_case(pattern: str, host: str, covered: bool) -> None:
    assert matches(pattern, host) == covered


def test_a_virtual_service_overlaps_in_either_direction() -> None:
    pairs = [("*.com", "a.com"), ("a.com", "*.com"), ("a.com", "b.com"), ("*.a.com", "*.com")]
    assert [overlaps(*pair) for pair in pairs] == [True, True, False, True]


def test_longest_wildcard_wins_after_exact_host() -> None:
    many = {"*", "*.com", "*.example.com", "*.b.example.com", "*.net", "*.org", "*.io", "*.de", "*.eu"}
    few = {"*", "*.example.com"}
    assert list(covering("a.b.example.com", many)) == ["*.b.example.com", "*.example.com", "*.com", "*"]
    assert list(covering("a.b.example.com", few)) == ["*.example.com", "*"]


def test_a_wildcard_host_is_covered_by_itself_first() -> None:
    many = {"*", "*.com", "*.example.com", "*.b.example.com", "*.net", "*.org", "*.io", "*.de", "*.eu"}
    assert list(covering("*.example.com", many)) == ["*.example.com", "*.com", "*"]
    assert list(covering("*.example.com", {"*.example.com", "*"})) == ["*.example.com", "*"]
