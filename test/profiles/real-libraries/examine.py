"""Sixty documents of MuSiQue, written by a library, through the whole story; an oracle of its own says what has to be there.

Run with the library's Python: examine.py SCRIPT PROFILE URI. The database is cleared. NODE names the Node to use.
"""

import argparse
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
args = arguments.parse_args()
os.environ["DYNAMIC"] = "1"
import neo4j

import musique

HERE = os.path.dirname(os.path.abspath(__file__))
made = []
sys.modules["trial"] = types.SimpleNamespace(main=made.append)
sys.modules["corpus"] = musique
sys.argv = [args.script, args.uri]
importlib.import_module(args.script.removesuffix(".py"))

# How each profile's graph looks to a reader that knows its labels only.
SHAPE = {
    "neo4j-graphrag": dict(unit="Chunk", entity="__Entity__", key="name"),
    "langchain": dict(unit="Document", entity="__Entity__", key="id"),
    "llamaindex": dict(unit="Chunk", entity="__Entity__", key="id", keeps=True),
    "lightrag": dict(unit=None, entity=args.tenant, key="entity_id", pairs=True, stated=True),
    "graphiti": dict(unit="Episodic", entity="Entity", key="name", text="content", name="name", stated=True),
}[args.profile]
ALL = list(range(len(musique.ROWS)))
CHOSEN, OTHERS, PURGED = ALL[3:60:6], ALL[4:60:6], ALL[0:60:6]
driver = neo4j.GraphDatabase.driver(args.uri)
data = tempfile.mkdtemp(prefix="graphkeeper-examine-")
failures = 0


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


def difference(a, b):
    return [f"- {x}" for x in set(a) - set(b)] + [f"+ {x}" for x in set(b) - set(a)]


def read_entities():
    return {r["name"] for r in query(f"MATCH (e:`{SHAPE['entity']}`) RETURN e.`{SHAPE['key']}` AS name")}


def read_facts():
    entity, key = SHAPE["entity"], SHAPE["key"]
    kind = f"r.{SHAPE['name']}" if "name" in SHAPE else "type(r)"
    rows = query(f"MATCH (a:`{entity}`)-[r]->(b:`{entity}`) RETURN a.`{key}` AS a, {kind} AS t, b.`{key}` AS b")
    return {pair((r["a"], r["t"], r["b"])) for r in rows}


def pair(fact):
    return tuple(sorted((fact[0], fact[2]))) if "pairs" in SHAPE else fact


def oracle(when, dead):
    live = [i for i in ALL if i not in dead]
    entities = musique.entities(ALL if SHAPE.get("keeps") else live)
    facts = musique.facts(live if SHAPE.get("stated") else ALL)
    facts = {pair(f) for f in facts if f[0] in entities and f[2] in entities}
    check(f"{when}: {len(entities)} entities", difference(entities - odd_entities, read_entities() - odd_entities))
    check(f"{when}: {len(facts)} facts", difference(facts - odd_facts, read_facts() - odd_facts))
    if SHAPE["unit"] is None:
        return
    text = SHAPE.get("text", "text")
    seen = {r["t"] for r in query(f"MATCH (u:`{SHAPE['unit']}`) WHERE u.`{text}` IS NOT NULL RETURN u.`{text}` AS t")}
    whole = {"\n".join(musique.document(i)["chunks"]) for i in live} if args.profile == "graphiti" else musique.texts(live)
    check(f"{when}: {len(whole)} texts", difference(whole, seen))


def unseen(when, dead):
    """No index gives a text of theirs, whatever is looked for, and as many others come back as were asked for."""
    gone = musique.texts(dead) - musique.texts([i for i in ALL if i not in dead])
    found, few = set(), set()
    for index in query("SHOW VECTOR INDEXES YIELD name RETURN name"):
        for text in gone:
            hits = query(
                "CALL db.index.vector.queryNodes($name, 5, $vector) YIELD node RETURN properties(node) AS p",
                name=index["name"],
                vector=musique.vector_of(text),
            )
            found |= {v for hit in hits for v in hit["p"].values() if isinstance(v, str) and v in gone}
            few |= {index["name"]} if len(hits) < 5 else set()
    check(f"{when}: vector indexes show nothing of theirs", found)
    check(f"{when}: vector indexes give as many as before", few)
    shown = {hit for i in dead for hits in library.search(musique.document(i)["chunks"][0]).values() for hit in map(str, hits)}
    check(f"{when}: the library's readers show no text of theirs", {t for t in gone for hit in shown if t in hit})


def traces(gone, ids):
    kept = "\n".join(musique.texts(rest := [i for i in ALL if i not in gone]) | musique.entities(rest))
    words = {*ids, *musique.texts(gone), *(musique.document(i)["id"] for i in gone)}
    words |= {t for i in gone if (t := musique.document(i)["title"]) not in kept and not SHAPE.get("keeps")}
    return {f"{w[:60]} in {line[:120]}" for line in dump() for w in words if json.dumps(w)[1:-1] in line}


library = made[0](args.uri)
query("MATCH (n) DETACH DELETE n")
for row in query("SHOW CONSTRAINTS YIELD name RETURN name"):
    query(f"DROP CONSTRAINT `{row['name']}`")
for row in query("SHOW INDEXES YIELD name, type WHERE type <> 'LOOKUP' RETURN name"):
    query(f"DROP INDEX `{row['name']}`")
library.prepare()
library.write([musique.document(i) for i in ALL])
identify = lambda documents: [x for i in documents for x in (library.ids(musique.document(i)) if hasattr(library, "ids") else [musique.document(i)["id"]])]  # noqa: E731
# What the library made of its input: names that it changed or left out are nobody's fault.
odd_entities = musique.entities(ALL) ^ read_entities()
odd_facts = {pair(f) for f in musique.facts(ALL)} ^ read_facts()
before = dump()
print(f"{len(before)} nodes and relationships; {len(odd_entities)} entities and {len(odd_facts)} facts not as given")
diagnosis = cli("neo4j", "doctor")
check(f"doctor: {diagnosis['profile']}", [] if diagnosis["profile"] == args.profile else ["another profile fits"])
cli("neo4j", "install")
check("installed", difference(before, dump()))
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
cli("deprecate", *identify([i for i in CHOSEN if i not in PURGED]))
cli("gc")
cli("neo4j", "uninstall")
check("uninstalled", difference(after, dump()))
print("all as it should be" if failures == 0 else f"{failures} checks failed")
sys.exit(failures > 0)
