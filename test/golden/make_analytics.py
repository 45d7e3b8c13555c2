"""Makes test/golden/analytics.json: modularity and PageRank as networkx computes them, on small graphs.

    python3 -m venv venv && venv/bin/pip install networkx numpy scipy
    venv/bin/python test/golden/make_analytics.py

The graphs are Zachary's karate club (shipped with networkx) and random ones, written out edge by edge, so that the test
needs nothing but this file's output.
"""

import json
import pathlib
import random

import networkx as nx
from networkx.algorithms.community import greedy_modularity_communities, modularity


def undirected(name, graph, resolutions):
    n = graph.number_of_nodes()
    edges = [[a, b, d.get("weight", 1)] for a, b, d in graph.edges(data=True)]
    communities = greedy_modularity_communities(graph, weight="weight")
    membership = [0] * n
    for c, members in enumerate(communities):
        for v in members:
            membership[v] = c
    parts = [[v for v in range(n) if membership[v] == c] for c in range(max(membership) + 1)]
    return {
        "name": name,
        "n": n,
        "edges": edges,
        "membership": membership,
        "modularity": {str(r): modularity(graph, parts, weight="weight", resolution=r) for r in resolutions},
        "pageRank": list_of(nx.pagerank(graph, tol=1e-14, max_iter=1000), n),
    }


def directed(name, graph):
    n = graph.number_of_nodes()
    edges = [[a, b, d.get("weight", 1)] for a, b, d in graph.edges(data=True)]
    jumps = {v: (v % 5) for v in range(n)}
    return {
        "name": name,
        "n": n,
        "edges": edges,
        "pageRank": list_of(nx.pagerank(graph, tol=1e-14, max_iter=1000), n),
        "damping70": list_of(nx.pagerank(graph, alpha=0.7, tol=1e-14, max_iter=1000), n),
        "personalised": list_of(nx.pagerank(graph, personalization=jumps, tol=1e-14, max_iter=1000), n),
        "personalisation": [jumps[v] for v in range(n)],
    }


def list_of(ranks, n):
    return [ranks[v] for v in range(n)]


rng = random.Random(7)
karate = nx.karate_club_graph()
plain = nx.Graph()
plain.add_nodes_from(range(34))
plain.add_edges_from(karate.edges())
loops = nx.gnm_random_graph(40, 90, seed=3)
for a, b in loops.edges():
    loops[a][b]["weight"] = rng.choice([0.5, 1, 2, 3.25])
for v in (0, 7, 21):
    loops.add_edge(v, v, weight=1.5)
web = nx.gnm_random_graph(60, 150, seed=5, directed=True)
for a, b in web.edges():
    web[a][b]["weight"] = rng.choice([0.25, 1, 4])

golden = {
    "madeBy": f"networkx {nx.__version__}",
    "undirected": [
        undirected("karate", plain, [0.5, 1, 2]),
        undirected("weighted, with loops", loops, [1, 1.5]),
    ],
    "directed": [directed("random, with dangling nodes", web)],
}
target = pathlib.Path(__file__).with_name("analytics.json")
target.write_text(json.dumps(golden, separators=(",", ":")) + "\n", encoding="utf-8")
print(target.name, target.stat().st_size)
