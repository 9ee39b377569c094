#!/usr/bin/env python3
"""Starts one container as a container runtime would, without an image: namespaces of its own, a root that has only the
program and what is mounted, a user, no capabilities, a cgroup. Run by node.py; it ends as the container ends.

    pod.py SPEC.json      says "net" on stdout once its network namespace is there, and goes on after a line on stdin
"""

import ctypes
import json
import os
import signal
import socket
import sys

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWPID, CLONE_NEWNET = 0x20000, 0x4000000, 0x8000000, 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 32, 4096, 16384, 1 << 18
PR_SET_PDEATHSIG, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 24, 38
CAP_LAST = 40
LIBC = ctypes.CDLL(None, use_errno=True)


def must(result, what):
    if result != 0:
        problem = ctypes.get_errno()
        raise OSError(problem, f"{what}: {os.strerror(problem)}")


def mount(source, target, kind=None, flags=0, data=None):
    encode = lambda text: text.encode() if text else None  # noqa: E731
    must(LIBC.mount(encode(source), encode(target), encode(kind), ctypes.c_ulong(flags), encode(data)), f"mount {target}")


def bind(source, target, read_only):
    """A file or folder of ours at a place of the root."""
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if not os.path.exists(target):
            with open(target, "w", encoding="utf-8"):
                pass
    mount(source, target, flags=MS_BIND | MS_REC)
    if read_only:
        mount(None, target, flags=MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID)


def root_of(spec):
    root = spec["root"]
    mount(None, "/", flags=MS_REC | MS_PRIVATE)
    mount("tmpfs", root, "tmpfs", MS_NOSUID, "mode=0755,size=4m")
    bind(spec["program"], root + "/usr/bin/bess", True)
    for path in spec["libraries"]:
        bind(path, root + path, True)
    for name in ("null", "zero", "random", "urandom"):
        bind("/dev/" + name, root + "/dev/" + name, False)
    bind("/sys/fs/cgroup", root + "/sys/fs/cgroup", False)
    bind(spec["hosts"], root + "/etc/hosts", True)
    with open(root + "/etc/nsswitch.conf", "w", encoding="utf-8") as file:
        file.write("hosts: files\n")
    os.makedirs(root + "/proc")
    mount("proc", root + "/proc", "proc", MS_NOSUID | MS_NODEV)
    # The outer ones first: a mount may lie below none of another here, but order costs nothing.
    for one in sorted(spec["mounts"], key=lambda one: one["path"]):
        bind(one["source"], root + one["path"], one["read_only"])
    if spec["read_only_root"]:
        mount(None, root, flags=MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID)
    os.chroot(root)
    os.chdir("/")


def become(spec):
    if spec["drop_capabilities"]:
        for capability in range(CAP_LAST + 1):
            LIBC.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    os.setgroups([spec["fs_group"]] if spec["fs_group"] is not None else [])
    os.setresgid(spec["gid"], spec["gid"], spec["gid"])
    os.setresuid(spec["uid"], spec["uid"], spec["uid"])
    if spec["no_new_privileges"]:
        must(LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no new privileges")


def container(spec):
    """The child, process 1 of its namespace."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    for path in spec["cgroups"]:
        with open(path, "w", encoding="utf-8") as file:
            file.write("0")
    socket.sethostname(spec["hostname"])
    root_of(spec)
    become(spec)
    os.execve("/usr/bin/bess", ["/usr/bin/bess", *spec["arguments"]], spec["environment"])


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        spec = json.load(file)
    must(LIBC.unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET), "unshare")
    print("net", flush=True)
    sys.stdin.readline()
    child = os.fork()
    if child == 0:
        log = os.open(spec["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        try:
            container(spec)
        except BaseException as problem:
            os.write(2, f"the container cannot be made: {problem}\n".encode())
            os._exit(125)
    print(child, flush=True)
    _, status = os.waitpid(child, 0)
    sys.exit(os.waitstatus_to_exitcode(status) % 256)


if __name__ == "__main__":
    main()
