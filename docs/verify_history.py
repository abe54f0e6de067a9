#!/usr/bin/env python3
"""Checks an export of Lineboard's history (history.csv) by docs/history-format.md, with nothing but Python 3.

    python3 verify_history.py history.csv                         an export of all of it
    python3 verify_history.py history.csv --anchors anchors.log   and the anchors that were kept outside the database
    python3 verify_history.py history.csv --part                  an export of a part: each entry by itself

Ends with 0 where the history is intact, and with 1 where it is not: then it says the first entry that is broken. Ends with
3 where it is intact but for entries that it says itself to be lost, by a restore that an administrator acknowledged, or
but for records that it says itself to have been changed by hand.
"""

import argparse
import csv
import hashlib
import sys
from datetime import datetime, timedelta, timezone

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

# The fields that the hash is over, in this order, by the names of their columns. "at" is the time in milliseconds.
FIELDS = [
    "tenant_key", "number", "at", "user_key", "username", "full_name", "role", "deed", "order_key", "order_id", "line",
    "line_name", "release_key", "object", "old", "new", "outcome", "reason", "took_ms", "http_status", "code", "message",
    "serials",
]
FIELDS_FROM_FORMAT_2 = ["station", "comment"]
FIELDS_FROM_FORMAT_3 = ["records", "records_digest"]


def text(cell):
    """The text as stored: where a part would be a formula to a spreadsheet, the export has an apostrophe in front."""
    plain, begins, marked = [], True, False
    for c, following in zip(cell, cell[1:] + " "):
        if begins and not marked and c == "'" and following in "=+-@\t\r'\"":
            marked = True
            continue
        plain.append(c)
        begins, marked = c in ",;|\t\r\n" or begins and c == " ", False
    return "".join(plain)


def netstring(value):
    raw = value.encode("utf-8")
    return str(len(raw)).encode() + b":" + raw + b","


def milliseconds(time_utc):
    at = datetime.strptime(time_utc, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
    return str((at - EPOCH) // timedelta(milliseconds=1))


def digest(row):
    """The hash that an entry must have."""
    values = {name: text(cell) for name, cell in row.items()}
    values["at"] = milliseconds(row["time_utc"])
    form = int(row["format"])
    names = FIELDS + (FIELDS_FROM_FORMAT_2 if form >= 2 else []) + (FIELDS_FROM_FORMAT_3 if form >= 3 else [])
    whole = netstring("lineboard history " + row["format"]) + netstring(row["previous_hash"])
    for name in names:
        whole += netstring(values[name])
    return hashlib.sha256(whole).hexdigest()


def read_entries(path):
    """Number, previous hash, hash, whether the hash is that of the content, the loss that the entry binds, and what it
    says to have been done by hand; the oldest first."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        entries = [
            (int(r["number"]), r["previous_hash"], r["hash"], r["hash"] == digest(r), loss(r), by_hand(r))
            for r in rows_of(file)
        ]
    return sorted(entries, key=lambda entry: entry[0])


def loss(row):
    """What an entry says to be lost: first and last entry, first and last anchor, and the hash of the last anchor."""
    if row["deed"] not in ("loss_accepted", "loss_acknowledged"):
        return None
    tenant, old, new = text(row["object"]).split(), text(row["old"]).split(), text(row["new"]).split()
    if tenant[3] != row["tenant_key"]:
        return None  # of an earlier tenant
    return int(old[1]), int(old[3]), int(new[1]), int(new[3]), new[4]


def by_hand(row):
    """Which record an entry says to have been changed by hand before Lineboard wrote it again, and what was done."""
    return f"{text(row['object'])}, {text(row['new'])}" if row["deed"] == "record_by_hand" else None


def rows_of(file):
    """The rows of an export, in the form for programs (commas) or for people (often semicolons)."""
    csv.field_size_limit(1 << 30)
    separator = file.readline()[len("number")]
    file.seek(0)
    return csv.DictReader(file, strict=True, delimiter=separator)


def read_anchors(path, tenant):
    """The anchors of a tenant: each has its number, the number of its entry, and the hash that this had."""
    with open(path, encoding="utf-8") as file:
        lines = [line.split() for line in file]
    return [(int(f[0]), int(f[4]), f[5]) for f in lines if len(f) in (6, 8) and f[3] == tenant]


def unexplained(anchors, losses):
    """The hashes of the anchors that no loss covers, by the number of the entry."""
    proven = [l for l in losses if any(n == l[3] and own == l[4] for n, _, own in anchors)]
    known = {}
    for n, entry, own in anchors:
        if not any(l[0] <= entry <= l[1] and l[2] <= n <= l[3] for l in proven):
            known.setdefault(entry, own)
    return known


def broken(entries, part, anchors):
    """Says what is wrong first, or nothing."""
    expected, before = 1, "0" * 64
    for number, previous, own, whole, *_ in entries:
        if not whole:
            return f"entry {number} is broken: its content was changed"
        if not part:
            if number > expected:
                return f"entry {expected} is missing"
            if number < expected:
                return f"entry {number} is there twice"
            if previous != before:
                return f"entry {number} does not follow entry {number - 1}: one of them was inserted, exchanged or changed"
        if anchors.get(number, own) != own:
            return f"entry {number} is not the one that its anchor knows: the history was rewritten"
        expected, before = number + 1, own
    if not part and anchors and max(anchors) >= expected:
        return f"entries {expected} to {max(anchors)} were written, by their anchors, and are gone"
    return None


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("export")
    arguments.add_argument("--anchors")
    arguments.add_argument("--part", action="store_true", help="the export was filtered: entries need not follow each other")
    given = arguments.parse_args()
    entries = read_entries(given.export)
    anchors, losses = [], [e[4] for e in entries if e[4]]
    if given.anchors:
        with open(given.export, encoding="utf-8-sig", newline="") as file:
            first = next(rows_of(file), None)
        if not first:
            print("The export has no entries, so it is not known whose anchors to compare it with.")
            return 1
        anchors = read_anchors(given.anchors, first["tenant_key"])
    wrong = broken(entries, given.part, unexplained(anchors, losses))
    if wrong:
        print(f"The history is not intact: {wrong}.")
        return 1
    print(f"The history is intact: {len(entries)} entries, {len(anchors)} anchors compared.")
    for first, last, *_ in losses:
        print(f"One restore: entries {first} to {last} are lost.")
    found = [(e[0], e[5]) for e in entries if e[5]]
    for number, what in found:
        print(f"Entry {number} found, before it was written again: {what}.")
    return 3 if losses or found else 0


if __name__ == "__main__":
    sys.exit(main())
