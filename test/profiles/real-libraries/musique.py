"""Sixty documents, and one for later, of MuSiQue in the place of corpus.py: the stand-ins give exactly the triples that stand in the file.

The same names as in corpus.py, and what the law says of the graph: which entities and facts are live when some documents are not.
"""

import json
import os
import re

from corpus import DIMENSION, vector_of  # noqa: F401
from stated import Stated

FOLDER = os.environ.get("GRAPHKEEPER_TEST_DATA") or os.path.join(os.path.dirname(__file__), "../../../../shared/data")
with open(os.path.join(FOLDER, "musique-openie.json"), encoding="utf-8") as file:
    PASSAGES = json.load(file)["docs"]
# Some speak of the United States, so that documents share entities; the others lie anywhere.
SHARING = [i for i, p in enumerate(PASSAGES) if any("United States" in t for t in p["extracted_triples"])][:16]
ROWS = sorted({*SHARING, *range(8, 1890, 43)})[:61]
TYPES = ["Person", "Organisation", "Place", "Work", "Date", "Concept"]


def type_of(name):
    return TYPES[sum(name.lower().encode()) % len(TYPES)]


def triples_of(passage):
    rows = [[x.strip() for x in t] for t in passage["extracted_triples"] if len(t) == 3]
    return [tuple(t) for t in rows if all(t) and re.fullmatch(r"[A-Za-z][A-Za-z0-9 ]*", t[1])]


def halves(text):
    sentences = re.split(r"(?<=[.!?])\s+", text.strip())
    at = len(sentences) // 2
    return [text.strip()] if len(text) < 420 or at == 0 else [" ".join(sentences[:at]), " ".join(sentences[at:])]


def document(i):
    passage = PASSAGES[ROWS[i]]
    chunks = halves(passage["text"])
    stated = [[] for _ in chunks]
    for triple in triples_of(passage):
        at = next((k for k, c in enumerate(chunks) if triple[2].lower() in c.lower()), 0)
        stated[at].append(triple)
    return {"id": f"reports/{i:02d}.txt", "title": passage["title"], "mark": f"{i}", "chunks": chunks, "triples": stated}


STATED = Stated(document, {c: t for i in range(len(ROWS)) for d in [document(i)] for c, t in zip(d["chunks"], d["triples"])})
facts_of, entities_of = STATED.facts_of, STATED.entities_of
entities, facts, texts = STATED.entities, STATED.facts, STATED.texts
