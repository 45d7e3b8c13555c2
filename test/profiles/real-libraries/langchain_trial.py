"""LangChain: Neo4jGraph.add_graph_documents with its sources, then Neo4jVector over the same nodes."""

import os
import re

from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_neo4j import Neo4jGraph, Neo4jVector
from langchain_neo4j.graphs.graph_document import GraphDocument, Node, Relationship

import corpus
from trial import main

BASE = os.environ.get("BASE", "1") == "1"
LOGIN = {"username": "neo4j", "password": "none-is-asked-for"}


class Vectors(Embeddings):
    def embed_documents(self, texts):
        return [corpus.vector_of(t) for t in texts]

    def embed_query(self, text):
        return corpus.vector_of(text)


class Library:
    def __init__(self, uri):
        self.uri = uri
        self.graph = Neo4jGraph(url=uri, refresh_schema=False, **LOGIN)

    def prepare(self):
        if BASE:
            self.graph.query("CREATE FULLTEXT INDEX entity IF NOT EXISTS FOR (e:__Entity__) ON EACH [e.id]")

    def _vectors(self, search_type="hybrid"):
        return Neo4jVector.from_existing_graph(
            Vectors(),
            url=self.uri,
            search_type=search_type,
            node_label="Document",
            text_node_properties=["text"],
            embedding_node_property="embedding",
            **LOGIN,
        )

    def write(self, documents):
        made = []
        for d in documents:
            for i, text in enumerate(d["chunks"]):
                source = Document(page_content=text, metadata={"source": d["id"], "title": d["title"], "chunk": i})
                node = {n: Node(id=n, type=corpus.type_of(n), properties={}) for n in corpus.entities_of(text)}
                facts = [
                    Relationship(source=node[a], target=node[b], type=v.upper().replace(" ", "_"), properties={})
                    for a, v, b in corpus.facts_of(text)
                ]
                made.append(GraphDocument(nodes=list(node.values()), relationships=facts, source=source))
        self.graph.add_graph_documents(made, include_source=True, baseEntityLabel=BASE)
        # Gives the new nodes their vectors, and makes the indexes the first time.
        self._vectors()

    def search(self, text):
        found = {}
        for kind in ("vector", "hybrid"):
            found[kind] = [d.page_content for d in self._vectors(kind).similarity_search(text, k=5)]
        found["full text of entities"] = [
            f"{r['a']} {r['t']} {r['b']}"
            for r in self.graph.query(
                """CALL db.index.fulltext.queryNodes('entity', $query, {limit: 10}) YIELD node
                   MATCH (node)-[r:!MENTIONS]-(other) RETURN node.id AS a, type(r) AS t, other.id AS b""",
                {"query": " ".join(re.findall(r"\w+", " ".join(corpus.entities_of(text)))) or "none"},
            )
        ] if BASE else []
        return found

    def names(self):
        return [r["n"] for r in self.graph.query("MATCH (e) WHERE NOT e:Document AND e.id IS NOT NULL AND none(l IN labels(e) WHERE l STARTS WITH 'Graphkeeper') RETURN e.id AS n")]


main(Library)
