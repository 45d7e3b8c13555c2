"""LightRAG with Neo4JStorage for its graph; chunks and vectors are in its own files."""

import asyncio
import os
import sys
import tempfile

import numpy

os.environ.update(
    NEO4J_URI=sys.argv[1], NEO4J_USERNAME="neo4j", NEO4J_PASSWORD="none-is-asked-for", NEO4J_DATABASE="neo4j"
)
from lightrag import LightRAG, QueryParam
from lightrag.prompt import PROMPTS
from lightrag.utils import EmbeddingFunc, Tokenizer

import corpus
from trial import main

SEPARATOR, END = PROMPTS["DEFAULT_TUPLE_DELIMITER"], PROMPTS["DEFAULT_COMPLETION_DELIMITER"]
WORKSPACE = "trial"
# 300 unless told otherwise; lists of sources are cut there.
LIMIT = {f"max_source_ids_per_{kind}": int(os.environ["LIMIT"]) for kind in ("entity", "relation")} if "LIMIT" in os.environ else {}


async def model(prompt, system_prompt=None, history_messages=(), **_):
    if history_messages or "---Input Text---" not in prompt:
        return END
    text = prompt.split("---Input Text---")[-1].split("---Output---")[0].replace("```", "")
    rows = [f"entity{SEPARATOR}{n}{SEPARATOR}{corpus.type_of(n)}{SEPARATOR}{n} is spoken of." for n in corpus.entities_of(text)]
    rows += [f"relation{SEPARATOR}{a}{SEPARATOR}{b}{SEPARATOR}{v}{SEPARATOR}{a} {v} {b}." for a, v, b in corpus.facts_of(text)]
    return "\n".join([*rows, END])


async def vectors(texts, **_):
    return numpy.array([corpus.vector_of(t) for t in texts], dtype=numpy.float32)


class Words:
    def encode(self, content):
        return [ord(c) for c in content]

    def decode(self, tokens):
        return "".join(chr(t) for t in tokens)


class Library:
    def __init__(self, uri):
        self.loop = asyncio.new_event_loop()
        self.rag = None

    def _run(self, work):
        return self.loop.run_until_complete(work)

    def prepare(self):
        async def start():
            rag = LightRAG(
                working_dir=tempfile.mkdtemp(prefix="graphkeeper-lightrag-"),
                workspace=WORKSPACE,
                graph_storage="Neo4JStorage",
                llm_model_func=model,
                embedding_func=EmbeddingFunc(embedding_dim=corpus.DIMENSION, max_token_size=8192, func=vectors),
                tokenizer=Tokenizer("words", Words()),
                chunk_token_size=1000,
                chunk_overlap_token_size=0,
                entity_extract_max_gleaning=0,
                **LIMIT,
            )
            await rag.initialize_storages()
            return rag

        self.rag = self._run(start())

    def write(self, documents):
        self._run(
            self.rag.ainsert(
                ["\n\n".join(d["chunks"]) for d in documents],
                ids=[self.ids(d)[0] for d in documents],
                file_paths=[d["id"] for d in documents],
                split_by_character="\n\n",
            )
        )

    def forget(self, documents):
        """So that LightRAG takes a document of that id again; what it remembers of entities stays."""

        async def go():
            ids = [i for d in documents for i in self.ids(d)]
            for store in (self.rag.doc_status, self.rag.full_docs):
                await store.delete(ids)

        self._run(go())

    def ids(self, d):
        return ["doc-" + d["id"][8:10]]

    def search(self, text):
        graph = self.rag.chunk_entity_relation_graph

        async def look():
            found = {"get_node": [], "get_node_edges": [], "get_edge": []}
            for n in [*corpus.entities_of(text), *await graph.search_labels((corpus.entities_of(text) or ["none"])[-1], 5)]:
                found["get_node"].append(str(await graph.get_node(n)))
                for a, b in await graph.get_node_edges(n) or []:
                    found["get_node_edges"].append(f"{a} - {b}")
                    found["get_edge"].append(str(await graph.get_edge(a, b)))
            found["search_labels"] = await graph.search_labels((corpus.entities_of(text) or ["none"])[-1], 5)
            found["get_popular_labels"] = await graph.get_popular_labels()
            found["get_knowledge_graph"] = [str(await graph.get_knowledge_graph("*"))]
            found["get_all_edges"] = [str(e) for e in await graph.get_all_edges()]
            return found

        return self._run(look())

    def names(self):
        return self._run(self.rag.chunk_entity_relation_graph.get_all_labels())


main(Library)
