{{- define "aws-backup-exporter.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* At most 46 characters: the longest suffix of an object's name has 17. */}}
{{- define "aws-backup-exporter.fullname" -}}
{{- $name := include "aws-backup-exporter.name" . }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 46 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 46 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 46 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "aws-backup-exporter.selectorLabels" -}}
app.kubernetes.io/name: {{ include "aws-backup-exporter.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{/* Labels of an object: takes the context, the component and, optionally, more labels. */}}
{{- define "aws-backup-exporter.labels" -}}
{{- $own := fromYaml (include "aws-backup-exporter.selectorLabels" .context) }}
{{- $_ := set $own "helm.sh/chart" (printf "%s-%s" .context.Chart.Name .context.Chart.Version | replace "+" "_") }}
{{- $_ := set $own "app.kubernetes.io/version" .context.Chart.AppVersion }}
{{- $_ := set $own "app.kubernetes.io/component" .component }}
{{- $_ := set $own "app.kubernetes.io/managed-by" .context.Release.Service }}
{{- toYaml (merge $own (default (dict) .labels) .context.Values.commonLabels) }}
{{- end }}

{{- define "aws-backup-exporter.serviceAccountName" -}}
{{- default (ternary (include "aws-backup-exporter.fullname" .) "default" .Values.serviceAccount.create) .Values.serviceAccount.name }}
{{- end }}

{{- define "aws-backup-exporter.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}
{{- end }}

{{- define "aws-backup-exporter.headlessName" -}}
{{ include "aws-backup-exporter.fullname" . }}-headless
{{- end }}

{{/* Whether the exporter has a web configuration: "true" or empty. */}}
{{- define "aws-backup-exporter.hasWebConfig" -}}
{{- if or .Values.web.config .Values.web.existingSecret }}true{{ end }}
{{- end }}

{{- define "aws-backup-exporter.webSecretName" -}}
{{- .Values.web.existingSecret | default (printf "%s-web" (include "aws-backup-exporter.fullname" .)) }}
{{- end }}

{{/* A probe of the container: takes the context, the values of the probe and the path. */}}
{{- define "aws-backup-exporter.probe" -}}
{{- if .probe }}
{{- toYaml .probe }}
{{- else if include "aws-backup-exporter.hasWebConfig" .context -}}
tcpSocket:
  port: http
{{- else -}}
httpGet:
  path: {{ .path }}
  port: http
timeoutSeconds: 5
{{- end }}
{{- end }}

{{/* The metrics of the exporter itself. A scrape that selects only these calls no AWS API. */}}
{{- define "aws-backup-exporter.ownMetrics" -}}
- aws_backup_exporter_build_info
- aws_backup_exporter_config_last_reload_successful
- aws_backup_exporter_config_last_reload_success_timestamp_seconds
- process_cpu_seconds_total
- process_resident_memory_bytes
- process_start_time_seconds
{{- end }}

{{/* Metadata of an object that may be in another namespace: takes the context, the values and the name. */}}
{{- define "aws-backup-exporter.metadata" -}}
name: {{ .name }}
namespace: {{ .values.namespace | default .context.Release.Namespace }}
labels:
  {{- include "aws-backup-exporter.labels" (dict "context" .context "component" "monitoring" "labels" .values.labels) | nindent 2 }}
{{- with .values.annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Fails with the reason if values contradict each other. */}}
{{- define "aws-backup-exporter.validate" -}}
{{- $sources := 0 }}
{{- range list .Values.config .Values.existingConfigMap .Values.existingConfigSecret }}
{{- if . }}{{ $sources = add1 $sources }}{{ end }}
{{- end }}
{{- if gt $sources 1 }}
{{- fail "config, existingConfigMap and existingConfigSecret exclude each other; set one of them" }}
{{- end }}
{{- if and .Values.web.config .Values.web.existingSecret }}
{{- fail "web.config and web.existingSecret exclude each other; set one of them" }}
{{- end }}
{{- if and .Values.scrapeConfig.enabled (gt (int .Values.replicaCount) 1) (not .Values.sharding.enabled) }}
{{- fail "scrapeConfig with more than one replica needs sharding; set sharding.enabled=true" }}
{{- end }}
{{- end }}
