"""Sixty documents, written by a library, through the whole story; an oracle of its own says what has to be there.

Run with the library's Python: examine.py SCRIPT PROFILE URI. The database is cleared. NODE names the Node to use. With --record
the graph is written to a file, with what its documents state, instead of going through the story.
"""

import argparse
import gzip
import importlib
import json
import os
import subprocess
import sys
import tempfile
import types

arguments = argparse.ArgumentParser()
for name in ("script", "profile", "uri"):
    arguments.add_argument(name)
arguments.add_argument("--group", default="default")
arguments.add_argument("--tenant", default="")
arguments.add_argument("--corpus", choices=["musique", "lighthouses"], default="musique")
arguments.add_argument("--record", metavar="FILE")
args = arguments.parse_args()
os.environ["DYNAMIC"] = "1"
import neo4j

HERE = os.path.dirname(os.path.abspath(__file__))
made = []
sys.modules["trial"] = types.SimpleNamespace(main=made.append)
corpus = sys.modules["corpus"] = importlib.import_module(args.corpus)
sys.argv = [args.script, args.uri]
importlib.import_module(args.script.removesuffix(".py"))

# How each profile's graph looks to a reader that knows its labels only.
SHAPE = {
    "neo4j-graphrag": dict(unit="Chunk", entity="__Entity__", key="name"),
    "langchain": dict(unit="Document", entity="__Entity__", key="id"),
    "llamaindex": dict(unit="Chunk", entity="__Entity__", key="id", keeps=True),
    "lightrag": dict(unit=None, entity=args.tenant, key="entity_id", pairs=True, stated=True),
    "cognee": dict(unit="DocumentChunk", entity="Entity", key="name", lower=True, stated=True),
    "llm-graph-builder": dict(unit="Chunk", entity="__Entity__", key="id"),
    "graphiti": dict(unit="Episodic", entity="Entity", key="name", text="content", name="name", stated=True),
}[args.profile]
ALL = list(range(60))
# Written while others are purged.
LATE = 60
CHOSEN, OTHERS, PURGED = ALL[3:60:6], ALL[4:60:6], ALL[0:60:6]
driver = neo4j.GraphDatabase.driver(args.uri)
data = tempfile.mkdtemp(prefix="graphkeeper-examine-")
failures = 0
# LightRAG cuts its lists of sources there.
LIMIT = int(os.environ.get("LIMIT", "0"))


def query(statement, **parameters):
    return [r.data() for r in driver.execute_query(statement, parameters).records]


def check(what, found):
    global failures
    failures += bool(found)
    print("ok  " if not found else f"FAIL {len(found)} x", what, flush=True)
    for line in sorted(map(str, found))[:10]:
        print("      ", line[:300])


def cli(*words):
    environment = {
        **os.environ,
        "NEO4J_URI": args.uri,
        "GRAPHKEEPER_DATA": f"{data}/g.db",
        "GRAPHKEEPER_PROFILE": args.profile,
        "GRAPHKEEPER_GROUP": args.group,
        "GRAPHKEEPER_TENANT": args.tenant,
    }
    command = [os.environ.get("NODE", "node"), f"{HERE}/../../../bin/graphkeeper.js", *words, "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 3):
        raise RuntimeError(f"{words}: {done.returncode} {done.stdout} {done.stderr}")
    return json.loads(done.stdout or "null")


def dump():
    """The whole database; relationships, which parking makes again, by their ends."""
    plain = lambda value: json.dumps(value, sort_keys=True, default=str)  # noqa: E731
    nodes = driver.execute_query("MATCH (n) RETURN elementId(n), labels(n), properties(n)").records
    edges = driver.execute_query("MATCH (a)-[r]->(b) RETURN elementId(a), type(r), elementId(b), properties(r)").records
    lines = [f"{i} {sorted(labels)} {plain(p)}" for i, labels, p in nodes if not any(x.startswith("Graphkeeper") for x in labels)]
    return sorted(lines + [f"{a} {t} {b} {plain(p)}" for a, t, b, p in edges if not t.startswith("GRAPHKEEPER")])


def difference(a, b, may_stay=()):
    return [f"- {x}" for x in set(a) - set(b)] + [f"+ {x}" for x in set(b) - set(a) - set(may_stay)]


def read_entities():
    return {r["name"] for r in query(f"MATCH (e:`{SHAPE['entity']}`) RETURN e.`{SHAPE['key']}` AS name")}


def read_facts():
    entity, key = SHAPE["entity"], SHAPE["key"]
    kind = f"r.{SHAPE['name']}" if "name" in SHAPE else "type(r)"
    rows = query(f"MATCH (a:`{entity}`)-[r]->(b:`{entity}`) RETURN a.`{key}` AS a, {kind} AS t, b.`{key}` AS b")
    return {pair((r["a"], r["t"], r["b"])) for r in rows}


def named(name):
    # cognee keeps names without capitals and apostrophes.
    return name.lower().replace("'", "") if "lower" in SHAPE else name


def typed(kind):
    return kind.lower() if "lower" in SHAPE else kind


def pair(fact):
    return tuple(sorted((fact[0], fact[2]))) if "pairs" in SHAPE else fact


def stated_entities(documents):
    return {named(n) for n in corpus.entities(documents)}


def stated_facts(documents):
    return {pair((named(a), typed(t), named(b))) for a, t, b in corpus.facts(documents)}


def oracle(when, dead):
    live = [i for i in ALL if i not in dead]
    entities = stated_entities(ALL if SHAPE.get("keeps") else live)
    facts = stated_facts(live if SHAPE.get("stated") else ALL)
    facts = {f for f in facts if f[0] in entities and f[-1] in entities}
    # What a list of the writer that is cut leaves open stays.
    undecided = {e for e in stated_entities(ALL) if LIMIT and len([i for i in ALL if e in stated_entities([i])]) > LIMIT}
    check(f"{when}: {len(entities)} entities", difference(entities - odd_entities, read_entities() - odd_entities, undecided))
    open_facts = {f for f in stated_facts(ALL) if f[0] in entities | undecided and f[-1] in entities | undecided and undecided & {f[0], f[-1]}}
    check(f"{when}: {len(facts)} facts", difference(facts - odd_facts, read_facts() - odd_facts, open_facts if LIMIT else set()))
    if SHAPE["unit"] is None:
        return
    text = SHAPE.get("text", "text")
    units = [r["t"] for r in query(f"MATCH (u:`{SHAPE['unit']}`) WHERE u.`{text}` IS NOT NULL RETURN u.`{text}` AS t")]
    # Some writers make one unit of the whole document.
    seen = {t for t in corpus.texts(ALL) if any(t in unit for unit in units)}
    check(f"{when}: {len(corpus.texts(live))} texts", difference(corpus.texts(live), seen))


def unseen(when, dead):
    """No index gives a text of theirs, whatever is looked for, and as many others come back as were asked for."""
    gone = corpus.texts(dead) - corpus.texts([i for i in ALL if i not in dead])
    found, few = set(), set()
    for index in query("SHOW VECTOR INDEXES YIELD name RETURN name"):
        for text in gone:
            hits = query(
                "CALL db.index.vector.queryNodes($name, 5, $vector) YIELD node RETURN properties(node) AS p",
                name=index["name"],
                vector=corpus.vector_of(text),
            )
            found |= {v for hit in hits for v in hit["p"].values() if isinstance(v, str) and v in gone}
            few |= {index["name"]} if len(hits) < 5 else set()
    check(f"{when}: vector indexes show nothing of theirs", found)
    check(f"{when}: vector indexes give as many as before", few)
    shown = {hit for i in dead for hits in library.search(corpus.document(i)["chunks"][0]).values() for hit in map(str, hits)}
    check(f"{when}: the library's readers show no text of theirs", {t for t in gone for hit in shown if t in hit})


def traces(gone, ids):
    kept = "\n".join(corpus.texts(rest := [i for i in ALL if i not in gone]) | corpus.entities(rest))
    words = {*ids, *corpus.texts(gone), *(corpus.document(i)["id"] for i in gone)}
    words |= {t for i in gone if (t := corpus.document(i)["title"]) not in kept and not SHAPE.get("keeps")}
    return {f"{w[:60]} in {line[:120]}" for line in dump() for w in words if json.dumps(w)[1:-1] in line}


def record(path):
    """The graph as the library left it, its schema, and what each document states in the words of the graph."""
    nodes = driver.execute_query("MATCH (n) RETURN elementId(n), labels(n), properties(n)").records
    edges = driver.execute_query("MATCH (a)-[r]->(b) RETURN elementId(a), elementId(b), type(r), properties(r)").records
    number = {handle: i for i, (handle, _, _) in enumerate(nodes)}
    times = sorted({k for *_, p in [*nodes, *edges] for k, v in p.items() if hasattr(v, "iso_format")})
    plain = lambda p: {k: v.iso_format() if hasattr(v, "iso_format") else v for k, v in p.items()}  # noqa: E731
    graph = {
        "writer": args.profile,
        "group": args.group,
        "tenant": args.tenant,
        "shape": {k: SHAPE[k] for k in ("unit", "entity", "key", "name", "text", "keeps", "stated", "pairs") if SHAPE.get(k)},
        "limit": LIMIT,
        "times": times,
        "schema": [r["s"] for kind in ("CONSTRAINTS", "INDEXES") for r in schema(kind)],
        "nodes": [[labels, plain(p)] for _, labels, p in nodes],
        "relationships": [[number[a], number[b], kind, plain(p)] for a, b, kind, p in edges],
        "documents": [
            {
                "ids": identify([i]),
                "entities": sorted(stated_entities([i]) - odd_entities),
                "facts": sorted(stated_facts([i]) - odd_facts),
                "texts": sorted(corpus.texts([i])),
            }
            for i in ALL
        ],
    }
    with open(path, "wb") as file:
        file.write(gzip.compress(json.dumps(graph, ensure_ascii=False, sort_keys=True).encode(), 9, mtime=0))
    print(f"recorded in {path}")


def schema(kind):
    """Without lookup indexes, which every database has, and without the indexes of constraints."""
    if kind == "CONSTRAINTS":
        return query("SHOW CONSTRAINTS YIELD createStatement AS s RETURN s")
    return query("SHOW INDEXES YIELD type, owningConstraint, createStatement AS s WHERE type <> 'LOOKUP' AND owningConstraint IS NULL RETURN s")


library = made[0](args.uri)
query("MATCH (n) DETACH DELETE n")
for row in query("SHOW CONSTRAINTS YIELD name RETURN name"):
    query(f"DROP CONSTRAINT `{row['name']}`")
for row in query("SHOW INDEXES YIELD name, type WHERE type <> 'LOOKUP' RETURN name"):
    query(f"DROP INDEX `{row['name']}`")
library.prepare()
library.write([corpus.document(i) for i in ALL])
identify = lambda documents: [x for i in documents for x in (library.ids(corpus.document(i)) if hasattr(library, "ids") else [corpus.document(i)["id"]])]  # noqa: E731
# What the library made of its input: names that it changed or left out are nobody's fault.
odd_entities = stated_entities(ALL) ^ read_entities()
odd_facts = stated_facts(ALL) ^ read_facts()
before = dump()
print(f"{len(before)} nodes and relationships; {len(odd_entities)} entities and {len(odd_facts)} facts not as given")
few = len(odd_entities) + len(odd_facts) < (len(stated_entities(ALL)) + len(stated_facts(ALL))) / 20
check("nearly all is as given, so that the oracle has something to say", [] if few else sorted(odd_entities) + sorted(odd_facts))
if args.record:
    record(args.record)
    sys.exit(not few)
diagnosis = cli("neo4j", "doctor")
check(f"doctor: {diagnosis['profile']}", [] if diagnosis["profile"] == args.profile else ["another profile fits"])
cli("neo4j", "install")
check("installed", difference(before, dump()))
cli("gc")
check("collected with nothing deprecated", difference(before, dump()))
cli("deprecate", *identify(CHOSEN))
unseen("deprecated", CHOSEN)
cli("gc")
oracle("collected", CHOSEN)
unseen("collected", CHOSEN)
cli("deprecate", *identify(OTHERS))
cli("gc")
cli("restore", *identify(CHOSEN))
cli("gc")
oracle("others deprecated", OTHERS)
cli("restore", *identify(OTHERS))
cli("gc")
check("restored", difference(before, dump()))
purged = identify(PURGED)
cli("purge", *purged, "--confirm", ",".join(purged))
cli("gc")
oracle("purged", PURGED)
unseen("purged", PURGED)
check("purged: no trace", traces(PURGED, purged))
check("verify", (cli("verify") or {}).get("findings", []))
after = dump()
cli("recompute")
check("recomputed", difference(after, dump()))
library.write([corpus.document(LATE)])
ALL.append(LATE)
cli("gc")
oracle("another ingested", PURGED)
unseen("another ingested", PURGED)
check("another ingested: verify", (cli("verify") or {}).get("findings", []))
if hasattr(library, "forget"):
    library.forget([corpus.document(i) for i in PURGED])
library.write([corpus.document(i) for i in PURGED])
cli("gc")
oracle("purged ones ingested again", [])
cli("deprecate", *identify(PURGED))
cli("gc")
oracle("these deprecated", PURGED)
unseen("these deprecated", PURGED)
cli("restore", *identify(PURGED))
cli("gc")
oracle("these restored", [])
after = dump()
cli("deprecate", *identify(CHOSEN))
cli("gc")
cli("neo4j", "uninstall")
check("uninstalled", difference(after, dump()))
print("all as it should be" if failures == 0 else f"{failures} checks failed")
sys.exit(failures > 0)
