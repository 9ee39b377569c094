{{/* Endpoints of a ServiceMonitor or PodMonitor: dict of `root` and `from`, the kind of object whose labels are looked at. */}}
{{- define "bess.endpoints" -}}
{{- $monitoring := .root.Values.monitoring -}}
{{- $paths := list (dict "path" "/metrics" "interval" $monitoring.interval) -}}
{{- if $monitoring.unitSignals -}}
{{- $paths = append $paths (dict "path" "/metrics/units" "interval" "30s" "collect" $monitoring.unitSignals) -}}
{{- end -}}
{{- range $one := $paths }}
- port: metrics
  path: {{ $one.path }}
  scheme: http
  interval: {{ $one.interval }}
  scrapeTimeout: {{ $monitoring.timeout }}
  {{- with $one.collect }}
  params:
    "collect[]":
      {{- toYaml . | nindent 6 }}
  {{- end }}
  relabelings:
    - targetLabel: job
      replacement: {{ $monitoring.job }}
    - sourceLabels: [__meta_kubernetes_{{ $.from }}_label_app_kubernetes_io_component]
      regex: gateway
      {{- if $one.collect }}
      # It has no units.
      action: drop
      {{- else }}
      targetLabel: job
      replacement: {{ $monitoring.job }}-gateway
      {{- end }}
    {{- if $monitoring.unitSignals }}
    # Both endpoints have the same job and instance: their `up` would collide.
    - sourceLabels: [__metrics_path__]
      targetLabel: metrics_path
    {{- end }}
{{- end }}
{{- end -}}

{{- define "bess.monitorLimits" -}}
{{- with .Values.monitoring.sampleLimit }}
sampleLimit: {{ int64 . }}
{{- end }}
{{- with .Values.monitoring.labelLimit }}
labelLimit: {{ int64 . }}
{{- end }}
{{- end -}}
