"""Sixty documents, and one for later, of the demo in the place of corpus.py: the stand-ins give exactly the facts that stand in the file.

The same names as in musique.py. The texts are the project's own, so that graphs which a library made of them can be committed.
"""

import json
import os

import corpus
from stated import Stated

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
CHUNKS = {}
for fact in records("relationship"):
    for unit in fact.get("text_units", []):
        triple = (NAMES[fact["source"]], fact["type"].lower().replace("_", " "), NAMES[fact["target"]])
        CHUNKS.setdefault(UNITS[unit]["text"], []).append(triple)


def type_of(name):
    return TYPES.get(name, "Thing")


def document(i):
    row = ROWS[i]
    chunks = [u["text"] for u in UNITS.values() if u["documents"] == [row["id"]]]
    return {"id": f"reports/{i:02d}.txt", "title": row["title"], "mark": f"{i}", "chunks": chunks, "triples": [CHUNKS.get(c, []) for c in chunks]}


STATED = Stated(document, CHUNKS)
facts_of, entities_of = STATED.facts_of, STATED.entities_of
entities, facts, texts = STATED.entities, STATED.facts, STATED.texts


def vector_of(text):
    return corpus.vector_of(text, DIMENSION)
