#!/usr/bin/env python3
"""Turns a container of an example into arguments of podman, one a line, so that what runs is what the example says.

container_args.py compose FILE SERVICE DIR           a service of a compose file; its bind mounts ./NAME are taken from DIR
container_args.py kubernetes FILE CONTAINER DIR      a container of the manifest's Deployment; its volume NAME is DIR/NAME

Ports are left out: the test has one network.  An option that is not known here is an error: it would be one that nobody has run.  The image's
arguments come last, behind a line "--".
"""
import sys

import yaml


def take(where, mapping, *known):
    unknown = set(mapping) - set(known)
    if unknown:
        raise SystemExit(f"{where}: nothing is known of {', '.join(sorted(unknown))}")


def compose(path, name, base):
    service = yaml.safe_load(open(path))["services"][name]
    take(name, service, "image", "build", "read_only", "cap_drop", "security_opt", "ports", "volumes", "stop_grace_period", "restart", "network_mode")
    args = []
    if service.get("read_only"):
        args.append("--read-only")
    args += [f"--cap-drop={c}" for c in service.get("cap_drop", [])]
    args += [f"--security-opt={o.replace('no-new-privileges:true', 'no-new-privileges')}" for o in service.get("security_opt", [])]
    if "network_mode" in service:
        args.append(f"--network={service['network_mode']}")
    for volume in service.get("volumes", []):
        source, rest = volume.split(":", 1)
        args.append(f"--volume={base}/{source.removeprefix('./')}:{rest}")
    if "stop_grace_period" in service:
        args.append(f"--stop-timeout={service['stop_grace_period'].removesuffix('s')}")
    return args, []


def kubernetes(path, name, base):
    documents = {d["kind"]: d for d in yaml.safe_load_all(open(path))}
    pod = documents["Deployment"]["spec"]["template"]["spec"]
    take("pod", pod, "terminationGracePeriodSeconds", "securityContext", "containers", "volumes")
    who = pod["securityContext"]
    take("pod's securityContext", who, "runAsNonRoot", "runAsUser", "runAsGroup", "fsGroup", "seccompProfile")
    container = next(c for c in pod["containers"] if c["name"] == name)
    take(name, container, "name", "image", "args", "ports", "readinessProbe", "livenessProbe", "securityContext", "volumeMounts")
    args = [f"--stop-timeout={pod['terminationGracePeriodSeconds']}", f"--user={who['runAsUser']}:{who['runAsGroup']}"]
    own = container.get("securityContext", {})
    take(f"{name}'s securityContext", own, "allowPrivilegeEscalation", "readOnlyRootFilesystem", "capabilities")
    if own.get("allowPrivilegeEscalation") is False:
        args.append("--security-opt=no-new-privileges")
    if own.get("readOnlyRootFilesystem"):
        args.append("--read-only")
    args += [f"--cap-drop={c}" for c in own.get("capabilities", {}).get("drop", [])]
    volumes = {v["name"] for v in pod["volumes"]}
    for mount in container.get("volumeMounts", []):
        if mount["name"] not in volumes:
            raise SystemExit(f"{name} mounts {mount['name']}, which is no volume")
        args.append(f"--volume={base}/{mount['name']}:{mount['mountPath']}{':ro' if mount.get('readOnly') else ''}")
    ports = {p["name"] for p in container.get("ports", [])}
    for probe in ("readinessProbe", "livenessProbe"):
        if probe in container and container[probe]["httpGet"]["port"] not in ports:
            raise SystemExit(f"{name}: {probe} asks a port without that name")
    return args, container.get("args", [])


options, image_args = {"compose": compose, "kubernetes": kubernetes}[sys.argv[1]](*sys.argv[2:5])
print("\n".join([*options, "--", *image_args]))
