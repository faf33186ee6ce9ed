{{- define "micArguments" -}}
{{- with .Values.mic }}
{{- if not $.Values.adminsecret }}
- --cloudconfig={{ .cloudConfig }}
{{- end }}
{{- include "flag" (list "--leader-election-namespace" .leaderElection.namespace) }}
{{- include "flag" (list "--leader-election-name" .leaderElection.name) }}
{{- include "flag" (list "--leader-election-instance" .leaderElection.instance) }}
{{- include "flag" (list "--leader-election-duration" .leaderElection.duration) }}
- --http-probe-port={{ .probePort }}
- --prometheus-port={{ .prometheusPort }}
- --probe-file=/dev/shm/probe
{{- include "sharedFlags" (list $ "mic") }}
{{- if not (has $.Values.startupTaint (list "" "aadpodidentity.k8s.io/nmi-not-ready")) }}
- --startup-taint={{ $.Values.startupTaint }}
{{- end }}
{{- if eq $.Release.Namespace "default" }}
# In this namespace MIC has no default for it: whoever may create pods there could have the taint removed.
- --nmi-daemonset=default/nmi
{{- end }}
{{- if ne .originalLock "default/aad-pod-identity-mic" }}
- --original-lock={{ .originalLock }}
{{- end }}
{{- if $.Values.canary.enabled }}
- --canary-daemonset={{ $.Release.Namespace }}/nmi-canary
{{- if $.Values.canary.holdsStartupTaint }}
- --startup-taint-waits-for=canary
{{- end }}
{{- end }}
{{- include "flag" (list "--syncRetryDuration" .syncRetryDuration) }}
{{- include "flag" (list "--immutable-user-msis" (join "," .immutableUserMSIs)) }}
{{- include "flag" (list "--createDeleteBatch" .createDeleteBatch) }}
{{- include "flag" (list "--clientQps" .clientQps) }}
{{- include "flag" (list "--identity-assignment-reconcile-interval" .identityAssignmentReconcileInterval) }}
{{- include "flag" (list "--custom-user-agent" $.Values.customUserAgent) }}
{{- range .extraArgs }}
- {{ . | quote }}
{{- end }}
{{- end }}
{{- end }}

{{- define "micEnvironment" -}}
- name: MIC_POD_NAMESPACE
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
# /metrics is for whoever reaches the node's own address. HOST_IP is what --prometheus-address is without the flag.
- name: HOST_IP
  valueFrom:
    fieldRef:
      fieldPath: status.hostIP
# A heap that is collected early: 100,000 labelled pods fit. Raise it, and the limit, beyond that.
- name: NODE_OPTIONS
  value: --max-old-space-size=330 --max-semi-space-size=4
# One heap of the C library for all threads: 10 MiB less.
- name: MALLOC_ARENA_MAX
  value: '1'
# Short-lived blocks of the JavaScript compiler are returned to the kernel, and do not stay in the middle of that heap: 2 MiB less.
- name: MALLOC_MMAP_THRESHOLD_
  value: '16384'
- name: MALLOC_TRIM_THRESHOLD_
  value: '65536'
# Only calls to Entra with an application's credential heed HTTPS_PROXY. These names never go through it.
- name: NO_PROXY
  value: localhost,127.0.0.1,169.254.169.254,kubernetes.default.svc,.svc,.cluster.local
{{- if .Values.adminsecret }}
{{- range $variable, $key := dict "CLOUD" "Cloud" "TENANT_ID" "TenantID" "CLIENT_ID" "ClientID" "CLIENT_SECRET" "ClientSecret" "USE_MSI" "UseMSI" "USER_ASSIGNED_MSI_CLIENT_ID" "UserAssignedMSIClientID" }}
- name: {{ $variable }}
  valueFrom:
    secretKeyRef:
      name: aadpodidentity-admin-secret
      key: {{ $key }}
      {{- if ne $variable "CLOUD" }}
      optional: true
      {{- end }}
{{- end }}
{{- end }}
{{- if .Values.mic.customCloud.enabled }}
- name: AZURE_ENVIRONMENT_FILEPATH
  value: {{ .Values.mic.customCloud.configPath }}
{{- end }}
{{- end }}

{{/* Over zones and nodes, as far as there are several. */}}
{{- define "micSpread" -}}
{{- if .Values.mic.topologySpreadConstraints }}
{{- toYaml .Values.mic.topologySpreadConstraints }}
{{- else }}
{{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
- topologyKey: {{ . }}
  maxSkew: 1
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      app: mic
      component: mic
{{- end }}
{{- end }}
{{- end }}
