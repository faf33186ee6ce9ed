{{/* Everything that is wrong with the values or with the cluster, one problem on each line. Rendered by checks.yaml. */}}
{{- define "problems" -}}
{{- include "droppedValues" . }}
{{- include "otherTypes" . }}
{{- include "imageProblems" . }}
{{- include "identityProblems" . }}
{{- include "wrongPairs" . }}
{{- if .Values.checkCRDs }}
{{- include "oldDefinitions" . }}
{{- end }}
{{- include "removalProblems" . }}
{{- end }}

{{- define "droppedValues" -}}
{{- range $path, $remedy := .Files.Get "dropped-values.yaml" | fromYaml }}
{{- $at := $.Values }}
{{- range splitList "." $path }}
{{- $at = ternary (dict) $at (not (kindIs "map" $at)) }}
{{- $at = get $at . }}
{{- end }}
{{- if not (has (toString $at) (list "" "<nil>")) }}
- {{ $path }}: this chart does not have this value of the original's. {{ $remedy }}
{{- end }}
{{- end }}
{{- end }}

{{/* Values that a copy of the original's values.yaml has as another type. The schema lets them pass: its texts would name no remedy. */}}
{{- define "otherTypes" -}}
{{- if typeIs "string" .Values.installMICException }}
- installMICException: is the text "{{ .Values.installMICException }}". Write true or false without quotes; in the original every text means true.
{{- end }}
{{- range $path, $default := dict "mic.probePort" 8080 "mic.prometheusPort" 8888 "nmi.probePort" 8086 "nmi.prometheusPort" 9090 }}
{{- $names := splitList "." $path }}
{{- $port := get (get $.Values (first $names)) (last $names) }}
{{- /* A number of values.yaml has the kind string in Helm 3.18, and the type json.Number. */}}
{{- if typeIs "string" $port }}
{{- if $port }}
- {{ $path }}: is the text "{{ $port }}". Write the number without quotes, or remove it, which means {{ $default }}.
{{- else if ne $path "nmi.prometheusPort" }}
- {{ $path }}: is empty. Remove it, which means {{ $default }}, or write the number.
{{- end }}
{{- end }}
{{- end }}
{{- range $name, $default := dict "enableScaleFeatures" true "blockInstanceMetadata" false "metadataHeaderRequired" true "enableConntrackDeletion" true }}
{{- if eq (toString (get $.Values.nmi $name)) "" }}
- nmi.{{ $name }}: is empty. Write true or false, or remove it, which means {{ $default }}.
{{- end }}
{{- end }}
{{- if kindIs "slice" .Values.azureIdentities }}
- azureIdentities: is a list. Write each identity under its name, as in azureIdentities: {NAME: {type: 0, ...}}.
{{- end }}
{{- end }}

{{- define "imageProblems" -}}
{{- $repository := default "" .Values.image.repository }}
{{- $folder := "[a-z0-9]([a-z0-9._-]*[a-z0-9])?" }}
{{- if not (regexMatch (printf "^%s(:[0-9]+)?(/%s)*$" $folder $folder) $repository) }}
- image.repository: is "{{ $repository }}". Write the registry and the folder in lower case, without https://, without a slash at the end, without a tag, as in registry.example.com/aad-pod-identity.
{{- end }}
{{- range $name := list "mic" "nmi" }}
{{- $image := default "" (get $.Values $name).image }}
{{- if not (regexMatch (printf "^%s(/%s)*$" $folder $folder) $image) }}
- {{ $name }}.image: is "{{ $image }}". Write the name alone, as in {{ $name }}; the registry is in image.repository, the tag in {{ $name }}.tag.
{{- end }}
{{- $tag := default "" (get $.Values $name).tag }}
{{- $digest := default "" (get $.Values $name).digest }}
{{- if contains "sha256:" $tag }}
- {{ $name }}.tag: is "{{ $tag }}", a digest. Set {{ $name }}.digest to sha256:{{ last (splitList "sha256:" $tag) }}, and remove the tag.
{{- else if not (regexMatch "^([A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?$" $tag) }}
- {{ $name }}.tag: is "{{ $tag }}". Write the tag alone, as in 0.1.0; the registry is in image.repository.
{{- end }}
{{- if not (regexMatch "^(sha256:[0-9a-f]{64})?$" $digest) }}
- {{ $name }}.digest: is "{{ $digest }}". Write sha256: and 64 digits from 0 to f, as the push printed them.
{{- end }}
{{- end }}
{{- end }}

{{- define "wrongPairs" -}}
{{- with .Values.adminsecret }}
{{- if not .cloud }}
- adminsecret.cloud: is missing. Set AzurePublicCloud, AzureUSGovernmentCloud, AzureChinaCloud or AzureStackCloud.
{{- end }}
{{- if not (or (include "on" .useMSI) (and .tenantID .clientID .clientSecret)) }}
- adminsecret: holds no credential. Set tenantID, clientID and clientSecret, or useMSI true (and userAssignedMSIClientID for a user-assigned identity).
{{- end }}
{{- end }}
{{- if and (eq .Values.operationMode "managed") (not (include "on" .Values.forceNamespaced)) }}
- forceNamespaced: the operation mode managed needs forceNamespaced true.
{{- end }}
{{- if .Values.mic.replicas }}
{{- with .Values.mic.podDisruptionBudget }}
{{- $replicas := float64 (toString $.Values.mic.replicas) }}
{{- $available := toString .minAvailable }}
{{- $share := trimSuffix "%" $available }}
{{- /* Kubernetes rounds a share up. */}}
{{- $number := ternary (ceil (divf (mulf $share $replicas) 100)) (float64 $share) (hasSuffix "%" $available) }}
{{- if and (hasKey . "minAvailable") (ge $number $replicas) }}
- mic.podDisruptionBudget.minAvailable: {{ if hasSuffix "%" $available }}{{ $available }} of {{ $replicas }} MICs are {{ $number }}, which {{ end }}must be below mic.replicas ({{ $replicas }}), or no node with a MIC can be drained. Set maxUnavailable 1 instead.
{{- else if and (not (hasKey . "minAvailable")) (eq (trimSuffix "%" (toString .maxUnavailable)) "0") }}
- mic.podDisruptionBudget.maxUnavailable: must be above 0, or no node with a MIC can be drained. Set 1.
{{- end }}
{{- end }}
{{- end }}
{{- if and .Values.broker.enabled (not .Values.broker.everyNodeIsTrusted) (not (regexMatch "(^| )node-restriction\\.kubernetes\\.io/" (keys .Values.broker.nodeSelector | join " "))) }}
- broker.nodeSelector: who has root on a node with the broker has every federated identity, so where it runs is your choice. Name a label that no kubelet can give its own node, as in broker.nodeSelector: {node-restriction.kubernetes.io/pod-identity-broker: "true"}, or set broker.everyNodeIsTrusted true.
{{- end }}
{{- if and .Values.admissionPolicies (semverCompare "<1.30-0" .Capabilities.KubeVersion.Version) }}
- admissionPolicies: needs Kubernetes 1.30, and the cluster has {{ .Capabilities.KubeVersion.Version }}. Remove it, or set false.
{{- end }}
{{- if .Values.monitoring.enabled }}
{{- if not (.Capabilities.APIVersions.Has "monitoring.coreos.com/v1") }}
- monitoring.enabled: the cluster does not have the API monitoring.coreos.com/v1. Install the Prometheus operator first; for `helm template` add --api-versions=monitoring.coreos.com/v1.
{{- end }}
{{- end }}
{{- end }}

{{- define "identityProblems" -}}
{{- $seen := dict }}
{{- $armId := "(?i)^(/subscriptions/[^/]+/resourcegroups/[^/]+/providers/microsoft\\.managedidentity/userassignedidentities/[^/]+/?)?$" }}
{{- range $key, $identity := ternary (dict) .Values.azureIdentities (kindIs "slice" .Values.azureIdentities) }}
{{- $at := printf "azureIdentities.%s" $key }}
{{- $namespace := default $.Release.Namespace $identity.namespace }}
{{- $name := default $key $identity.name }}
{{- $binding := default (printf "%s-binding" $name) $identity.binding.name }}
{{- /* Of two objects with one name Helm writes the second over the first. */}}
{{- range $field, $object := dict "name" (printf "AzureIdentity %s/%s" $namespace $name) "binding.name" (printf "AzureIdentityBinding %s/%s" $namespace $binding) }}
{{- if hasKey $seen $object }}
- {{ $at }}.{{ $field }}: {{ $object }} is of azureIdentities.{{ get $seen $object }} already. Set another name.
{{- end }}
{{- $_ := set $seen $object $key }}
{{- end }}
{{- if and (not $identity.namespace) (include "on" $.Values.forceNamespaced) }}
- {{ $at }}.namespace: is missing. With forceNamespaced an identity serves only pods of its own namespace: set the namespace of these pods.
{{- end }}
{{- if and (eq (toString $identity.type) "0") (not $identity.resourceID) }}
- {{ $at }}.resourceID: is missing. Set the ARM id of the managed identity (type 0).
{{- else if not (regexMatch $armId (default "" $identity.resourceID)) }}
- {{ $at }}.resourceID: is "{{ $identity.resourceID }}". Write the ARM id as `az identity show --query id` prints it: /subscriptions/…/resourceGroups/…/providers/Microsoft.ManagedIdentity/userAssignedIdentities/NAME.
{{- end }}
{{- $names := dict "name" $name "binding.name" $binding }}
{{- with $identity.clientPassword }}{{ $_ := set $names "clientPassword.name" .name }}{{ end }}
{{- range $index, $account := $identity.serviceAccounts }}
{{- if ne $account "*" }}{{ $_ := set $names (printf "serviceAccounts[%d]" $index) $account }}{{ end }}
{{- end }}
{{- range $field, $value := $names }}
{{- if or (gt (len $value) 253) (not (regexMatch "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$" $value)) }}
- {{ $at }}.{{ $field }}: is "{{ $value }}", which can't be the name of an object. Write up to 253 small letters, digits, - and dots.
{{- end }}
{{- end }}
{{- if not (regexMatch "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$" $namespace) }}
- {{ $at }}.namespace: is "{{ $namespace }}", which can't be the name of a namespace. Write up to 63 small letters, digits and -.
{{- end }}
{{- if eq (toString $identity.type) "3" }}
{{- range list "tenantID" "clientID" }}
{{- if not (regexMatch "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$" (default "" (get $identity .))) }}
- {{ $at }}.{{ . }}: is "{{ get $identity . }}". A federated identity (type 3) needs it, as in 00000000-0000-0000-0000-000000000000.
{{- end }}
{{- end }}
{{- range list "clientPassword" "auxiliaryTenantIDs" }}
{{- if get $identity . }}
- {{ $at }}.{{ . }}: remove it. A federated identity (type 3) has none.
{{- end }}
{{- end }}
{{- else if ne (toString $identity.type) "0" }}
{{- range list "tenantID" "clientID" "clientPassword" }}
{{- if not (get $identity .) }}
- {{ $at }}.{{ . }}: is missing. A service principal (type {{ $identity.type }}) needs it.
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* Helm creates definitions of crds/ and never updates them. An API server with older ones drops the fields that they lack: a binding
would lose its podSelector, and select more pods than its author wrote. */}}
{{- define "oldDefinitions" -}}
{{- range $file, $_ := .Files.Glob "crds/*.yaml" }}
{{- $wanted := $.Files.Get $file | fromYaml }}
{{- $found := lookup "apiextensions.k8s.io/v1" "CustomResourceDefinition" "" $wanted.metadata.name }}
{{- if and $found $found.spec.preserveUnknownFields }}
- {{ $wanted.metadata.name }}: this definition in the cluster is of the API v1beta1, whose schemas drop nothing and have no defaults. Run: kubectl apply --server-side --force-conflicts -k deploy/overlays/old-definitions (or set checkCRDs=false).
{{- else if $found }}
{{- $missing := list }}
{{- range $version := $wanted.spec.versions }}
{{- $theirs := dict }}
{{- range $found.spec.versions }}
{{- if eq .name $version.name }}{{ $theirs = dig "schema" "openAPIV3Schema" (dict) . }}{{ end }}
{{- end }}
{{- $paths := include "missingFields" (dict "wanted" $version.schema.openAPIV3Schema "found" $theirs "path" "") }}
{{- $missing = concat $missing (splitList " " (trim $paths)) | compact | uniq }}
{{- end }}
{{- with $missing }}
- {{ $wanted.metadata.name }}: this definition in the cluster is older than the chart and lacks {{ join ", " . }}; Helm does not update definitions. Run: kubectl apply --server-side --force-conflicts -f FOLDER, where FOLDER is the chart's folder crds (or set checkCRDs=false).
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* The paths of the fields that a schema has and another lacks, each followed by a space. */}}
{{- define "missingFields" -}}
{{- $found := default (dict) (get .found "properties") }}
{{- range $name, $schema := default (dict) (get .wanted "properties") }}
{{- $path := printf "%s.%s" $.path $name }}
{{- if hasKey $found $name }}
{{- include "missingFields" (dict "wanted" $schema "found" (get $found $name) "path" $path) }}
{{- else }}
{{- printf "%s " (trimPrefix "." $path) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "removalProblems" -}}
{{- if .Values.nmi.removeRules }}
{{- if and (.Capabilities.APIVersions.Has "aadpodidentity.k8s.io/v1/AzureAssignedIdentity") (lookup "aadpodidentity.k8s.io/v1" "AzureAssignedIdentity" "" "").items }}
- nmi.removeRules: pods still have identities (kubectl get azureassignedidentities -A). Without the rules every pod of their machines could use these. Delete the AzureIdentityBindings, wait until MIC has removed the AzureAssignedIdentities, and detached the identities (5 minutes later), and try again.
{{- end }}
{{- else if lookup "apps/v1" "DaemonSet" .Release.Namespace "nmi-uninstall" }}
{{- if not .Release.IsUpgrade }}
- nmi-uninstall: this DaemonSet in the namespace {{ .Release.Namespace }} would remove NMI's rules again. Run: kubectl -n {{ .Release.Namespace }} delete daemonset nmi-uninstall
{{- end }}
{{- end }}
{{- end }}
