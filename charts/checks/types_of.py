"""Custom resources against their types: TypeScript's `satisfies` finds fields that do not exist, which the schemas'
own validators let through."""

import json
import os
import subprocess
import tempfile

from common import TOOLS

TYPES = {
    "ServiceMonitor": ("prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor", "IServiceMonitor"),
    "PodMonitor": ("prometheus-operator/monitoring.coreos.com/v1/PodMonitor", "IPodMonitor"),
    "PrometheusRule": ("prometheus-operator/monitoring.coreos.com/v1/PrometheusRule", "IPrometheusRule"),
    "HTTPRoute": ("gateway-api/gateway.networking.k8s.io/v1/HTTPRoute", "IHTTPRoute"),
    "ApplicationSet": ("argo-cd/argoproj.io/v1alpha1/ApplicationSet", "IApplicationSet"),
    "AppProject": ("argo-cd/argoproj.io/v1alpha1/AppProject", "IAppProject"),
}


def compiled(objects):
    """What the compiler says of these objects, and of how many; nothing where all is well."""
    custom = [one for one in objects if one["kind"] in TYPES]
    lines = []
    for kind in sorted({one["kind"] for one in custom}):
        path, name = TYPES[kind]
        lines.append(f'import type {{ {name} }} from "@kubernetes-models/{path}";')
    lines += [f"export const object{index} = {json.dumps(one)} satisfies {TYPES[one['kind']][1]};"
              for index, one in enumerate(custom)]
    # Beside node_modules, where the compiler looks for types.
    with tempfile.TemporaryDirectory(prefix="check-", dir=TOOLS) as folder:
        path = os.path.join(folder, "objects.ts")
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        ran = subprocess.run(["node", os.path.join(TOOLS, "node_modules", "typescript", "bin", "tsc"), "--noEmit", "--strict",
                              "--skipLibCheck", "--target", "es2022", "--module", "nodenext", "--moduleResolution", "nodenext", path],
                             capture_output=True, text=True, check=False)
    return ran.stdout.strip(), len(custom)
