"""Holds every manifest of a folder to its schema, and the manifests to each other.

check_manifests.py K8 GATEWAY_CRDS CONFIG_OUT: writes the ConfigMap's config.toml to CONFIG_OUT. Also shows that the
check can fail: a misspelt field in each manifest has to be found.
"""

import copy
import pathlib
import sys

import jsonschema
import kubernetes_validate
import yaml

VERSIONS = ["1.28", "1.34"]  # the oldest and the newest that the manifests are for


def closed(schema):
    """What an API server with strict field validation does: a field that the schema does not know is a mistake."""
    if isinstance(schema, dict):
        if "properties" in schema and "additionalProperties" not in schema and not schema.get(
            "x-kubernetes-preserve-unknown-fields"
        ):
            schema["additionalProperties"] = False
        for value in schema.values():
            closed(value)
    elif isinstance(schema, list):
        for value in schema:
            closed(value)


def gateway_schemas(folder):
    schemas = {}
    for file in sorted(folder.glob("*.yaml")):
        definition = yaml.safe_load(file.read_text())
        for version in definition["spec"]["versions"]:
            schema = version["schema"]["openAPIV3Schema"]
            schema["properties"]["metadata"] = {"type": "object"}  # the API server's own
            closed(schema)
            schema["properties"]["metadata"].pop("additionalProperties", None)
            name = f"{definition['spec']['group']}/{version['name']}"
            schemas[name, definition["spec"]["names"]["kind"]] = schema
    return schemas


def mistakes(manifest, schemas):
    kind = (manifest["apiVersion"], manifest["kind"])
    if kind[0].startswith("gateway."):
        if kind not in schemas:
            return [f"no definition of {kind}"]
        return [error.message for error in jsonschema.Draft202012Validator(schemas[kind]).iter_errors(manifest)]
    found = []
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(manifest, version, strict=True)
        except (kubernetes_validate.ValidationError, kubernetes_validate.SchemaNotFoundError) as error:
            found.append(f"{version}: {getattr(error, 'message', error)}")
    return found


def must(what, holds):
    if not holds:
        sys.exit(f"deploy: expected that {what}")


def misspelt(manifest):
    wrong = copy.deepcopy(manifest)
    place = next((wrong[key] for key in ("spec", "rules", "subjects", "metadata") if wrong.get(key)), wrong)
    (place[0] if isinstance(place, list) else place)["misspelt"] = 1
    return wrong


def fit_each_other(by_kind, config_out):
    pod = by_kind["Deployment", "adit"]["spec"]["template"]
    spec, labels = pod["spec"], pod["metadata"]["labels"]
    daemon = spec["containers"][0]
    must("there is one replica, replaced", by_kind["Deployment", "adit"]["spec"]["strategy"]["type"] == "Recreate")
    must("the pod has its account, without a token", spec["serviceAccountName"] == "adit"
         and spec["automountServiceAccountToken"] is False and ("ServiceAccount", "adit") in by_kind)
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        must(f"{probe} asks for life", daemon[probe]["httpGet"] == {"path": "/health?live", "port": "http"})
    must("the daemon has one capability", daemon["securityContext"]["capabilities"]
         == {"drop": ["ALL"], "add": ["NET_ADMIN"]} and not daemon["securityContext"].get("privileged"))
    must("it is the image's user", spec["securityContext"]["runAsUser"] == 10001)
    images = {container["image"] for container in spec["containers"] + spec["initContainers"]}
    must("all containers are of one image", len(images) == 1)
    ports = {port["name"]: port["containerPort"] for port in daemon["ports"]}
    for name in ("adit", "adit-wireguard"):
        service = by_kind["Service", name]["spec"]
        must(f"the service {name} finds the pod", service["selector"].items() <= labels.items()
             and all(port["targetPort"] in ports for port in service["ports"]))
    route = by_kind["HTTPRoute", "adit"]["spec"]
    backend = route["rules"][0]["backendRefs"][0]
    must("the route leads to the service", backend["name"] == "adit"
         and backend["port"] in [port["port"] for port in by_kind["Service", "adit"]["spec"]["ports"]])
    grant = by_kind["ReferenceGrant", "adit-tls"]["spec"]
    must("the grant is for the route's Gateway", grant["from"][0]["namespace"] == route["parentRefs"][0]["namespace"])
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    must("the volumes are there", volumes["config"]["configMap"]["name"] == "adit" and ("ConfigMap", "adit") in by_kind
         and (volumes["data"]["persistentVolumeClaim"]["claimName"]
              == by_kind["PersistentVolumeClaim", "adit"]["metadata"]["name"]))
    config = by_kind["ConfigMap", "adit"]["data"]["config.toml"]
    must("the config has the pod's ports", f"port = {ports['http']}\n" in config
         and f"endpoint_port = {ports['wireguard']}\n" in config)
    must("the config names its proxies", "trusted_proxies = [" in config)
    must("the config has the route's host", f'public_host = "{route["hostnames"][0]}"' in config)
    must("no secret is in the manifests", not any(kind == "Secret" for kind, _ in by_kind))
    pathlib.Path(config_out).write_text(config)


def main(folder, crds, config_out):
    schemas = gateway_schemas(pathlib.Path(crds))
    by_kind = {}
    bad = 0
    for file in sorted(pathlib.Path(folder).glob("*.yaml")):
        for manifest in yaml.safe_load_all(file.read_text()):
            name = (manifest["kind"], manifest["metadata"]["name"])
            must(f"{name} is there once", name not in by_kind)
            by_kind[name] = manifest
            must(f"{name} is in the namespace", name[0] == "Namespace" or manifest["metadata"]["namespace"] == "adit")
            for mistake in mistakes(manifest, schemas):
                print(f"{file}: {name[0]} {name[1]}: {mistake}")
                bad += 1
            must(f"a misspelt field in {name} is found", mistakes(misspelt(manifest), schemas))
    print(f"{len(by_kind)} manifests, {bad} mistakes")
    if bad:
        sys.exit(1)
    fit_each_other(by_kind, config_out)


main(*sys.argv[1:])
