{{/* Parts that pods share. */}}

{{- define "bess.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "bess.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* What every pod has: dict of `root`. */}}
{{- define "bess.podBase" -}}
serviceAccountName: {{ include "bess.serviceAccount" .root }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  {{- include "bess.podSecurity" . | nindent 2 }}
{{- with .root.Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{/* Dict of `root` and `component`. */}}
{{- define "bess.topologySpread" -}}
{{- if .root.Values.topologySpread.enabled }}
topologySpreadConstraints:
  {{- range $key := list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ $key }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "bess.selector" $ | nindent 8 }}
    matchLabelKeys: [{{ if eq $.component "shard" }}controller-revision-hash{{ else }}pod-template-hash{{ end }}]
  {{- end }}
{{- end }}
{{- end -}}

{{/* Pods start anew when what they read at the start has changed. Secrets that Helm sees count; tokens and certificates
are read again by the program itself. */}}
{{- define "bess.checksums" -}}
checksum/config: {{ include (print $.Template.BasePath "/configmap.yaml") . | sha256sum }}
{{- $seen := list .Values.secretRevision }}
{{- range $name := list (include "bess.tokensSecret" .) .Values.access.tls.existingSecret .Values.modbusTls.existingSecret }}
{{- if $name }}
{{- $secret := lookup "v1" "Secret" $.Release.Namespace $name }}
{{- $seen = append $seen (toJson ($secret.data | default dict)) }}
{{- end }}
{{- end }}
checksum/secret: {{ $seen | toJson | sha256sum }}
{{- end -}}

{{/* Volumes of the farm's files and of Secrets, and where they are mounted. */}}
{{- define "bess.configVolumes" -}}
{{- if or (include "bess.files" . | fromYaml) .Values.farm.existingConfigMap }}
- name: farm
  configMap:
    name: {{ include "bess.farmConfigMap" . }}
    {{- if not .Values.farm.existingConfigMap }}
    items:
      {{- range $key, $path := include "bess.files" . | fromYaml }}
      - key: {{ $key }}
        path: {{ $path }}
      {{- end }}
    {{- end }}
{{- end }}
{{- end -}}

{{- define "bess.configMounts" -}}
{{- if or (include "bess.files" . | fromYaml) .Values.farm.existingConfigMap }}
- name: farm
  mountPath: /etc/bess
  readOnly: true
{{- end }}
{{- end -}}

{{- define "bess.accessVolumes" -}}
{{- if not .Values.access.open }}
- name: tokens
  secret:
    secretName: {{ include "bess.tokensSecret" . }}
    defaultMode: 0440
    items:
      - key: {{ .Values.access.tokens.key }}
        path: tokens.toml
{{- end }}
{{- with .Values.access.tls.existingSecret }}
- name: tls
  secret:
    secretName: {{ . }}
    defaultMode: 0440
{{- end }}
{{- end -}}

{{- define "bess.accessMounts" -}}
{{- if not .Values.access.open }}
- name: tokens
  mountPath: /etc/bess-access
  readOnly: true
{{- end }}
{{- if .Values.access.tls.existingSecret }}
- name: tls
  mountPath: /etc/bess-tls
  readOnly: true
{{- end }}
{{- end -}}

{{/* Environment of shards and gateways. */}}
{{- define "bess.edgeEnv" -}}
- name: BESS_BIND
  value: 0.0.0.0
- name: BESS_API_PORT
  value: "8000"
- name: BESS_METRICS_PORT
  value: "9090"
- name: BESS_LOG
  value: {{ .Values.log.filter | quote }}
- name: BESS_LOG_FORMAT
  value: {{ .Values.log.format }}
- name: BESS_DRAIN
  value: {{ printf "%ds" (int64 .Values.drainSeconds) | quote }}
- name: BESS_UNITS_PER_SHARD
  value: {{ .Values.shards.unitsPerShard | int64 | quote }}
{{- if include "bess.hasFarmFile" . }}
- name: BESS_FARM
  value: /etc/bess/farm.toml
{{- end }}
{{- end -}}

{{/* Who may use REST: the shards say so, a gateway passes tokens on. */}}
{{- define "bess.accessEnv" -}}
{{- if .Values.access.open }}
- name: BESS_ALLOW_OPEN_API
  value: "true"
{{- else }}
- name: BESS_TOKENS
  value: /etc/bess-access/tokens.toml
{{- end }}
{{- if not (kindIs "invalid" .Values.access.rateLimit) }}
- name: BESS_RATE_LIMIT
  value: {{ .Values.access.rateLimit | int64 | quote }}
{{- end }}
{{- if .Values.access.tls.existingSecret }}
- name: BESS_TLS_CERT
  value: /etc/bess-tls/tls.crt
- name: BESS_TLS_KEY
  value: /etc/bess-tls/tls.key
{{- end }}
{{- end -}}

{{/* Probes of whoever serves REST: a start in time, the heartbeat, readiness. */}}
{{- define "bess.probes" -}}
{{- $scheme := include "bess.scheme" . -}}
startupProbe:
  httpGet:
    path: /healthz
    port: api
    scheme: {{ $scheme }}
  periodSeconds: 1
  timeoutSeconds: 1
  failureThreshold: {{ .Values.probes.startup.failureThreshold }}
livenessProbe:
  httpGet:
    path: /healthz
    port: api
    scheme: {{ $scheme }}
  {{- toYaml .Values.probes.liveness | nindent 2 }}
readinessProbe:
  httpGet:
    path: /readyz
    port: api
    scheme: {{ $scheme }}
  {{- toYaml .Values.probes.readiness | nindent 2 }}
{{- end -}}
