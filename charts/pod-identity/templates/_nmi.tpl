{{- define "nmiArguments" -}}
{{- with .Values.nmi }}
- --node=$(NODE_NAME)
- --http-probe-port={{ .probePort }}
- --probe-file=/dev/termination-log
{{- include "sharedFlags" (list $ "nmi") }}
{{- with $.Values.identityAccess.allowExceptionsIn }}
- --exception-namespaces={{ append . $.Release.Namespace | uniq | join "," }}
{{- end }}
{{- if eq $.Values.operationMode "managed" }}
- --operation-mode=managed
{{- include "flag" (list "--startup-taint" $.Values.startupTaint) }}
{{- end }}
{{- if $.Values.broker.enabled }}
- --broker=aad-pod-identity-broker
- --broker-token-file=/var/run/secrets/aad-pod-identity-broker/token
{{- end }}
{{- include "flag" (list "--prometheus-port" .prometheusPort) }}
{{- include "flag" (list "--ipt-update-interval-sec" .ipTableUpdateTimeIntervalInSeconds) }}
{{- if not (include "on" .enableScaleFeatures) }}
- --enableScaleFeatures=false
{{- end }}
{{- if include "on" .blockInstanceMetadata }}
- --block-instance-metadata
{{- end }}
{{- if not (include "on" .metadataHeaderRequired) }}
- --metadata-header-required=false
{{- end }}
{{- if not (include "on" .enableConntrackDeletion) }}
- --enable-conntrack-deletion=false
{{- end }}
{{- range .extraArgs }}
- {{ . | quote }}
{{- end }}
{{- end }}
{{- end }}

{{- define "nmiEnvironment" -}}
- name: NODE_NAME
  valueFrom:
    fieldRef:
      fieldPath: spec.nodeName
# To find its own containers among those of the node.
- name: POD_UID
  valueFrom:
    fieldRef:
      fieldPath: metadata.uid
# /metrics is for whoever reaches the node's own address. HOST_IP is what --prometheus-address is without the flag.
- name: HOST_IP
  valueFrom:
    fieldRef:
      fieldPath: status.hostIP
# A heap that is collected early: 5,000 AzureIdentities with their bindings and 2,000 tokens fit. Raise the second
# number, and the limit, beyond that.
- name: NODE_OPTIONS
  value: --max-semi-space-size=2 --max-old-space-size=64
# One heap for all threads of the C library: each of its own keeps what its thread once needed.
- name: MALLOC_ARENA_MAX
  value: '1'
# Short-lived blocks of the JavaScript compiler are returned to the kernel, and do not stay in the middle of that heap.
- name: MALLOC_MMAP_THRESHOLD_
  value: '16384'
- name: MALLOC_TRIM_THRESHOLD_
  value: '65536'
# Only calls to Entra for service principals heed HTTPS_PROXY, and these names never go through it. The API server and the
# metadata service are always called directly.
- name: NO_PROXY
  value: localhost,127.0.0.1,169.254.169.254,kubernetes.default.svc,.svc,.cluster.local
{{- end }}

{{/* Where SELinux is enforced, a container of another type cannot write settings of the host's kernel, or its /etc. Hosts without SELinux
ignore it. */}}
{{- define "hostWriter" -}}
runAsUser: 0
readOnlyRootFilesystem: true
allowPrivilegeEscalation: false
capabilities:
  drop: [ALL]
  add: [NET_ADMIN, NET_RAW]
seLinuxOptions:
  type: spc_t
  level: s0
{{- end }}

{{/* Of the commands that write or remove rules, and end. */}}
{{- define "commandResources" -}}
requests:
  cpu: 50m
  memory: 64Mi
limits:
  memory: 256Mi
{{- end }}

{{/* Before 1.22 a DaemonSet had no maxSurge. */}}
{{- define "nmiUpdateStrategy" -}}
{{- if .Values.nmi.updateStrategy }}
{{- toYaml .Values.nmi.updateStrategy }}
{{- else if semverCompare ">=1.22-0" .Capabilities.KubeVersion.Version }}
type: RollingUpdate
rollingUpdate:
  maxSurge: 1
  maxUnavailable: 0
{{- else }}
type: RollingUpdate
rollingUpdate:
  maxUnavailable: 1
{{- end }}
{{- end }}
