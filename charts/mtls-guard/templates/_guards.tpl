{{/* Values that each are allowed, and together make no sense: says what to change. */}}
{{- define "mtls-guard.guards" -}}
{{- $v := .Values -}}
{{- $existing := $v.certificate.existing -}}
{{- $ports := list (int $v.webhook.port) (int $v.metrics.port) -}}
{{- $never := include "mtls-guard.neverNamespaces" . | fromJsonArray -}}
{{- if has .Release.Namespace (list $v.istio.namespace $v.istio.rootNamespace) -}}
{{- fail (printf "the release lives in %s, which is Istio's namespace: its DestinationRules would never be judged; install with --namespace mtls-guard --create-namespace" .Release.Namespace) -}}
{{- end -}}
{{- if and (eq $v.certificate.mode "existing") (not (and $existing.secretName $existing.caBundle)) -}}
{{- fail "certificate.mode is existing: set certificate.existing.secretName and certificate.existing.caBundle" -}}
{{- end -}}
{{- if and (ne $v.certificate.mode "existing") (or $existing.secretName $existing.caBundle) -}}
{{- fail (printf "certificate.existing is set, but certificate.mode is %s: set the mode to existing, or leave certificate.existing empty" $v.certificate.mode) -}}
{{- end -}}
{{- if and (ne $v.certificate.mode "certManager") $v.certificate.certManager.issuerRef.name -}}
{{- fail (printf "certificate.certManager.issuerRef is set, but certificate.mode is %s: set the mode to certManager" $v.certificate.mode) -}}
{{- end -}}
{{- if and $existing.caBundle (not (contains "-----BEGIN CERTIFICATE-----" $existing.caBundle)) -}}
{{- fail "certificate.existing.caBundle holds no PEM certificate: give the text itself, as with --set-file certificate.existing.caBundle=ca.crt" -}}
{{- end -}}
{{- if and $v.metrics.enabled (eq (first $ports) (last $ports)) -}}
{{- fail (printf "webhook.port and metrics.port are both %d: change one" (first $ports)) -}}
{{- end -}}
{{- if and $v.hostNetwork (has 10250 (ternary $ports (list (first $ports)) $v.metrics.enabled)) -}}
{{- fail "hostNetwork with port 10250: the kubelet listens there; set webhook.port to a free port of the nodes, such as 10260" -}}
{{- end -}}
{{- if and (not $v.metrics.enabled) (or $v.metrics.serviceMonitor.enabled $v.metrics.prometheusRule.enabled) -}}
{{- fail "metrics.serviceMonitor and metrics.prometheusRule need metrics.enabled" -}}
{{- end -}}
{{- if and $v.autoscaling.enabled (gt (int $v.autoscaling.minReplicas) (int $v.autoscaling.maxReplicas)) -}}
{{- fail (printf "autoscaling.minReplicas %d is more than autoscaling.maxReplicas %d" (int $v.autoscaling.minReplicas) (int $v.autoscaling.maxReplicas)) -}}
{{- end -}}
{{- if and (not $v.serviceAccount.create) (not $v.serviceAccount.name) -}}
{{- fail "serviceAccount.create is false: name an existing one in serviceAccount.name" -}}
{{- end -}}
{{- if eq $v.tests.namespace .Release.Namespace -}}
{{- fail (printf "the release lives in namespace %s, whose workloads are let alone, those of helm test included: install with --namespace mtls-guard --create-namespace, or set tests.namespace" .Release.Namespace) -}}
{{- end -}}
{{- if has $v.tests.namespace (concat $never $v.webhook.excludedNamespaces) -}}
{{- fail (printf "tests.namespace %s is one whose workloads are let alone, so that helm test could never pass: name another" $v.tests.namespace) -}}
{{- end -}}
{{- if has $v.probe.namespace (without $never .Release.Namespace) -}}
{{- fail (printf "probe.namespace %s is one that is never looked at, so that nothing would ever be enforced: name another, or none" $v.probe.namespace) -}}
{{- end -}}
{{- $expiry := default dict $v.policy.expiry -}}
{{- $warn := ternary $expiry.warn 30 (hasKey $expiry "warn") -}}
{{- if gt (int $expiry.deny) (int $warn) -}}
{{- fail (printf "policy.expiry.deny %d is more than policy.expiry.warn %d: nobody would be warned before being refused" (int $expiry.deny) (int $warn)) -}}
{{- end -}}
{{- range $kind, $resource := $v.workloadResources -}}
{{- $known := false -}}
{{- range concat (default list $v.policy.workloads) (default list $v.policy.producers) -}}
{{- if eq .kind $kind -}}{{- $known = true -}}{{- end -}}
{{- end -}}
{{- if not $known -}}
{{- fail (printf "workloadResources names %s, which neither policy.workloads nor policy.producers does: add it there" $kind) -}}
{{- end -}}
{{- end -}}
{{- end }}
