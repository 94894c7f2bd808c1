"""What mtls-guard warns of about itself, in the place of rules: what each means and what to do. None of them denies."""

from collections.abc import Mapping

ABOUT_ITSELF: Mapping[str, str] = {
    "internal-error": """\
mtls-guard failed while it judged the object, or one of its rules did, and the object is let through.

## Why

A fault of ours must never block a cluster, nor hide what other rules found. The warning names the rule and the class of
the error; its text stands nowhere, for it may quote what must not be shown.

## Fix

Look into the webhook's log under the request's uid, and report it to the maintainers with the object, without
its Secrets.
""",
    "not-judged": """\
The time for the review was over before mtls-guard had a verdict, and the object is let through.

## Why

The API server waits for the answer as long as `timeoutSeconds` of the webhook configuration says. An answer that comes
later is lost, so work on the review ends before. With `webhook.notJudged: Unavailable` there is no warning but HTTP
503, and `failurePolicy` decides.

## Fix

Apply the object again. If it stays, make the object smaller, or raise `webhook.timeoutSeconds`.
""",
    "object-unread": """\
A Secret or ConfigMap that the workload mounts could not be read, so its keys and certificates were not checked.

## Why

Without the right to `get` it, or while the API server does not answer, nothing can be said about what is in it. Nothing
is denied for what nobody could look at.

## Fix

See whether the namespace is among `rbac.secretNamespaces` of the chart; try again when the API server answers.
""",
    "template-missing": """\
Where the policy says that the pod template of a kind stands, this object has nothing.

## Why

`workloads` of the policy names further kinds that make pods. A path that leads nowhere would let every object of that
kind pass without a look.

## Fix

Correct `template` of the kind in the policy; `kubectl explain KIND.spec --recursive` shows where its pod template is.
""",
    "too-many-entries": """\
A list in the object has more entries than mtls-guard evaluates, and nothing in the object is denied.

## Why

Each entry may have to be compared with others, and the API server waits a few seconds for the answer. Of a list of
objects (volumes, mounts, containers, subsets, ports, routes) the first 250 entries are evaluated, of a list of names
(hosts, namespaces) and of `env` the first 1,000, of the combinations of port and subset of one service the first 100.

## Fix

Keep such lists short: several smaller objects say the same.
""",
    "view-stale": """\
mtls-guard has had no news of some kind of object for longer than `--stale-after`, and denies nothing that rests on it.

## Why

The objects may have changed since. A denial for what is no longer so would block a Deployment that works.

## Fix

Try again later. If it stays, run `mtls-guard doctor`, or look at the metric `mtls_guard_watch_age_seconds` and at the
webhook's log: either the API server cannot be reached, or the right to list and watch the kind is missing.
""",
}
"""By the word in brackets at the end of the warning."""
