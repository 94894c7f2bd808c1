{{/* Takes (dict "root" . "name" "for" "severity" "expr" "summary" "description"). */}}
{{- define "mtls-guard.alert" -}}
- alert: {{ .name }}
  expr: {{ .expr | quote }}
  for: {{ .for }}
  labels:
    severity: {{ .severity }}
    {{- with .root.Values.metrics.prometheusRule.alertLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    summary: {{ .summary | quote }}
    description: {{ .description | quote }}
{{- end }}

{{- define "mtls-guard.alerts" -}}
{{- $ours := printf "{namespace=\"%s\"}" .Release.Namespace -}}
{{ include "mtls-guard.alert" (dict "root" . "name" "MtlsGuardServingCertificateExpiring" "for" "15m" "severity" "critical"
  "expr" (printf "min(mtls_guard_serving_certificate_not_after_timestamp_seconds%s) - time() < 7 * 86400" $ours)
  "summary" "The serving certificate of mtls-guard ends in less than 7 days."
  "description" "It should have been renewed by now. Once it has ended, entries that are Fail refuse what they match: see docs/operations.md.") }}
{{ include "mtls-guard.alert" (dict "root" . "name" "MtlsGuardWatchStale" "for" "5m" "severity" "warning"
  "expr" (printf "max(mtls_guard_watch_age_seconds%s) > 300" $ours)
  "summary" "A watch of mtls-guard has heard nothing for more than 5 minutes."
  "description" "Verdicts that depend on it only warn meanwhile. Look at the log for what the API server answers.") }}
{{ include "mtls-guard.alert" (dict "root" . "name" "MtlsGuardSlow" "for" "10m" "severity" "warning"
  "expr" (printf "histogram_quantile(0.99, sum by (le) (rate(mtls_guard_admission_review_duration_seconds_bucket%s[5m]))) > 0.5" $ours)
  "summary" "One review in a hundred takes mtls-guard more than half a second."
  "description" (printf "The API server waits %d s. Give the Pods more processor time, or more of them." (int .Values.webhook.timeoutSeconds))) }}
{{ include "mtls-guard.alert" (dict "root" . "name" "MtlsGuardFailOpen" "for" "1m" "severity" "warning"
  "expr" "sum by (name) (increase(apiserver_admission_webhook_fail_open_count{name=~\".+[.]mtls-guard[.]io\",name!~\"probe.*\"}[10m])) > 0"
  "summary" "The API server let objects pass unjudged, since mtls-guard did not answer."
  "description" "Entry {{ $labels.name }}. What passed may be broken: check it with mtls-guard check --live.") }}
{{ include "mtls-guard.alert" (dict "root" . "name" "MtlsGuardRefusesUnjudged" "for" "1m" "severity" "critical"
  "expr" "sum by (name) (increase(apiserver_admission_webhook_rejection_count{name=~\".+[.]mtls-guard[.]io\",error_type!=\"no_error\"}[10m])) > 0"
  "summary" "The API server refuses objects because mtls-guard does not answer."
  "description" "Entry {{ $labels.name }} is Fail. The way out in one command stands in docs/operations.md.") }}
{{ include "mtls-guard.alert" (dict "root" . "name" "MtlsGuardNotEnforcing" "for" "5m" "severity" "critical"
  "expr" (printf "min by (configuration) (mtls_guard_entries_enforcing%s) == 0" $ours)
  "summary" "Entries of mtls-guard that should be Fail let everything pass."
  "description" "Configuration {{ $labels.configuration }}: the leader's log says what the API server answers to its probe; see docs/operations.md.") }}
{{ include "mtls-guard.alert" (dict "root" . "name" "MtlsGuardDown" "for" "5m" "severity" "critical"
  "expr" (printf "absent(mtls_guard_serving_certificate_not_after_timestamp_seconds%s)" $ours)
  "summary" "No Pod of mtls-guard is seen by Prometheus."
  "description" "Either none runs, or the metrics' port cannot be reached.") }}
{{- end }}
