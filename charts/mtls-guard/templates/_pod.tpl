{{- define "mtls-guard.podSecurity" -}}
runAsNonRoot: true
{{- if kindIs "invalid" .Values.runAsUser | not }}
runAsUser: {{ int64 .Values.runAsUser }}
runAsGroup: {{ int64 .Values.runAsUser }}
fsGroup: {{ int64 .Values.runAsUser }}
{{- end }}
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "mtls-guard.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- define "mtls-guard.arguments" -}}
{{- $v := .Values -}}
{{- $name := include "mtls-guard.fullname" . -}}
- serve
- --bind=:{{ $v.webhook.port }}
{{- if $v.metrics.enabled }}
- --metrics=:{{ $v.metrics.port }}
{{- end }}
- --installation={{ .Release.Namespace }}/{{ $name }}
- --probe-namespace={{ include "mtls-guard.probeNamespace" . }}
- --istio-namespace={{ $v.istio.namespace }}
- --drain=5
- --linger={{ $v.lingerSeconds }}
- --connections={{ $v.server.connections }}
- --peer-connections={{ $v.server.connectionsPerPeer }}
- --queue={{ $v.server.queue }}
- --log={{ $v.server.log }}
- --threads={{ $v.server.threads }}
- --not-judged={{ $v.webhook.notJudged }}
- --mutate-not-judged={{ $v.injection.notJudged }}
{{- if eq $v.certificate.mode "selfManaged" }}
- --serving-secret={{ .Release.Namespace }}/{{ include "mtls-guard.servingSecret" . }}
- --serving-dns={{ $name }}.{{ .Release.Namespace }}.svc
{{- else }}
- --cert=/etc/mtls-guard/serving/tls.crt
- --key=/etc/mtls-guard/serving/tls.key
- --ca=/etc/mtls-guard/serving/ca.crt
{{- end }}
{{- if $v.policy }}
- --policy=/etc/mtls-guard/policy/policy.yaml
{{- end }}
{{- end }}
