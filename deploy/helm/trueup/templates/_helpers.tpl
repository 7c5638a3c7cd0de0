{{- define "trueup.name" -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end }}

{{- define "trueup.selector" -}}
app.kubernetes.io/name: trueup
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "trueup.labels" -}}
{{ include "trueup.selector" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}
