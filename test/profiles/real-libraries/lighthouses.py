"""Sixty documents, and one for later, of the demo in the place of corpus.py: the stand-ins give exactly the facts that stand in the file.

The same names as in musique.py. The texts are the project's own, so that graphs which a library made of them can be committed.
"""

import hashlib
import json
import math
import os
import re

DIMENSION = 8
FILE = os.path.join(os.path.dirname(__file__), "../../../demo/lighthouses.ndjson")
with open(FILE, encoding="utf-8") as file:
    RECORDS = [json.loads(line) for line in file]


def records(kind):
    return [r for r in RECORDS if r["kind"] == kind]


NAMES = {e["id"]: e["name"] for e in records("entity")}
TYPES = {e["name"]: e["type"].title() for e in records("entity")}
UNITS = {u["id"]: u for u in records("text_unit")}
# The first sixty of one owner: neighbours in the file speak of the same lighthouses.
ROWS = [d for d in records("document") if all(len(u["documents"]) == 1 for u in UNITS.values() if d["id"] in u["documents"])][:61]
STATED = {}
for fact in records("relationship"):
    for unit in fact.get("text_units", []):
        triple = (NAMES[fact["source"]], fact["type"].lower().replace("_", " "), NAMES[fact["target"]])
        STATED.setdefault(UNITS[unit]["text"], []).append(triple)


def verb_type(verb):
    return verb.upper().replace(" ", "_")


def type_of(name):
    return TYPES.get(name, "Thing")


def document(i):
    row = ROWS[i]
    chunks = [u["text"] for u in UNITS.values() if u["documents"] == [row["id"]]]
    return {"id": f"reports/{i:02d}.txt", "title": row["title"], "mark": f"{i}", "chunks": chunks, "triples": [STATED.get(c, []) for c in chunks]}


def facts_of(text):
    """Triples (source, verb, target) of the chunks that a text, a prompt for example, holds."""
    return list(dict.fromkeys(t for chunk, triples in STATED.items() if chunk in text for t in triples))


def entities_of(text):
    return list(dict.fromkeys(name for source, _, target in facts_of(text) for name in (source, target)))


def entities(documents):
    return {n for i in documents for c in document(i)["chunks"] for n in entities_of(c)}


def facts(documents):
    return {(a, verb_type(v), b) for i in documents for c in document(i)["chunks"] for a, v, b in facts_of(c)}


def texts(documents):
    return {c for i in documents for c in document(i)["chunks"]}


def vector_of(text):
    """Direction by hashed words; texts with words in common are near to each other."""
    values = [0.001] * DIMENSION
    for word in re.findall(r"\w+", text.lower()):
        digest = hashlib.sha256(word.encode()).digest()
        values[digest[0] % DIMENSION] += 1.0
        values[digest[1] % DIMENSION] -= 0.5
    norm = math.sqrt(sum(v * v for v in values))
    return [v / norm for v in values]
