"""What a cluster would make of rendered objects: pods with names, labels and environments; who selects whom."""

import copy
import re

NAMESPACE = "bess"


def selects(selector, labels):
    """Whether a label selector (matchLabels, matchExpressions) takes these labels. An empty one takes all."""
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    for rule in selector.get("matchExpressions") or []:
        value, among = labels.get(rule["key"]), rule.get("values", [])
        fits = {"In": value in among, "NotIn": value not in among, "Exists": value is not None,
                "DoesNotExist": value is None}[rule["operator"]]
        if not fits:
            return False
    return True


class Pod:
    """One pod as its controller would make it."""

    def __init__(self, owner, name, template, labels=None, annotations=None, claims=()):
        self.owner = owner
        self.name = name
        self.spec = copy.deepcopy(template["spec"])
        metadata = template.get("metadata", {})
        self.labels = {**(metadata.get("labels") or {}), **(labels or {})}
        self.annotations = {**(metadata.get("annotations") or {}), **(annotations or {})}
        self.claims = list(claims)
        self.ip = None

    def volumes(self):
        """Volumes by name; claims of a StatefulSet are among them."""
        found = {one["name"]: one for one in self.spec.get("volumes") or []}
        for claim in self.claims:
            found[claim] = {"name": claim, "persistentVolumeClaim": {"claimName": f"{claim}-{self.name}"}}
        return found

    def ports(self):
        """Ports of its containers by name."""
        return {port["name"]: port["containerPort"] for one in self.spec["containers"] for port in one.get("ports") or []}

    def port(self, wanted):
        """The number of a port that is told by number or name, or None."""
        return wanted if isinstance(wanted, int) else self.ports().get(wanted)

    def field(self, path):
        """A field of the downward API."""
        indexed = re.fullmatch(r"metadata\.(labels|annotations)\['(.+)'\]", path)
        if indexed:
            return getattr(self, indexed[1]).get(indexed[2])
        plain = {"metadata.name": self.name, "metadata.namespace": NAMESPACE, "status.podIP": self.ip,
                 "spec.serviceAccountName": self.spec.get("serviceAccountName")}
        return plain.get(path)

    def environment(self, container, secrets):
        """Its environment as the kubelet resolves it. `secrets` gives the value of `(name, key)`."""
        found = {}
        for one in container.get("env") or []:
            source = one.get("valueFrom")
            if not source:
                value = one.get("value", "")
                found[one["name"]] = re.sub(r"\$\((\w+)\)", lambda hit: found.get(hit[1], hit[0]), str(value))
            elif "fieldRef" in source:
                value = self.field(source["fieldRef"]["fieldPath"])
                if value is None:
                    raise ValueError(f"{self.name}: {one['name']} asks for {source['fieldRef']['fieldPath']}, which the pod has not")
                found[one["name"]] = value
            elif "secretKeyRef" in source:
                found[one["name"]] = secrets(source["secretKeyRef"]["name"], source["secretKeyRef"]["key"])
            else:
                raise ValueError(f"{self.name}: {one['name']} comes from {sorted(source)}")
        return found

    def arguments(self, container, environment):
        """Its arguments with `$(NAME)` put in."""
        return [re.sub(r"\$\((\w+)\)", lambda hit: environment.get(hit[1], hit[0]), str(one))
                for one in container.get("args") or []]


class Cluster:
    """Rendered objects and the pods that follow from them."""

    def __init__(self, objects):
        self.objects = objects
        self.pods = []
        for one in objects:
            if one["kind"] == "StatefulSet":
                self.pods += self._shards(one)
            if one["kind"] == "Deployment":
                self.pods += self._replicas(one)

    def kind(self, *kinds):
        return [one for one in self.objects if one["kind"] in kinds]

    def named(self, kind, name):
        return next((one for one in self.kind(kind) if one["metadata"]["name"] == name), None)

    def _shards(self, one):
        spec, name = one["spec"], one["metadata"]["name"]
        claims = [claim["metadata"]["name"] for claim in spec.get("volumeClaimTemplates") or []]
        for index in range(spec["replicas"]):
            pod = f"{name}-{index}"
            labels = {"apps.kubernetes.io/pod-index": str(index), "statefulset.kubernetes.io/pod-name": pod,
                      "controller-revision-hash": f"{name}-1"}
            yield Pod(one, pod, spec["template"], labels, claims=claims)

    def _replicas(self, one):
        name = one["metadata"]["name"]
        scaler = next((hpa for hpa in self.kind("HorizontalPodAutoscaler")
                       if hpa["spec"]["scaleTargetRef"]["name"] == name), None)
        count = one["spec"].get("replicas", scaler["spec"]["minReplicas"] if scaler else 1)
        for index in range(count):
            yield Pod(one, f"{name}-{index}x", one["spec"]["template"], {"pod-template-hash": "1"})

    def once(self):
        """Pods that end: of Jobs, one for each index, and those of `helm test`."""
        for one in self.kind("Job"):
            count = one["spec"].get("completions", 1)
            for index in range(count):
                mark = {"batch.kubernetes.io/job-completion-index": str(index)}
                indexed = one["spec"].get("completionMode") == "Indexed"
                yield Pod(one, f"{one['metadata']['name']}-{index}", one["spec"]["template"], annotations=mark if indexed else {})
        for one in self.kind("Pod"):
            yield Pod(one, one["metadata"]["name"], one)

    def selected(self, selector):
        """Pods that a plain map of labels takes; an empty one takes none."""
        return [pod for pod in self.pods if selector and selects({"matchLabels": selector}, pod.labels)]

    def endpoints(self, service):
        """Who is behind a Service."""
        return self.selected(service["spec"].get("selector") or {})

    def reads(self, volume):
        """Names of the files that a volume of a ConfigMap or a Secret brings, with their text (None for a Secret);
        None for other volumes. A missing object or key raises KeyError."""
        if "secret" in volume:
            items = volume["secret"].get("items")
            return {item["path"]: None for item in items} if items else {}
        if "configMap" not in volume:
            return None
        source = self.named("ConfigMap", volume["configMap"]["name"])
        if source is None:
            raise KeyError(f"there is no ConfigMap {volume['configMap']['name']}")
        data, items = source.get("data") or {}, volume["configMap"].get("items")
        if items is None:
            return dict(data)
        for item in items:
            if item["key"] not in data:
                raise KeyError(f"the ConfigMap {volume['configMap']['name']} has no key {item['key']}")
        return {item["path"]: data[item["key"]] for item in items}
