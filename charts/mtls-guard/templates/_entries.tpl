{{/* Namespaces that no entry ever looks at: the control plane's, and our own, so that we never wait for ourselves. */}}
{{- define "mtls-guard.neverNamespaces" -}}
{{- toJson (uniq (list "kube-system" "kube-public" "kube-node-lease" .Release.Namespace)) -}}
{{- end }}

{{- define "mtls-guard.selectRules" -}}
- key: kubernetes.io/metadata.name
  operator: NotIn
  values: {{ include "mtls-guard.neverNamespaces" . }}
{{- end }}

{{- define "mtls-guard.selectWorkloads" -}}
- key: kubernetes.io/metadata.name
  operator: NotIn
  values: {{ uniq (concat (include "mtls-guard.neverNamespaces" . | fromJsonArray) .Values.webhook.excludedNamespaces) | toJson }}
{{- end }}

{{/* What every entry has in common; takes (dict "root" . "failurePolicy" "Fail"), and may take path and seconds. */}}
{{- define "mtls-guard.entry" -}}
admissionReviewVersions: [v1]
sideEffects: None
matchPolicy: Equivalent
failurePolicy: {{ .failurePolicy }}
timeoutSeconds: {{ default .root.Values.webhook.timeoutSeconds .seconds }}
clientConfig:
  service:
    name: {{ include "mtls-guard.fullname" .root }}
    namespace: {{ .root.Release.Namespace }}
    path: {{ default "/validate" .path }}
    port: 443
{{- end }}

{{/* Takes (dict "name" "..." "cel" "..."); new lines are for people. */}}
{{- define "mtls-guard.condition" -}}
- name: {{ .name }}
  expression: {{ .cel | replace "\n" " " | quote }}
{{- end }}

{{- define "mtls-guard.workloadRules" -}}
{{- range concat (include "mtls-guard.builtInKinds" . | fromJsonArray) (include "mtls-guard.furtherKinds" . | fromJsonArray) }}
- apiGroups: [{{ .group | quote }}]
  apiVersions: [{{ .version }}]
  resources: [{{ .resource }}]
  operations: [CREATE, UPDATE]
  scope: Namespaced
{{- end }}
{{- end }}

{{/* Takes (dict "resources" (list ...) "operations" (list ...)). */}}
{{- define "mtls-guard.istioRules" -}}
- apiGroups: [networking.istio.io]
  apiVersions: [v1, v1beta1, v1alpha3]
  resources: {{ toJson .resources }}
  operations: {{ toJson .operations }}
  scope: Namespaced
{{- end }}

{{- define "mtls-guard.workloadConditions" -}}
{{ include "mtls-guard.condition" (dict "name" "not-made-by-a-judged-controller" "cel" (include "mtls-guard.cel.notControlled" .)) }}
{{ include "mtls-guard.condition" (dict "name" "not-by-a-node" "cel" (include "mtls-guard.cel.notNode" .)) }}
{{ include "mtls-guard.condition" (dict "name" "changed" "cel" (include "mtls-guard.cel.changed" .)) }}
{{- end }}

{{- define "mtls-guard.declared" -}}
{{ include "mtls-guard.condition" (dict "name" "names-files-or-opts-in" "cel" (include "mtls-guard.cel.declares" .)) }}
{{- end }}

{{- define "mtls-guard.undeclared" -}}
{{ include "mtls-guard.condition" (dict "name" "names-no-files" "cel" (printf "!%s" (include "mtls-guard.cel.declares" .))) }}
{{- end }}

{{/* The entries that may block: the manifest of the configuration that the leader keeps. */}}
{{- define "mtls-guard.enforcingEntries" -}}
{{- $entry := include "mtls-guard.entry" (dict "root" . "failurePolicy" .Values.webhook.failurePolicy) }}
- name: workloads.mtls-guard.io
  {{- $entry | nindent 2 }}
  namespaceSelector:
    matchExpressions:
      {{- include "mtls-guard.selectRules" . | nindent 6 }}
  rules:
    {{- include "mtls-guard.workloadRules" . | nindent 4 }}
  matchConditions:
    {{- include "mtls-guard.workloadConditions" . | nindent 4 }}
    {{- include "mtls-guard.declared" . | nindent 4 }}
    {{- if .Values.webhook.excludedNamespaces }}
    {{- include "mtls-guard.condition" (dict "name" "not-excluded-or-asks-for-files" "cel" (include "mtls-guard.cel.notExcluded" .)) | nindent 4 }}
    {{- end }}
- name: namespaces.mtls-guard.io
  {{- $entry | nindent 2 }}
  namespaceSelector:
    matchExpressions:
      {{- include "mtls-guard.selectWorkloads" . | nindent 6 }}
      - key: mtls-guard.io/enforce
        operator: In
        values: ["true"]
  rules:
    {{- include "mtls-guard.workloadRules" . | nindent 4 }}
  matchConditions:
    {{- include "mtls-guard.workloadConditions" . | nindent 4 }}
    {{- include "mtls-guard.undeclared" . | nindent 4 }}
- name: destinationrules.mtls-guard.io
  {{- $entry | nindent 2 }}
  namespaceSelector:
    matchExpressions:
      {{- include "mtls-guard.selectRules" . | nindent 6 }}
  rules:
    {{- include "mtls-guard.istioRules" (dict "resources" (list "destinationrules") "operations" (list "CREATE" "UPDATE")) | nindent 4 }}
  matchConditions:
    {{- include "mtls-guard.condition" (dict "name" "changed" "cel" (include "mtls-guard.cel.changed" .)) | nindent 4 }}
    {{- include "mtls-guard.condition" (dict "name" "names-files" "cel" (include "mtls-guard.cel.files" .)) | nindent 4 }}
{{- if .Values.injection.enabled }}
{{- /* Pods of controllers whose files other webhooks have removed after the last call of injection. */}}
- name: pods.mtls-guard.io
  {{- $entry | nindent 2 }}
  namespaceSelector:
    matchExpressions:
      {{- include "mtls-guard.selectWorkloads" . | nindent 6 }}
  rules:
    - apiGroups: [""]
      apiVersions: [v1]
      resources: [pods]
      operations: [CREATE]
      scope: Namespaced
  matchConditions:
    {{- include "mtls-guard.condition" (dict "name" "not-by-a-node" "cel" (include "mtls-guard.cel.notNode" .)) | nindent 4 }}
    {{- include "mtls-guard.condition" (dict "name" "made-by-a-judged-controller" "cel" (printf "!(%s)" (include "mtls-guard.cel.notControlled" .))) | nindent 4 }}
    {{- include "mtls-guard.condition" (dict "name" "opts-in" "cel" (include "mtls-guard.cel.podOptsIn" .)) | nindent 4 }}
    {{- include "mtls-guard.condition" (dict "name" "has-a-proxy" "cel" (include "mtls-guard.cel.finished" .)) | nindent 4 }}
    {{- include "mtls-guard.condition" (dict "name" "not-mounted" "cel" (printf "!(%s)" (include "mtls-guard.cel.mounted" .))) | nindent 4 }}
{{- end }}
{{- if eq (include "mtls-guard.probeNamespace" .) .Release.Namespace }}
{{- /* The only thing of our own namespace that we look at: the dry run with which we try ourselves. It is never stored. */}}
- name: probe.mtls-guard.io
  {{- $entry | nindent 2 }}
  namespaceSelector:
    matchLabels:
      kubernetes.io/metadata.name: {{ .Release.Namespace }}
  rules:
    {{- include "mtls-guard.istioRules" (dict "resources" (list "destinationrules") "operations" (list "CREATE")) | nindent 4 }}
  matchConditions:
    {{- include "mtls-guard.condition" (dict "name" "dry-run-of-our-probe" "cel" (include "mtls-guard.cel.probe" .)) | nindent 4 }}
    {{- include "mtls-guard.condition" (dict "name" "names-files" "cel" (include "mtls-guard.cel.ruleNames" "object")) | nindent 4 }}
{{- end }}
{{- end }}

{{/*
The entries that never block. All of them are there whatever values say: one that is off has no rules. For Helm 4 applies
server-side, the CA bundles are written by somebody else, and an entry of which somebody else owns a field cannot be taken
out of the list again: an upgrade or a rollback would fail. So their names are for ever; what is new gets a configuration of its own.
*/}}
{{- define "mtls-guard.tellingEntries" -}}
{{- $entry := include "mtls-guard.entry" (dict "root" . "failurePolicy" "Ignore") }}
{{- $on := .Values.webhook.entries }}
- name: reach.mtls-guard.io
  {{- $entry | nindent 2 }}
  {{- if $on.reach }}
  namespaceSelector:
    matchExpressions:
      {{- include "mtls-guard.selectWorkloads" . | nindent 6 }}
      - key: mtls-guard.io/enforce
        operator: NotIn
        values: ["true"]
  rules:
    {{- include "mtls-guard.workloadRules" . | nindent 4 }}
  matchConditions:
    {{- include "mtls-guard.workloadConditions" . | nindent 4 }}
    {{- include "mtls-guard.undeclared" . | nindent 4 }}
    {{- include "mtls-guard.condition" (dict "name" "may-have-a-sidecar" "cel" (printf "!(%s)" (include "mtls-guard.cel.noSidecar" .))) | nindent 4 }}
  {{- end }}
- name: shadows.mtls-guard.io
  {{- $entry | nindent 2 }}
  {{- if $on.shadows }}
  namespaceSelector:
    matchExpressions:
      {{- include "mtls-guard.selectRules" . | nindent 6 }}
  rules:
    {{- include "mtls-guard.istioRules" (dict "resources" (list "destinationrules") "operations" (list "CREATE" "UPDATE" "DELETE")) | nindent 4 }}
  matchConditions:
    {{- include "mtls-guard.condition" (dict "name" "not-clean-up" "cel" (include "mtls-guard.cel.notCleanUp" .)) | nindent 4 }}
    {{- include "mtls-guard.condition" (dict "name" "changed" "cel" (include "mtls-guard.cel.changed" .)) | nindent 4 }}
    {{- include "mtls-guard.condition" (dict "name" "deleted-or-names-no-files" "cel" (printf "request.operation == 'DELETE' || !(%s)" (include "mtls-guard.cel.files" .))) | nindent 4 }}
  {{- end }}
- name: istio.mtls-guard.io
  {{- $entry | nindent 2 }}
  {{- if $on.istio }}
  namespaceSelector:
    matchExpressions:
      {{- include "mtls-guard.selectRules" . | nindent 6 }}
  rules:
    {{- include "mtls-guard.istioRules" (dict "resources" (include "mtls-guard.istioResources" . | fromJsonArray) "operations" (list "CREATE" "UPDATE" "DELETE")) | nindent 4 }}
  matchConditions:
    {{- include "mtls-guard.condition" (dict "name" "not-clean-up" "cel" (include "mtls-guard.cel.notCleanUp" .)) | nindent 4 }}
    {{- include "mtls-guard.condition" (dict "name" "changed" "cel" (include "mtls-guard.cel.changed" .)) | nindent 4 }}
  {{- end }}
- name: secrets.mtls-guard.io
  {{- $entry | nindent 2 }}
  {{- if $on.secrets }}
  namespaceSelector:
    matchExpressions:
      {{- include "mtls-guard.selectRules" . | nindent 6 }}
  objectSelector:
    matchLabels:
      mtls-guard.io/watch: "true"
  rules:
    - apiGroups: [""]
      apiVersions: [v1]
      resources: [secrets]
      operations: [UPDATE, DELETE]
      scope: Namespaced
  matchConditions:
    {{- include "mtls-guard.condition" (dict "name" "not-clean-up" "cel" (include "mtls-guard.cel.notCleanUp" .)) | nindent 4 }}
    {{- include "mtls-guard.condition" (dict "name" "changed" "cel" "request.operation == 'DELETE' || object.?data != oldObject.?data") | nindent 4 }}
  {{- end }}
{{- end }}

{{/*
The entries that write annotations into Pods or templates: the manifest of the mutating configuration, which the leader keeps, too.
The last one marks the dry run of the probe, which shows that mutation works before the others become Fail.
*/}}
{{- define "mtls-guard.injectingEntries" -}}
{{- $injection := .Values.injection }}
{{- $entry := include "mtls-guard.entry" (dict "root" . "failurePolicy" $injection.failurePolicy "path" "/mutate" "seconds" $injection.timeoutSeconds) }}
{{- $templates := eq $injection.into "Templates" }}
{{- range list "inject" "inject-namespaces" }}
{{- $byNamespace := eq . "inject-namespaces" }}
- name: {{ . }}.mtls-guard.io
  {{- $entry | nindent 2 }}
  # Called again after another webhook that has changed the Pod, and only if the finished proxy lacks its mounts then.
  reinvocationPolicy: IfNeeded
  namespaceSelector:
    matchExpressions:
      {{- include "mtls-guard.selectWorkloads" $ | nindent 6 }}
      {{- if $byNamespace }}
      - key: mtls-guard.io/inject
        operator: In
        values: ["true"]
      {{- end }}
  rules:
    {{- if $templates }}
    {{- include "mtls-guard.workloadRules" $ | nindent 4 }}
    {{- else }}
    - apiGroups: [""]
      apiVersions: [v1]
      resources: [pods]
      operations: [CREATE]
      scope: Namespaced
    {{- end }}
  matchConditions:
    {{- if $templates }}
    {{- include "mtls-guard.condition" (dict "name" "pod-or-template" "cel" (include "mtls-guard.cel.podOrTemplate" $)) | nindent 4 }}
    {{- include "mtls-guard.condition" (dict "name" "new-template" "cel" (include "mtls-guard.cel.newTemplate" $)) | nindent 4 }}
    {{- end }}
    {{- include "mtls-guard.condition" (dict "name" "not-by-a-node" "cel" (include "mtls-guard.cel.notNode" $)) | nindent 4 }}
    {{- include "mtls-guard.condition" (dict "name" "not-opted-out-or-to-be-removed" "cel" (printf "!(%s) || %s" (include "mtls-guard.cel.optsOut" $) (include "mtls-guard.cel.written" $))) | nindent 4 }}
    {{- include "mtls-guard.condition" (dict "name" (ternary "by-its-namespace" "by-itself" $byNamespace) "cel" (printf "%s(%s || %s)" (ternary "!" "" $byNamespace) (include "mtls-guard.cel.optsIn" $) (include "mtls-guard.cel.written" $))) | nindent 4 }}
    {{- include "mtls-guard.condition" (dict "name" "not-mounted-yet" "cel" (printf "!(%s)" (include "mtls-guard.cel.mounted" $))) | nindent 4 }}
{{- end }}
- name: probe-injection.mtls-guard.io
  {{- $entry | nindent 2 }}
  reinvocationPolicy: Never
  namespaceSelector:
    matchLabels:
      kubernetes.io/metadata.name: {{ include "mtls-guard.probeNamespace" . }}
  rules:
    {{- include "mtls-guard.istioRules" (dict "resources" (list "destinationrules") "operations" (list "CREATE")) | nindent 4 }}
  matchConditions:
    {{- include "mtls-guard.condition" (dict "name" "dry-run-of-our-probe" "cel" (include "mtls-guard.cel.probe" .)) | nindent 4 }}
{{- end }}

{{/*
The entries of the mutating configuration that is called last: for Pods that other webhooks let opt in, or took their files from,
and to refuse a Pod whose DestinationRule is awaited. No Pod that has its mounts is sent here.
*/}}
{{- define "mtls-guard.lastEntries" -}}
{{- $injection := .Values.injection }}
{{- $entry := include "mtls-guard.entry" (dict "root" . "failurePolicy" $injection.failurePolicy "path" "/mutate/last" "seconds" $injection.timeoutSeconds) }}
{{- range list "last" "last-namespaces" }}
{{- $byNamespace := eq . "last-namespaces" }}
- name: {{ . }}.mtls-guard.io
  {{- $entry | nindent 2 }}
  reinvocationPolicy: IfNeeded
  namespaceSelector:
    matchExpressions:
      {{- include "mtls-guard.selectWorkloads" $ | nindent 6 }}
      {{- if $byNamespace }}
      - key: mtls-guard.io/inject
        operator: In
        values: ["true"]
      {{- end }}
  rules:
    - apiGroups: [""]
      apiVersions: [v1]
      resources: [pods]
      operations: [CREATE]
      scope: Namespaced
  matchConditions:
    {{- include "mtls-guard.condition" (dict "name" "not-by-a-node" "cel" (include "mtls-guard.cel.notNode" $)) | nindent 4 }}
    {{- include "mtls-guard.condition" (dict "name" "not-opted-out" "cel" (printf "!(%s)" (include "mtls-guard.cel.optsOut" $))) | nindent 4 }}
    {{- include "mtls-guard.condition" (dict "name" (ternary "by-its-namespace" "by-itself" $byNamespace) "cel" (printf "%s(%s)" (ternary "!" "" $byNamespace) (include "mtls-guard.cel.podOptsIn" $))) | nindent 4 }}
    {{- include "mtls-guard.condition" (dict "name" "not-mounted-yet" "cel" (printf "!(%s)" (include "mtls-guard.cel.mounted" $))) | nindent 4 }}
{{- end }}
{{- end }}

{{- define "mtls-guard.configurationAnnotations" -}}
# Or AKS rewrites the selectors.
admissions.enforcer/disabled: "true"
{{- end }}
