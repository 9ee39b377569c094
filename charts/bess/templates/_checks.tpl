{{/* What a schema cannot say: values that do not go together. */}}

{{- define "bess.checkValues" -}}
{{- $shards := include "bess.shards" . | int -}}
{{- $updated := .Values.shards.updatedShards -}}
{{- if and (not (kindIs "invalid" $updated)) (gt (int $updated) $shards) -}}
{{- fail (printf "shards.updatedShards: %v, but there are %d shards" $updated $shards) -}}
{{- end -}}
{{- if gt $shards 5000 -}}
{{- fail (printf "shards.unitsPerShard: %d shards are more than one StatefulSet is made for; give a pod more units" $shards) -}}
{{- end -}}
{{- if gt (add (int .Values.drainSeconds) 5) (int .Values.terminationGracePeriodSeconds) -}}
{{- fail "terminationGracePeriodSeconds: it must be at least 5 s longer than drainSeconds, or the last checkpoint is cut off" -}}
{{- end -}}
{{- if and (or .Values.ingress.enabled .Values.httpRoute.enabled) (gt $shards 1) (not (include "bess.hasGateway" .)) -}}
{{- fail "gateway.enabled: with several shards and no gateway nobody answers for the whole farm, so there is nothing to route to" -}}
{{- end -}}
{{- if and .Values.access.tls.existingSecret (include "bess.hasGateway" .) -}}
{{- fail "access.tls: the gateway speaks plain HTTP with its shards; let the Ingress or HTTPRoute before it have the certificate" -}}
{{- end -}}
{{- if gt (int .Values.gateway.autoscaling.minReplicas) (int .Values.gateway.autoscaling.maxReplicas) -}}
{{- fail "gateway.autoscaling: minReplicas is more than maxReplicas" -}}
{{- end -}}
{{- if and (not .Values.farm.file) (not .Values.farm.existingConfigMap) (ne (int .Values.farm.units) 10) -}}
{{- fail (printf "farm.units: the built-in farm has 10, not %v; farm.file is empty" .Values.farm.units) -}}
{{- end -}}
{{- if and .Values.simulation.stubEms (gt $shards 1) -}}
{{- fail "simulation.stubEms: the built-in EMS attends to one process; with several shards bring your own" -}}
{{- end -}}
{{- end -}}
