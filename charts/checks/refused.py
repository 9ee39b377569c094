"""Values that must be refused, each with a word of what Helm says: in the schema, or where values do not go together."""

FARM = "farm.file=[farm]"
REFUSED = [
    # What is no value of the chart.
    ("farm.unit=3", "unit is not allowed"),
    ("replicaCount=3", "replicaCount is not allowed"),
    ("service.modbus.ports=502", "ports is not allowed"),
    ("persistence.retention.whenDelted=Retain", "whenDelted is not allowed"),
    ("resources.limit.memory=1Gi", "limit is not allowed"),
    ("probes.liveness.path=/", "path is not allowed"),
    ("networkPolicy.apiFrom=[{\"podSelectors\": {}}]", "podSelectors is not allowed"),
    # Of another kind.
    ("farm.units=many", "Expected: integer"),
    ("farm.check=\"no\"", "Expected: boolean"),
    ("access.open=\"false\"", "Expected: boolean"),
    ("extraArgs=\"--speed 2\"", "Expected: array"),
    ("farm.seed=1.5", "Expected: [integer,null]"),
    # Out of range.
    ("farm.units=0", "greater than or equal to 1"),
    ("shards.unitsPerShard=0", "greater than or equal to 1"),
    ("simulation.speed=0", "greater than 0"),
    ("simulation.workers=0", "greater than or equal to 1"),
    ("service.api.port=70000", "less than or equal to 65535"),
    ("tracing.sample=2", "less than or equal to 1"),
    ("podDisruptionBudget.maxUnavailable=0", "greater than or equal to 1"),
    ("terminationGracePeriodSeconds=1", "greater than or equal to 5"),
    ("access.rateLimit=-1", "greater than or equal to 0"),
    # Not written as such things are.
    ("image.digest=sha256:12", "does not match pattern"),
    ("image.digest=latest", "does not match pattern"),
    ("image.tag=a b", "does not match pattern"),
    ("fullnameOverride=Bess", "does not match pattern"),
    ("persistence.size=5GB", "does not match pattern"),
    ("resources.limits.cpu=half", "does not match pattern"),
    ("checkpoints.every=1 minute", "does not match pattern"),
    ("monitoring.interval=5sec", "does not match pattern"),
    ("monitoring.job=simulator", "does not match pattern"),
    ("access.corsOrigins=[\"board.example\"]", "does not match pattern"),
    ("prometheusRule.runbookUrl=https://bess.example/runbooks", "does not match pattern"),
    ("extraEnv=[{\"name\": \"BESS SPEED\"}]", "does not match pattern"),
    # None of those that there are.
    ("service.modbus.mode=perUnit", "must be one of"),
    ("monitoring.type=prometheus", "must be one of"),
    ("gateway.enabled=maybe", "must be one of"),
    ("log.format=xml", "must be one of"),
    ("persistence.accessModes=[\"ReadWriteMany\"]", "must be one of"),
    ("persistence.retention.whenScaled=Keep", "must be one of"),
    ("image.pullPolicy=Sometimes", "must be one of"),
    # Incomplete.
    ("ingress.enabled=true", "greater than or equal to 1"),
    ("httpRoute.enabled=true", "must have at least 1"),
    ("study.enabled=true", "must have at least 1"),
    ("verdict.enabled=true", "must have at least 1"),
]
# Values that do not go together; templates refuse them.
TOGETHER = [
    ({"farm.units": 11}, "the built-in farm has 10"),
    ({"drainSeconds": 28}, "terminationGracePeriodSeconds"),
    ({"image.requireDigest": "true"}, "image.digest is empty"),
    ({"farm.file": "x", "farm.units": 500, "service.modbus.mode": "shared"}, "would send a client to any of them"),
    ({"farm.file": "x", "farm.units": 500, "gateway.enabled": "false", "ingress.enabled": "true", "ingress.host": "a.example"},
     "nobody answers for the whole farm"),
    ({"farm.file": "x", "farm.units": 500, "simulation.stubEms": "true"}, "attends to one process"),
    ({"shards.updatedShards": 2}, "there are 1 shards"),
    ({"gateway.autoscaling.minReplicas": 9}, "minReplicas is more than maxReplicas"),
    ({"prometheusRule.enabled": "true", "prometheusRule.disabled": "[\"BessNone\"]"}, "there is no alert BessNone"),
    ({"farm.dispatch": "agc"}, "farm.inputs has no agc"),
    ({"study.enabled": "true", "study.farm": "soc = ${soc}", "study.parameters": "[{\"seed\": 1}]"}, "study.farm has no ${seed}"),
    ({"study.enabled": "true", "study.farm": "${soc} ${seed}", "study.parameters": "[{\"seed\": 1}]"}, "gives no value for ${soc}"),
]
