{{- define "mtls-guard.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 48 | trimSuffix "-" -}}
{{- end }}

{{/* The name of everything; short enough that every suffix fits. */}}
{{- define "mtls-guard.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 48 | trimSuffix "-" -}}
{{- else if contains (include "mtls-guard.name" .) .Release.Name -}}
{{- .Release.Name | trunc 48 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "mtls-guard.name" .) | trunc 48 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{- define "mtls-guard.selector" -}}
app.kubernetes.io/name: {{ include "mtls-guard.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "mtls-guard.labels" -}}
{{ include "mtls-guard.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: mtls-guard
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Of what the leader creates. No instance: Argo CD would take it for a part of its own that Git does not have. */}}
{{- define "mtls-guard.keptLabels" -}}
app.kubernetes.io/name: {{ include "mtls-guard.name" . }}
app.kubernetes.io/managed-by: mtls-guard
app.kubernetes.io/part-of: mtls-guard
{{- end }}

{{- define "mtls-guard.serviceAccount" -}}
{{- default (include "mtls-guard.fullname" .) .Values.serviceAccount.name -}}
{{- end }}

{{- define "mtls-guard.image" -}}
{{- $tag := default .Chart.AppVersion .Values.image.tag -}}
{{- .Values.image.repository }}:{{ $tag }}{{ with .Values.image.digest }}@{{ . }}{{ end -}}
{{- end }}

{{- define "mtls-guard.probeNamespace" -}}
{{- default .Release.Namespace .Values.probe.namespace -}}
{{- end }}

{{- define "mtls-guard.servingSecret" -}}
{{- if eq .Values.certificate.mode "existing" -}}
{{- .Values.certificate.existing.secretName -}}
{{- else if eq .Values.certificate.mode "certManager" -}}
{{- /* Not the Secret of the self-managed certificate, from which replicas may still serve while the mode changes. */ -}}
{{- include "mtls-guard.fullname" . -}}-cert-manager
{{- else -}}
{{- include "mtls-guard.fullname" . -}}-serving
{{- end -}}
{{- end }}

{{/* The further kinds of the policy, as a JSON list of {group, version, kind, resource, template}. */}}
{{- define "mtls-guard.furtherKinds" -}}
{{- $found := list -}}
{{- range .Values.policy.workloads -}}
{{- $parts := splitList "/" .apiVersion -}}
{{- $resource := default (printf "%ss" (lower .kind)) (get $.Values.workloadResources .kind) -}}
{{- $group := "" -}}
{{- if gt (len $parts) 1 -}}{{- $group = first $parts -}}{{- end -}}
{{- $found = append $found (dict "group" $group "version" (last $parts) "kind" .kind "resource" $resource "template" .template) -}}
{{- end -}}
{{- toJson $found -}}
{{- end }}

{{/* The policy file; to YAML, a bare off is false. */}}
{{- define "mtls-guard.policy" -}}
{{- $rules := dict -}}
{{- range $rule, $severity := .Values.policy.rules -}}
{{- $rules = set $rules $rule (ternary "off" $severity (kindIs "bool" $severity)) -}}
{{- end -}}
{{- toYaml (merge (dict "rules" $rules) (omit .Values.policy "rules")) -}}
{{- end }}
