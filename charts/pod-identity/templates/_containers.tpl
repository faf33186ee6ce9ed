{{/* The image of mic or nmi. Call it with (list . "mic"). */}}
{{- define "image" -}}
{{- $root := index . 0 }}
{{- $of := index $root.Values (index . 1) }}
{{- $version := printf ":%s" (default $root.Chart.AppVersion $of.tag) }}
{{- with $of.digest }}{{ $version = printf "@%s" . }}{{ end }}
{{- printf "%s/%s%s" $root.Values.image.repository $of.image $version }}
{{- end }}

{{/* Whether a value is on. The original's values file has "true" and "false" as strings; in a template both would be true. */}}
{{- define "on" -}}
{{- if eq (toString .) "true" }}true{{ end }}
{{- end }}

{{/* Flags of both services. Call it with (list . "mic"). */}}
{{- define "sharedFlags" }}
{{- $root := index . 0 }}
{{- $of := index $root.Values (index . 1) }}
{{- if ne $root.Values.identityAccess.mode "namespace" }}
- --identity-access={{ $root.Values.identityAccess.mode }}
{{- end }}
{{- if not (include "on" $root.Values.forceNamespaced) }}
- --forceNamespaced=false
{{- end }}
{{- if ne (toString $of.logVerbosity) "0" }}
{{- include "flag" (list "--v" $of.logVerbosity) }}
{{- end }}
{{- with $of.loggingFormat }}
- --log-format={{ . }}
{{- end }}
{{- end }}

{{/* A flag that is given only if its value is. Call it with (list "--name" value). */}}
{{- define "flag" -}}
{{- if not (has (toString (index . 1)) (list "" "<nil>")) }}
- {{ index . 0 }}={{ index . 1 }}
{{- end }}
{{- end }}

{{/* Variables in which those of extraEnv take the place of ours with the same name. Call it with (list ours extraEnv). */}}
{{- define "environment" -}}
{{- $names := list }}
{{- range index . 1 }}{{ $names = append $names .name }}{{ end }}
{{- $kept := list }}
{{- range index . 0 | fromYamlArray }}
{{- if not (has .name $names) }}{{ $kept = append $kept . }}{{ end }}
{{- end }}
{{- concat $kept (index . 1) | toYaml }}
{{- end }}

{{/* The security contexts of pods that need no right on the node. */}}
{{- define "harmlessPod" -}}
runAsNonRoot: true
runAsUser: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "harmlessContainer" -}}
readOnlyRootFilesystem: true
allowPrivilegeEscalation: false
capabilities:
  drop: [ALL]
{{- end }}
