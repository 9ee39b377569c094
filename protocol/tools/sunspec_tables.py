#!/usr/bin/env python3
"""Writes src/map/sunspec/models/model_<id>.rs from SunSpec model definitions (JSON).

usage: sunspec_tables.py FOLDER_WITH_MODEL_JSON [ID ...]

Only facts are taken: names, order, types, sizes, units, access and symbols; no sentence of the
definitions. Run `cargo fmt` afterwards.
"""
import json
import os
import sys

TYPES = {
    "uint16": "U16", "int16": "I16", "enum16": "Enum16", "bitfield16": "Bits16", "count": "U16",
    "uint32": "U32", "int32": "I32", "bitfield32": "Bits32", "acc32": "Acc32",
    "uint64": "U64", "int64": "I64", "acc64": "Acc64", "sunssf": "ScaleFactor", "pad": "Pad", "string": "Text",
}
DEFAULT = [1, 103, *range(120, 125), 203, *range(701, 716), *range(802, 806)]
OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "src", "map", "sunspec", "models")


def point(p):
    kind = TYPES[p["type"]]
    if kind == "Text":
        kind = f"Text({p['size']})"
    row = f'p("{p["name"]}", Encoding::{kind})'
    # A name that a definition misspells by a space is none the less that one.
    if p.get("sf", "").strip():
        row += f'.sf("{p["sf"].strip()}")'
    if "units" in p:
        row += f'.unit("{p["units"].strip()}")'
    if p.get("access") == "RW":
        row += ".rw()"
    if p.get("mandatory") == "M":
        row += ".mandatory()"
    if p.get("symbols"):
        pairs = ", ".join(f'("{s["name"]}", {s["value"]})' for s in p["symbols"])
        row += f".symbols(&[{pairs}])"
    return row


def count(group):
    n = group.get("count", 1)
    if n == 1:
        return "Count::Once"
    # A definition says 0 where the length alone tells how many there are.
    return "Count::ByLength" if n == 0 else f'Count::By("{n}")'


def group(g, outermost=True):
    rows = "".join(f"{point(p)},\n" for p in g["points"])
    inner = "".join(f"{group(i, False)},\n" for i in g.get("groups", []))
    name = "" if outermost else g["name"]
    repeats = "Count::Once" if outermost else count(g)
    return f'Group {{\nname: "{name}",\ncount: {repeats},\npoints: &[\n{rows}],\ngroups: &[\n{inner}],\n}}'


def main():
    folder, ids = sys.argv[1], [int(i) for i in sys.argv[2:]] or DEFAULT
    for model in ids:
        with open(os.path.join(folder, f"model_{model}.json"), encoding="utf-8") as file:
            top = json.load(file)["group"]
        text = f"//! Points of SunSpec model {model}; made by `tools/sunspec_tables.py`.\n\n"
        text += "use super::super::table::{Count, Group, Model, p};\nuse crate::map::encoding::Encoding;\n\n"
        text += f"pub(crate) const MODEL: Model = Model {{\nid: {model},\nbody: {group(top)},\n}};\n"
        with open(os.path.join(OUT, f"model_{model}.rs"), "w", encoding="utf-8") as file:
            file.write(text)
    text = "//! One file for each SunSpec model, points as facts without values; made by `tools/sunspec_tables.py`.\n\n"
    text += "".join(f"pub(crate) mod model_{m};\n" for m in DEFAULT)
    with open(os.path.join(OUT, "mod.rs"), "w", encoding="utf-8") as file:
        file.write(text)


main()
