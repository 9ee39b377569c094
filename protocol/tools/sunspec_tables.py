#!/usr/bin/env python3
"""Writes src/map/sunspec/models/model_<id>.rs from SunSpec model definitions (JSON).

usage: sunspec_tables.py FOLDER_WITH_MODEL_JSON [ID ...]

Only facts are taken: names, offsets, types, sizes, units, access and symbols; no sentence of the
definitions. Run `cargo fmt` afterwards.
"""
import json
import os
import sys

TYPES = {
    "uint16": "U16", "int16": "I16", "enum16": "Enum16", "bitfield16": "Bits16", "count": "U16",
    "uint32": "U32", "int32": "I32", "bitfield32": "Bits32",
    "uint64": "U64", "int64": "I64", "sunssf": "ScaleFactor", "pad": "Pad", "string": "Text",
}
DEFAULT = [1, 701, 702, 703, 704, 713, 715, 802, 803]
OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "src", "map", "sunspec", "models")


def point(p, offset, prefix):
    kind = TYPES[p["type"]]
    if kind == "Text":
        kind = f"Text({p['size']})"
    row = f'p("{prefix}{p["name"]}", {offset}, Encoding::{kind})'
    if "sf" in p:
        row += f'.sf("{p["sf"]}")'
    if "units" in p:
        row += f'.unit("{p["units"]}")'
    if p.get("access") == "RW":
        row += ".rw()"
    if p.get("mandatory") == "M":
        row += ".mandatory()"
    if p.get("symbols"):
        pairs = ", ".join(f'("{s["name"]}", {s["value"]})' for s in p["symbols"])
        row += f".symbols(&[{pairs}])"
    return row


def points(group, offset, prefix):
    rows = []
    for p in group["points"]:
        rows.append(point(p, offset, prefix))
        offset += p["size"]
    return rows, offset


def main():
    folder, ids = sys.argv[1], [int(i) for i in sys.argv[2:]] or DEFAULT
    for model in ids:
        top = json.load(open(os.path.join(folder, f"model_{model}.json")))["group"]
        rows, offset = points(top, 0, "")
        repeated, repeated_rows, repeated_len = "", [], 0
        for group in top.get("groups", []):
            if group.get("count", 1) == 1:
                more, offset = points(group, offset, group["name"] + ".")
                rows += more
            else:
                repeated = group["name"]
                repeated_rows, repeated_len = points(group, 0, "")
        text = f"//! Points of SunSpec model {model}; made by `tools/sunspec_tables.py`.\n\n"
        text += "use super::super::table::{Model, p};\nuse crate::map::encoding::Encoding;\n\n"
        text += f"pub(crate) const MODEL: Model = Model {{\nid: {model},\nlength: {offset},\n"
        text += "points: &[\n" + "".join(f"{r},\n" for r in rows) + "],\n"
        text += f"group: \"{repeated}\",\ngroup_length: {repeated_len},\n"
        text += "group_points: &[\n" + "".join(f"{r},\n" for r in repeated_rows) + "],\n};\n"
        with open(os.path.join(OUT, f"model_{model}.rs"), "w") as f:
            f.write(text)


main()
