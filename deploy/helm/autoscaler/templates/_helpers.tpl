{{- define "autoscaler.name" -}}
{{- if contains "autoscaler" .Release.Name }}{{ .Release.Name | trunc 63 | trimSuffix "-" }}{{ else }}{{ printf "%s-autoscaler" .Release.Name | trunc 63 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "autoscaler.selector" -}}
app.kubernetes.io/name: autoscaler
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "autoscaler.labels" -}}
{{ include "autoscaler.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "autoscaler.serviceAccount" -}}
{{- if eq .Values.mode "sidecar" }}{{ .Values.sidecar.schedulerServiceAccount }}{{ else if .Values.serviceAccount.create }}{{ default (include "autoscaler.name" .) .Values.serviceAccount.name }}{{ else }}{{ default "default" .Values.serviceAccount.name }}{{ end }}
{{- end }}
