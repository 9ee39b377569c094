{{/* What follows from the farm: shards, gateway, files, resources. */}}

{{/* Shards: the units of the farm over those of a pod, rounded up. */}}
{{- define "bess.shards" -}}
{{- $k := int .Values.shards.unitsPerShard -}}
{{- div (sub (add (int .Values.farm.units) $k) 1) $k -}}
{{- end -}}

{{/* "true" or nothing. */}}
{{- define "bess.hasGateway" -}}
{{- $wish := toString .Values.gateway.enabled -}}
{{- if or (eq $wish "true") (and (eq $wish "auto") (gt (include "bess.shards" . | int) 1)) -}}true{{- end -}}
{{- end -}}

{{/* Who answers REST for the whole farm. */}}
{{- define "bess.apiComponent" -}}
{{- if include "bess.hasGateway" . -}}gateway{{- else -}}shard{{- end -}}
{{- end -}}

{{- define "bess.modbusMode" -}}
{{- $mode := .Values.service.modbus.mode -}}
{{- $many := gt (include "bess.shards" . | int) 1 -}}
{{- if and (eq $mode "shared") $many -}}
{{- fail "service.modbus.mode: shared with several shards would send a client to any of them; use perPod" -}}
{{- end -}}
{{- if ne $mode "auto" -}}{{- $mode -}}{{- else if $many -}}perPod{{- else -}}shared{{- end -}}
{{- end -}}

{{- define "bess.scheme" -}}
{{- if .Values.access.tls.existingSecret -}}HTTPS{{- else -}}HTTP{{- end -}}
{{- end -}}

{{/* "true" where there is a farm file; nothing for the built-in farm. */}}
{{- define "bess.hasFarmFile" -}}
{{- if or .Values.farm.file .Values.farm.existingConfigMap -}}true{{- end -}}
{{- end -}}

{{/* Files of the ConfigMap: a YAML map of key to path below /etc/bess. A key may have no slash. */}}
{{- define "bess.files" -}}
{{- if .Values.farm.file }}
farm.toml: farm.toml
{{- end }}
{{- if .Values.farm.modbus }}
modbus.toml: modbus.toml
{{- end }}
{{- range $kind := list (list "chemistries" "chemistry" "toml") (list "protections" "protection" "toml") (list "maps" "maps" "toml") (list "scenarios" "scenarios" "yaml") (list "inputs" "inputs" "csv") }}
{{- range $name, $text := index $.Values.farm (index $kind 0) }}
{{ printf "%s.%s.%s" (index $kind 1) $name (index $kind 2) }}: {{ printf "%s/%s.%s" (index $kind 1) $name (index $kind 2) }}
{{- end }}
{{- end }}
{{- end -}}

{{/* A scenario by name in farm.scenarios is a file, any other an id. */}}
{{- define "bess.scenario" -}}
{{- if hasKey .root.Values.farm.scenarios .name -}}/etc/bess/scenarios/{{ .name }}.yaml{{- else -}}{{ .name }}{{- end -}}
{{- end -}}

{{/* The series that a command follows: dict of `root` and `from` (with dispatch, frequency, voltage, ambient). */}}
{{- define "bess.inputArgs" -}}
{{- range $what := list "dispatch" "frequency" "voltage" "ambient" }}
{{- with index $.from $what }}
{{- if and (not (hasKey $.root.Values.farm.inputs .)) (not $.root.Values.farm.existingConfigMap) }}
{{- fail (printf "%s: farm.inputs has no %s" $what .) }}
{{- end }}
- --{{ $what }}
- /etc/bess/inputs/{{ . }}.csv
{{- end }}
{{- end }}
{{- end -}}

{{/* Requests and limits of a shard by its cells. Measured on one core of an AMD EPYC: a tick of 998,400 cells takes
8.1 ms (`make live-1gwh`), a cell 116 bytes, a process without cells 30 MB; a checkpoint holds each cell once more.
The limit of CPU is four times the request and half a core at least: in each 100 ms there must be room for the tick, a scrape
and the clients, or the kernel makes the loop wait. */}}
{{- define "bess.resources" -}}
{{- if .Values.resources -}}
{{- toYaml .Values.resources -}}
{{- else -}}
{{- $units := min (int .Values.farm.units) (int .Values.shards.unitsPerShard) -}}
{{- $cells := mul $units (int .Values.farm.cellsPerUnit) -}}
{{- $speed := max 1 (ceil .Values.simulation.speed | int) -}}
{{- $milli := add 50 (div (mul $cells $speed 11) 100000) -}}
{{- $mebi := add 96 (int .Values.simulation.historyMemory) (div (mul $cells 256) 1048576) -}}
requests:
  cpu: {{ $milli }}m
  memory: {{ $mebi }}Mi
limits:
  cpu: {{ max 500 (mul 4 $milli) }}m
  memory: {{ $mebi }}Mi
{{- end -}}
{{- end -}}
