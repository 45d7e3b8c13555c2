"""The peers of bench/analytics: answers one JSON request per line on standard input with one JSON line.

Makes a virtual environment of its own in the temporary folder (or GRAPHKEEPER_BENCH_CACHE) at the first start and
installs the peers there from PyPI. Every peer works on one thread, as ours does.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

PACKAGES = ["numpy", "scipy", "networkx", "python-igraph", "leidenalg", "usearch", "faiss-cpu"]


def enter_venv():
    cache = pathlib.Path(os.environ.get("GRAPHKEEPER_BENCH_CACHE", tempfile.gettempdir())) / "graphkeeper-bench-venv"
    python = cache / "bin" / "python"
    if pathlib.Path(sys.prefix) == cache:
        return
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(cache)], check=True)
    missing = "import numpy, scipy, networkx, igraph, leidenalg, usearch, faiss"
    if subprocess.run([str(python), "-c", missing], stderr=subprocess.DEVNULL).returncode != 0:
        for package in PACKAGES:  # one by one: a peer that does not install is reported as missing, not fatal
            subprocess.run([str(python), "-m", "pip", "install", "-q", package], stdout=sys.stderr)
    os.environ["OMP_NUM_THREADS"] = "1"
    os.execv(str(python), [str(python), *sys.argv])


enter_venv()

import numpy as np  # noqa: E402

graphs = {}


def load(path):
    """Edges as run.ts wrote them: n, m, sources, targets, all uint32."""
    if path not in graphs:
        import igraph

        raw = np.fromfile(path, np.uint32)
        n, m = int(raw[0]), int(raw[1])
        edges = np.stack([raw[2 : 2 + m], raw[2 + m :]], axis=1)
        graphs.clear()
        graphs[path] = igraph.Graph(n=n, edges=edges), edges
    return graphs[path]


def timed(work):
    start = time.process_time()  # processor time, as in table.ts
    result = work()
    return result, (time.process_time() - start) * 1000


def igraph_leiden(path, iterations, seed):
    import random

    graph, _ = load(path)
    random.seed(seed)
    part, ms = timed(lambda: graph.community_leiden(objective_function="modularity", n_iterations=iterations))
    return {"ms": ms, "modularity": graph.modularity(part.membership), "communities": len(part)}


def leidenalg_leiden(path, iterations, seed):
    import leidenalg

    graph, _ = load(path)
    kind = leidenalg.ModularityVertexPartition
    part, ms = timed(lambda: leidenalg.find_partition(graph, kind, n_iterations=iterations, seed=seed))
    return {"ms": ms, "modularity": part.modularity, "communities": len(part)}


def networkx_louvain(path, seed):
    import networkx

    graph, edges = load(path)
    other = networkx.Graph()
    other.add_nodes_from(range(graph.vcount()))
    other.add_edges_from(edges.tolist())
    parts, ms = timed(lambda: networkx.community.louvain_communities(other, seed=seed))
    return {"ms": ms, "modularity": networkx.community.modularity(other, parts), "communities": len(parts)}


def igraph_pagerank(path):
    graph, _ = load(path)
    _, ms = timed(lambda: graph.pagerank(directed=False))
    return {"ms": ms}


def networkx_pagerank(path):
    import networkx

    graph, edges = load(path)
    other = networkx.Graph()
    other.add_nodes_from(range(graph.vcount()))
    other.add_edges_from(edges.tolist())
    _, ms = timed(lambda: networkx.pagerank(other, tol=1e-9 / graph.vcount(), max_iter=500))
    return {"ms": ms}


def vectors(path, d):
    rows = np.fromfile(path, np.float32).reshape(-1, d)
    return rows


def faiss_exact(path, d, k, queries):
    import faiss

    faiss.omp_set_num_threads(1)
    rows = vectors(path, d)

    def work():
        index = faiss.IndexFlatIP(d)
        index.add(rows)
        return index.search(rows[:queries], k + 1)

    (_, ids), ms = timed(work)
    return {"ms": ms, "first": ids[:50].tolist()}


def usearch_exact(path, d, k, queries):
    from usearch.index import MetricKind, search

    rows = vectors(path, d)
    found, ms = timed(lambda: search(rows, rows[:queries], k + 1, MetricKind.Cos, exact=True, threads=1))
    return {"ms": ms, "first": found.keys[:50].tolist()}


VERBS = {
    "igraph-leiden": igraph_leiden,
    "leidenalg-leiden": leidenalg_leiden,
    "networkx-louvain": networkx_louvain,
    "igraph-pagerank": igraph_pagerank,
    "networkx-pagerank": networkx_pagerank,
    "faiss-exact": faiss_exact,
    "usearch-exact": usearch_exact,
}

for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = VERBS[request.pop("verb")](**request)
    except Exception as error:  # a peer that is missing or fails is a row of the table, not the end of the run
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
