#!/usr/bin/env python3
"""Writes the licences of everything that is linked into the binary, with their texts, as one file.

What is linked is what cargo resolves for the package and the target without development and build
dependencies and macros; texts come from the sources of each crate, each different text once. A crate
whose licence is not on the list of deny.toml ends this with exit code 1. Beside the crates: the standard
library of Rust, Swagger UI, and with --static the C library, whose licence is LGPL-2.1.
"""

import argparse
import collections
import json
import os
import pathlib
import re
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[3]
NAMES = re.compile(r"^(licen[cs]e|copying|notice|copyright|unlicense)", re.IGNORECASE)

# What is linked and is no crate.
BESIDE = [
    ("Rust standard library", "MIT OR Apache-2.0", "The Rust Project Contributors", "https://www.rust-lang.org"),
    ("Swagger UI (files of /api/docs)", "Apache-2.0", "SmartBear Software Inc.", "https://swagger.io"),
]
LIBC = ("GNU C Library (linked statically)", "LGPL-2.1-or-later", "Free Software Foundation, Inc.",
        "https://www.gnu.org/software/libc/")
# Where Debian has what goes with it.
LIBC_TEXTS = ["/usr/share/doc/libc6/copyright", "/usr/share/common-licenses/LGPL-2.1"]


def metadata(target):
    command = [os.environ.get("CARGO", "cargo"), "metadata", "--locked", "--format-version", "1",
               "--filter-platform", target, "--manifest-path", str(ROOT / "Cargo.toml")]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def linked(meta, name):
    """The packages that end in the binary of `name`, but for those of this workspace."""
    packages = {package["id"]: package for package in meta["packages"]}
    nodes = {node["id"]: node for node in meta["resolve"]["nodes"]}
    left = [package["id"] for package in meta["packages"] if package["name"] == name]
    if not left:
        sys.exit(f"licences.py: there is no package {name}")
    seen = set()
    while left:
        at = left.pop()
        if at in seen:
            continue
        if any("proc-macro" in kind["kind"] for kind in packages[at]["targets"]):
            continue
        seen.add(at)
        for dependency in nodes[at]["deps"]:
            if any(kind["kind"] is None for kind in dependency["dep_kinds"]):
                left.append(dependency["pkg"])
    ours = set(meta["workspace_members"])
    return sorted((packages[at] for at in seen - ours), key=lambda package: (package["name"], package["version"]))


def allowed(expression, licences):
    """Whether an SPDX expression can be met by what is on the list."""
    words = re.findall(r"\(|\)|[^\s()/]+|/", expression)
    terms = []
    at = 0
    while at < len(words):
        word = words[at]
        if word == "/":
            terms.append("or")
        elif word in ("OR", "AND"):
            terms.append(word.lower())
        elif word in "()":
            terms.append(word)
        else:
            if words[at + 1:at + 2] == ["WITH"]:
                word = f"{word} WITH {words[at + 2]}"
                at += 2
            terms.append(str(word in licences))
        at += 1
    # Only the words above are in it.
    return eval(" ".join(terms), {"__builtins__": {}})  # noqa: S307


def texts(package):
    folder = pathlib.Path(package["manifest_path"]).parent
    named = package["license_file"]
    files = [path for path in sorted(folder.iterdir()) if path.is_file() and NAMES.match(path.name)]
    if named and folder / named not in files:
        files.append(folder / named)
    folder = folder / "LICENSES"
    if folder.is_dir():
        files += sorted(path for path in folder.iterdir() if path.is_file())
    return [path.read_text(encoding="utf-8", errors="replace").strip() for path in files]


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--package", default="bess-cli")
    arguments.add_argument("--target", default="x86_64-unknown-linux-gnu")
    arguments.add_argument("--static", action="store_true", help="the C library is linked statically")
    arguments.add_argument("out", type=pathlib.Path)
    wish = arguments.parse_args()
    with open(ROOT / "deny.toml", "rb") as file:
        licences = set(tomllib.load(file)["licenses"]["allow"])
    packages = linked(metadata(wish.target), wish.package)
    refused = [f"{package['name']} {package['version']}: {package['license']}" for package in packages
               if not package["license"] or not allowed(package["license"], licences)]
    if refused:
        sys.exit("licences.py: not on the list of deny.toml:\n  " + "\n  ".join(refused))

    users = collections.OrderedDict()
    lines, bare = [], []
    for package in packages:
        name = f"{package['name']} {package['version']}"
        lines.append(f"{name}: {package['license']}; {package['repository'] or 'no address'}")
        found = texts(package)
        if not found:
            bare.append(f"{name}: {', '.join(package['authors']) or 'its authors'}")
        for text in found:
            users.setdefault(re.sub(r"\s+", " ", text), (text, []))[1].append(name)
    if len(packages) - len(bare) < len(packages) / 2:
        sys.exit("licences.py: most crates have no text: are their sources here? (cargo fetch)")
    beside = list(BESIDE)
    if wish.static:
        beside.append(LIBC)
        for path in map(pathlib.Path, LIBC_TEXTS):
            users[str(path)] = (path.read_text(encoding="utf-8", errors="replace").strip(), [LIBC[0]])
    out = [f"bess is under Apache-2.0 (LICENSE). Its binary has {len(packages)} crates of others in it, and:", ""]
    out += [f"{name}: {licence}; {holder}; {address}" for name, licence, holder, address in beside]
    if wish.static:
        out += ["", "The C library may be exchanged, as its licence asks: build bess from its source with another one."]
    out += ["", "CRATES", *lines]
    if bare:
        out += ["", "Without a text of their own; those of the licences that they name are below:", *bare]
    for text, names in users.values():
        out += ["", "=" * 100, "Of " + ", ".join(names), "=" * 100, text]
    wish.out.parent.mkdir(parents=True, exist_ok=True)
    wish.out.write_text("\n".join(out) + "\n", encoding="utf-8")
    print(f"{wish.out}: {len(packages)} crates, {len(users)} texts, {wish.out.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
