"""llm-graph-builder: the functions of its backend that write the graph, from a checkout whose folder BACKEND names.

It is an application and no package: what only its other sources, models and clouds need is replaced by empty modules.
"""

import importlib.machinery
import os
import sys
from datetime import datetime
from unittest.mock import MagicMock

sys.path.insert(0, os.environ["BACKEND"])


# Models and clouds that are imported and not called.
UNUSED = set(
    """boto3 google langchain_anthropic langchain_aws langchain_experimental langchain_fireworks langchain_google_genai
    langchain_google_vertexai langchain_groq langchain_huggingface langchain_ollama langchain_openai openai transformers
    langchain_classic graphdatascience chardet nltk PyPDF2 fastapi""".split()
)


class Missing:
    """Gives an empty module for whatever of these is not installed."""

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] not in UNUSED:
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        module = MagicMock(name=spec.name)
        module.__path__ = []
        return module

    def exec_module(self, module):
        pass


sys.meta_path.append(Missing())

import corpus
import src.shared.common_fn as common
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_neo4j import Neo4jGraph
from langchain_neo4j.graphs.graph_document import GraphDocument, Node, Relationship
from trial import main


class Vectors(Embeddings):
    def embed_documents(self, texts):
        return [corpus.vector_of(t) for t in texts]

    def embed_query(self, text):
        return corpus.vector_of(text)


common.load_embedding_model = lambda provider, model: (Vectors(), corpus.DIMENSION)

from src import make_relationships, post_processing
from src.entities.source_node import sourceNode
from src.graphDB_dataAccess import graphDBdataAccess

LOGIN = {"username": "neo4j", "password": "none-is-asked-for"}


class Library:
    def __init__(self, uri):
        self.graph = Neo4jGraph(url=uri, refresh_schema=False, sanitize=True, **LOGIN)
        post_processing.get_graphDB_driver = lambda credentials: __import__("neo4j").GraphDatabase.driver(uri)

    def prepare(self):
        make_relationships.create_chunk_vector_index(self.graph, None, None)

    def write(self, documents):
        """As processing_source and processing_chunks of its main.py do, file by file; then the post-processing."""
        access = graphDBdataAccess(self.graph)
        for d in documents:
            node = sourceNode()
            node.file_name, node.file_source, node.file_type, node.model = d["id"], "local file", "txt", "stand-in"
            node.created_at = datetime(2024, 1, 1)
            access.create_source_node(node)
            chunks = make_relationships.create_relation_between_chunks(
                self.graph, d["id"], [Document(page_content=t, metadata={}) for t in d["chunks"]]
            )
            make_relationships.create_chunk_embeddings(self.graph, chunks, d["id"], None, None)
            made = []
            for row in chunks:
                text = row["chunk_doc"].page_content
                nodes = {n: Node(id=n, type=corpus.type_of(n)) for n in corpus.entities_of(text)}
                facts = [
                    Relationship(source=nodes[a], target=nodes[b], type=v.upper().replace(" ", "_"))
                    for a, v, b in corpus.facts_of(text)
                ]
                source = Document(page_content=text, metadata={"combined_chunk_ids": [row["chunk_id"]]})
                made.append(GraphDocument(nodes=list(nodes.values()), relationships=facts, source=source))
            made = common.handle_backticks_nodes_relationship_id_type(made)
            common.save_graphDocuments_in_neo4j(self.graph, made)
            pairs = common.get_chunk_and_graphDocument(made, chunks)
            make_relationships.merge_relationship_between_chunk_and_entites(self.graph, pairs)
            access.update_node_relationship_count(d["id"])
        access.update_KNN_graph(None, None)
        post_processing.create_entity_embedding(self.graph, None, None)
        post_processing.create_vector_fulltext_indexes(None, None, None)

    def search(self, text):
        vector = corpus.vector_of(text)
        return {
            "vector": [
                r["t"]
                for r in self.graph.query(
                    "CALL db.index.vector.queryNodes('vector', 5, $v) YIELD node RETURN node.text AS t", {"v": vector}
                )
            ],
            "entities": [
                f"{r['e']} {r['t']}"
                for r in self.graph.query(
                    """CALL db.index.vector.queryNodes('entity_vector', 5, $v) YIELD node
                       MATCH (node)<-[:HAS_ENTITY]-(c) RETURN node.id AS e, c.text AS t""",
                    {"v": vector},
                )
            ],
        }

    def names(self):
        return [r["n"] for r in self.graph.query("MATCH (e:__Entity__) RETURN e.id AS n")]


main(Library)
