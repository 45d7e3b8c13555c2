"""LlamaIndex: PropertyGraphIndex over Neo4jPropertyGraphStore, with its default extractors or a dynamic one (DYNAMIC=1)."""

import json
import os

from llama_index.core import Document, PropertyGraphIndex
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.indices.property_graph import DynamicLLMPathExtractor, ImplicitPathExtractor, SimpleLLMPathExtractor
from llama_index.core.indices.property_graph.sub_retrievers.vector import VectorContextRetriever
from llama_index.core.llms import CompletionResponse, CustomLLM, LLMMetadata
from llama_index.core.node_parser import TokenTextSplitter
from llama_index.graph_stores.neo4j import Neo4jPropertyGraphStore

import corpus
from trial import main

DYNAMIC = os.environ.get("DYNAMIC") == "1"


class Model(CustomLLM):
    @property
    def metadata(self):
        return LLMMetadata(model_name="stand-in")

    def complete(self, prompt, formatted=False, **_):
        facts = corpus.facts_of(prompt.rsplit("Text:", 1)[-1])
        if DYNAMIC:
            rows = [
                {"head": a, "head_type": corpus.type_of(a), "relation": v.upper().replace(" ", "_"), "tail": b, "tail_type": corpus.type_of(b)}
                for a, v, b in facts
            ]
            return CompletionResponse(text=json.dumps(rows))
        return CompletionResponse(text="\n".join(f"({a}, {v}, {b})" for a, v, b in facts))

    def stream_complete(self, prompt, formatted=False, **_):
        yield self.complete(prompt)


class Vectors(BaseEmbedding):
    def _get_query_embedding(self, query):
        return corpus.vector_of(query)

    async def _aget_query_embedding(self, query):
        return corpus.vector_of(query)

    def _get_text_embedding(self, text):
        return corpus.vector_of(text)


class Paragraphs(TokenTextSplitter):
    def split_text_metadata_aware(self, text, metadata_str):
        return text.split("\n\n")

    def split_text(self, text):
        return text.split("\n\n")


class Library:
    def __init__(self, uri):
        self.store = Neo4jPropertyGraphStore(username="neo4j", password="none-is-asked-for", url=uri)
        self.uri = uri
        self.index = None

    def prepare(self):
        # The store makes its constraints and its index when it is opened.
        self.store = Neo4jPropertyGraphStore(username="neo4j", password="none-is-asked-for", url=self.uri)

    def _open(self):
        model = Model()
        extractors = [DynamicLLMPathExtractor(llm=model), ImplicitPathExtractor()] if DYNAMIC else [SimpleLLMPathExtractor(llm=model), ImplicitPathExtractor()]
        return dict(
            llm=model,
            embed_model=Vectors(),
            kg_extractors=extractors,
            property_graph_store=self.store,
            transformations=[Paragraphs()],
            show_progress=False,
            use_async=False,
        )

    def write(self, documents):
        made = [
            Document(text="\n\n".join(d["chunks"]), id_=d["id"], metadata={"title": d["title"], "file_name": d["id"]}) for d in documents
        ]
        if self.index is None and len(made) > 1:
            self.index = PropertyGraphIndex.from_documents(made, **self._open())
            return
        index = self.index or PropertyGraphIndex.from_existing(**self._open())
        for d in made:
            index.insert(d)

    def search(self, text):
        index = PropertyGraphIndex.from_existing(**self._open())
        found = {}
        for name, retriever in {
            "retriever with texts": index.as_retriever(include_text=True, similarity_top_k=5),
            "retriever of facts": index.as_retriever(include_text=False, similarity_top_k=5),
            "vector context": index.as_retriever(
                sub_retrievers=[VectorContextRetriever(self.store, embed_model=Vectors(), include_text=True, similarity_top_k=5, path_depth=2)]
            ),
        }.items():
            found[name] = [n.get_content() for n in retriever.retrieve(text)]
        names = corpus.entities_of(text)
        names += [n.capitalize() for n in names]
        found["store.get"] = [str(n) for n in self.store.get(ids=names)]
        found["store.get_triplets"] = [" ".join(str(x) for x in t) for t in self.store.get_triplets(entity_names=names)]
        found["store.get_rel_map"] = [" ".join(str(x) for x in t) for t in self.store.get_rel_map(self.store.get(ids=names), depth=2)]
        return found

    def names(self):
        return [n["n"] for n in self.store.structured_query("MATCH (e:__Entity__) RETURN e.name AS n")]



main(Library)
