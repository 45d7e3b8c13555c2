"""neo4j-graphrag: SimpleKGPipeline with its lexical graph, resolver and indexes."""

import asyncio
import json
import re

import neo4j
from neo4j_graphrag.components.text_splitters.base import TextSplitter
from neo4j_graphrag.components.types import TextChunk, TextChunks
from neo4j_graphrag.embeddings.base import Embedder
from neo4j_graphrag.experimental.pipeline.kg_builder import SimpleKGPipeline
from neo4j_graphrag.indexes import create_fulltext_index, create_vector_index
from neo4j_graphrag.llm import LLMInterface
from neo4j_graphrag.llm.types import LLMResponse
from neo4j_graphrag.retrievers import HybridRetriever, VectorCypherRetriever, VectorRetriever

import corpus
from trial import main


class Model(LLMInterface):
    def __init__(self):
        super().__init__(model_name="stand-in")

    def invoke(self, input, message_history=None, system_instruction=None, **_):
        text = input if isinstance(input, str) else "\n".join(str(m) for m in input)
        text = text.rsplit("Input text:", 1)[-1]
        names = corpus.entities_of(text)
        return LLMResponse(
            content=json.dumps(
                {
                    "nodes": [
                        {"id": str(i), "label": corpus.type_of(n), "properties": {"name": n}} for i, n in enumerate(names)
                    ],
                    "relationships": [
                        {
                            "type": verb.upper().replace(" ", "_"),
                            "start_node_id": str(names.index(a)),
                            "end_node_id": str(names.index(b)),
                            "properties": {"since": 2000},
                        }
                        for a, verb, b in corpus.facts_of(text)
                    ],
                }
            )
        )

    async def ainvoke(self, input, message_history=None, system_instruction=None, **_):
        return self.invoke(input)


class Vectors(Embedder):
    def embed_query(self, text):
        return corpus.vector_of(text)


class Splitter(TextSplitter):
    """The corpus's own chunks; the library takes any splitter."""

    async def run(self, text: str) -> TextChunks:
        return TextChunks(chunks=[TextChunk(text=t, index=i) for i, t in enumerate(text.split("\n\n"))])


class Library:
    def __init__(self, uri):
        self.driver = neo4j.GraphDatabase.driver(uri)

    def prepare(self):
        create_vector_index(
            self.driver, "chunk_embedding", label="Chunk", embedding_property="embedding", dimensions=corpus.DIMENSION, similarity_fn="cosine"
        )
        create_fulltext_index(self.driver, "chunk_text", label="Chunk", node_properties=["text"])

    def write(self, documents):
        pipeline = SimpleKGPipeline(
            llm=Model(), driver=self.driver, embedder=Vectors(), from_file=False, schema="FREE", on_error="RAISE", text_splitter=Splitter()
        )

        async def run():
            for d in documents:
                await pipeline.run_async(
                    text="\n\n".join(d["chunks"]), file_path=d["id"], document_metadata={"title": d["title"]}
                )

        asyncio.run(run())

    def search(self, text):
        vectors = VectorRetriever(self.driver, "chunk_embedding", Vectors(), return_properties=["text"])
        hybrid = HybridRetriever(self.driver, "chunk_embedding", "chunk_text", Vectors(), return_properties=["text"])
        around = VectorCypherRetriever(
            self.driver,
            "chunk_embedding",
            "MATCH (node)<-[:FROM_CHUNK]-(e)-[r]-(o:__Entity__) RETURN node.text AS text, collect(e.name + type(r) + o.name) AS facts",
            Vectors(),
        )
        return {
            "vector": [i.content for i in vectors.search(query_text=text, top_k=5).items],
            "hybrid": [i.content for i in hybrid.search(query_text=re.sub(r"\W+", " ", text), top_k=5).items],
            "vector and neighbours": [i.content for i in around.search(query_text=text, top_k=5).items],
            "by label": [r["t"] for r in self.driver.execute_query("MATCH (c:Chunk) RETURN c.text AS t").records],
        }

    def names(self):
        return [r["n"] for r in self.driver.execute_query("MATCH (e:__Entity__) RETURN e.name AS n").records]


main(Library)
