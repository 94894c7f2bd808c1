{{/*
The CEL of the entries. Everything is a look-up by name, or a loop over a list that is short or cut off, so that no object is
large enough to meet the API server's cost limit: an entry that is Fail would refuse it.
*/}}

{{/*
No controller of a judged kind created it: group and kind of the owner are those of a controller that creates objects of this
kind, or the policy names the owner's kind. As webhook/kinds/controllers.py.
*/}}
{{- define "mtls-guard.cel.notControlled" -}}
!object.?metadata.?ownerReferences.orValue([]).exists(o, o.?controller.orValue(false) && (
{{- range include "mtls-guard.created" . | fromJsonArray }}
(request.resource.group == '{{ .group }}' && request.resource.resource == '{{ .resource }}' && (
{{- range $i, $creator := .creators }}{{ if $i }} || {{ end }}{{ include "mtls-guard.cel.owner" $creator }}{{ end -}}
)) ||
{{- end }}
{{- range include "mtls-guard.furtherKinds" . | fromJsonArray }}
{{ include "mtls-guard.cel.owner" . }} ||
{{- end }}
false))
{{- end }}

{{/* The owner reference o is of this group and kind. */}}
{{- define "mtls-guard.cel.owner" -}}
(o.kind == '{{ .kind }}' && {{ if .group }}o.apiVersion.startsWith('{{ .group }}/'){{ else }}!o.apiVersion.contains('/'){{ end }})
{{- end }}

{{/* A Pod, or what no controller of a judged kind made: a ReplicaSet of a Deployment has its template from there. */}}
{{- define "mtls-guard.cel.podOrTemplate" -}}
request.resource.resource == 'pods' || {{ include "mtls-guard.cel.notControlled" . }}
{{- end }}

{{/* Injection has written into the annotations of the Pod or template before; the name of what it adds is reserved for it. */}}
{{- define "mtls-guard.cel.written" -}}
[{{ include "mtls-guard.cel.injected" (dict "root" . "part" "metadata.?annotations") }}.orValue({})].exists(m,
type(m) == map && ('mtls-guard.io/injected' in m || ('sidecar.istio.io/userVolumeMount' in m && type(m['sidecar.istio.io/userVolumeMount']) == string && m['sidecar.istio.io/userVolumeMount'].contains('"mtls-guard-'))))
{{- end }}

{{/* The finished istio-proxy of a Pod has a mount that injection added, with its volume; so another call would change nothing. */}}
{{- define "mtls-guard.cel.mounted" -}}
request.resource.resource == 'pods' && object.?metadata.?annotations[?'sidecar.istio.io/status'].hasValue() &&
(object.?spec.?containers.orValue([]) + object.?spec.?initContainers.orValue([])).exists(c,
c.name == 'istio-proxy' && has(c.volumeMounts) && c.volumeMounts.exists(m,
m.name.startsWith('mtls-guard-') && object.?spec.?volumes.orValue([]).exists(v, v.name == m.name)))
{{- end }}

{{/* Istio's injector has been at the Pod. */}}
{{- define "mtls-guard.cel.finished" -}}
(object.?spec.?containers.orValue([]) + object.?spec.?initContainers.orValue([])).exists(c, c.name == 'istio-proxy')
{{- end }}

{{/* The Pod itself asks for its files. */}}
{{- define "mtls-guard.cel.podOptsIn" -}}
[object.?metadata.?annotations.orValue({})].exists(m,
'mtls-guard.io/client-secret' in m || ('mtls-guard.io/inject' in m && m['mtls-guard.io/inject'] == 'true')) &&
object.?metadata.?annotations[?'mtls-guard.io/inject'].orValue('') != 'false'
{{- end }}

{{/* The kubelet's own: mirror pods of a static pod must never wait for us. */}}
{{- define "mtls-guard.cel.notNode" -}}
!('system:nodes' in request.userInfo.?groups.orValue([]))
{{- end }}

{{/* The dry run by which the leader sees whether the API server reaches this installation. */}}
{{- define "mtls-guard.cel.probe" -}}
request.?dryRun.orValue(false) && request.userInfo.username == 'system:serviceaccount:{{ .Release.Namespace }}:{{ include "mtls-guard.serviceAccount" . }}'
{{- end }}

{{/* Nothing that a verdict could depend on is as it was. */}}
{{- define "mtls-guard.cel.changed" -}}
request.operation != 'UPDATE' || (!has(object.metadata.deletionTimestamp) && (
object.?spec != oldObject.?spec ||
object.metadata.?annotations != oldObject.metadata.?annotations ||
object.metadata.?labels != oldObject.metadata.?labels))
{{- end }}

{{/* Clean-up by the control plane: of a namespace that goes, of what an owner left. */}}
{{- define "mtls-guard.cel.notCleanUp" -}}
!(request.userInfo.username in ['system:serviceaccount:kube-system:namespace-controller', 'system:serviceaccount:kube-system:generic-garbage-collector'])
{{- end }}

{{/*
A pod template's part as an optional; the path may not be there. Takes (dict "root" . "part" "metadata.?annotations"), and may
take of, the object's variable.
*/}}
{{- define "mtls-guard.cel.template" -}}
{{- $part := .part -}}
{{- $of := default "object" .of -}}
(request.resource.resource == 'pods' ? {{ $of }}.?{{ $part }} :
request.resource.resource == 'cronjobs' ? {{ $of }}.?spec.?jobTemplate.?spec.?template.?{{ $part }} :
{{- range include "mtls-guard.furtherKinds" .root | fromJsonArray }}
request.resource.resource == '{{ .resource }}' ? {{ $of }}.?{{ .template | replace "." ".?" }}.?{{ $part }} :
{{- end }}
{{ $of }}.?spec.?template.?{{ $part }})
{{- end }}

{{/*
The workload names volumes of its sidecar, or opts in; also where the annotations stand one level too high. What is no map, in a
kind without a schema, declares nothing: an error here would be a refusal.
*/}}
{{- define "mtls-guard.cel.declares" -}}
[object.?metadata.?annotations.orValue({}), {{ include "mtls-guard.cel.template" (dict "root" . "part" "metadata.?annotations") }}.orValue({})].exists(m,
type(m) == map && ['sidecar.istio.io/userVolume', 'sidecar.istio.io/userVolumeMount', 'mtls-guard.io/client-secret', 'mtls-guard.io/destinations', 'mtls-guard.io/inject'].exists(a, a in m))
{{- end }}

{{/*
Its namespace is not one whose workloads are let alone; or the workload opts in to injection there, which does not happen and is
reported.
*/}}
{{- define "mtls-guard.cel.notExcluded" -}}
!(request.namespace in {{ .Values.webhook.excludedNamespaces | toJson }}) ||
[{{ include "mtls-guard.cel.template" (dict "root" . "part" "metadata.?annotations") }}.orValue({})].exists(m,
type(m) == map && !('mtls-guard.io/inject' in m && m['mtls-guard.io/inject'] == 'false') &&
('mtls-guard.io/client-secret' in m || ('mtls-guard.io/inject' in m && m['mtls-guard.io/inject'] == 'true')))
{{- end }}

{{/* Istio gives it no sidecar, whatever the namespace says. */}}
{{- define "mtls-guard.cel.noSidecar" -}}
{{ include "mtls-guard.cel.template" (dict "root" . "part" "metadata.?labels[?'sidecar.istio.io/inject']") }}.orValue('') == 'false' ||
{{ include "mtls-guard.cel.template" (dict "root" . "part" "spec.?hostNetwork") }}.orValue(false)
{{- end }}

{{/* The DestinationRule in variable . names a file; a list too long to look through counts as if. */}}
{{- define "mtls-guard.cel.names" -}}
has({{ . }}.tls) && (has({{ . }}.tls.clientCertificate) || has({{ . }}.tls.privateKey) || has({{ . }}.tls.caCertificates) || has({{ . }}.tls.caCrl))
{{- end }}

{{- define "mtls-guard.cel.policyNames" -}}
({{ include "mtls-guard.cel.names" . }}) ||
(has({{ . }}.portLevelSettings) && (size({{ . }}.portLevelSettings) > 64 || {{ . }}.portLevelSettings.exists(p, {{ include "mtls-guard.cel.names" "p" }})))
{{- end }}

{{- define "mtls-guard.cel.ruleNames" -}}
(has({{ . }}.spec) && (
(has({{ . }}.spec.trafficPolicy) && ({{ include "mtls-guard.cel.policyNames" (printf "%s.spec.trafficPolicy" .) }})) ||
(has({{ . }}.spec.subsets) && (size({{ . }}.spec.subsets) > 256 || {{ . }}.spec.subsets.exists(s, has(s.trafficPolicy) && ({{ include "mtls-guard.cel.policyNames" "s.trafficPolicy" }}))))))
{{- end }}

{{/* Files are named now, or were before. */}}
{{- define "mtls-guard.cel.files" -}}
{{ include "mtls-guard.cel.ruleNames" "object" }} ||
(request.operation == 'UPDATE' && {{ include "mtls-guard.cel.ruleNames" "oldObject" }})
{{- end }}

{{/* The Pod, or the template, asks for its files by itself; what is no map, in a kind without a schema, asks for nothing. */}}
{{- define "mtls-guard.cel.optsIn" -}}
[{{ include "mtls-guard.cel.injected" (dict "root" . "part" "metadata.?annotations") }}.orValue({})].exists(m,
type(m) == map && ('mtls-guard.io/client-secret' in m || ('mtls-guard.io/inject' in m && m['mtls-guard.io/inject'] == 'true')))
{{- end }}

{{/* It wants none, or could not use them. */}}
{{- define "mtls-guard.cel.optsOut" -}}
[{{ include "mtls-guard.cel.injected" (dict "root" . "part" "metadata.?annotations") }}.orValue({})].exists(m,
type(m) == map && 'mtls-guard.io/inject' in m && m['mtls-guard.io/inject'] == 'false') ||
[{{ include "mtls-guard.cel.injected" (dict "root" . "part" "metadata.?labels") }}.orValue({})].exists(m,
type(m) == map && 'sidecar.istio.io/inject' in m && m['sidecar.istio.io/inject'] == 'false') ||
{{ include "mtls-guard.cel.injected" (dict "root" . "part" "spec.?hostNetwork") }}.orValue(false) == true
{{- end }}

{{/* A part of what injection writes into, as an optional; takes (dict "root" . "part" "metadata.?annotations"). */}}
{{- define "mtls-guard.cel.injected" -}}
{{- if eq .root.Values.injection.into "Templates" -}}
{{ include "mtls-guard.cel.template" . }}
{{- else -}}
object.?{{ .part }}
{{- end -}}
{{- end }}

{{/* Its Pods will be other ones anyway: so injection never starts a rollout, and no object that is as it was meets us again. */}}
{{- define "mtls-guard.cel.newTemplate" -}}
request.operation == 'CREATE' || (request.resource.resource != 'pods' && (
{{ include "mtls-guard.cel.template" (dict "root" . "part" "metadata") }} != {{ include "mtls-guard.cel.template" (dict "root" . "part" "metadata" "of" "oldObject") }} ||
{{ include "mtls-guard.cel.template" (dict "root" . "part" "spec") }} != {{ include "mtls-guard.cel.template" (dict "root" . "part" "spec" "of" "oldObject") }}))
{{- end }}
