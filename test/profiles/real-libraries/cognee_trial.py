"""cognee: add and cognify with stand-ins for its models; graph in Neo4j, vectors and rows in its own files."""

import asyncio
import importlib.util
import os
import re
import sys
import tempfile

import corpus

HOME = tempfile.mkdtemp(prefix="graphkeeper-cognee-")
os.environ.update(
    GRAPH_DATABASE_PROVIDER="neo4j",
    GRAPH_DATABASE_URL=sys.argv[1],
    GRAPH_DATABASE_USERNAME="neo4j",
    GRAPH_DATABASE_PASSWORD="none-is-asked-for",
    GRAPH_DATABASE_NAME="neo4j",
    ENABLE_BACKEND_ACCESS_CONTROL="false",
    LLM_API_KEY="none",
    EMBEDDING_API_KEY="none",
    EMBEDDING_DIMENSIONS=str(corpus.DIMENSION),
    TELEMETRY_DISABLED="1",
    COGNEE_SKIP_CONNECTION_TEST="true",
    DATA_ROOT_DIRECTORY=f"{HOME}/data",
    SYSTEM_ROOT_DIRECTORY=f"{HOME}/system",
    HOME=HOME,
    CACHING="false",
    LITELLM_LOCAL_MODEL_COST_MAP="True",
    # Encodings are fetched otherwise; litellm ships them.
    TIKTOKEN_CACHE_DIR=f"{importlib.util.find_spec('litellm').submodule_search_locations[0]}/litellm_core_utils/tokenizers",
)
import cognee
from cognee.infrastructure.databases.graph import get_graph_engine
from cognee.infrastructure.databases.vector.embeddings.LiteLLMEmbeddingEngine import LiteLLMEmbeddingEngine
from cognee.infrastructure.llm.LLMGateway import LLMGateway

from trial import main


async def structured(text_input, system_prompt="", response_model=str, **_):
    text = text_input if isinstance(text_input, str) else str(text_input)
    fields = getattr(response_model, "model_fields", {})
    if "nodes" in fields and "edges" in fields:
        return response_model(
            nodes=[
                {"id": n, "name": n, "type": corpus.type_of(n), "description": f"{n} is spoken of", "label": n}
                for n in corpus.entities_of(text)
            ],
            edges=[
                {"source_node_id": a, "target_node_id": b, "relationship_name": v.replace(" ", "_"), "description": f"{a} {v} {b}"}
                for a, v, b in corpus.facts_of(text)
            ],
        )
    if "summary" in fields:
        return response_model(summary="A short text.", description="")
    return "a short answer" if response_model is str else response_model()


LLMGateway.acreate_structured_output = staticmethod(structured)


async def embed(self, text):
    vectors = [corpus.vector_of(t) for t in text]
    try:
        from cognee.infrastructure.databases.vector.embeddings.EmbeddingEngine import EmbeddingResult

        return EmbeddingResult(vectors, tokens=0)
    except Exception:
        return vectors


LiteLLMEmbeddingEngine.embed_text = embed


def told(hit):
    """Names are in lower case in cognee; a mark in lower case is to be found in texts only."""
    return re.sub("|".join(m.lower() + r"(?= project)" for m in corpus.MARKS), lambda m: m[0].title(), str(hit))


class Library:
    def __init__(self, uri):
        self.loop = asyncio.new_event_loop()

    def _run(self, work):
        return self.loop.run_until_complete(work)

    def prepare(self):
        async def fresh():
            await cognee.prune.prune_data()
            await cognee.prune.prune_system(graph=False, metadata=True)
            await (await get_graph_engine()).initialize()

        self._run(fresh())

    def write(self, documents):
        async def go():
            for d in documents:
                await cognee.add("\n\n".join(d["chunks"]), dataset_name="trial", node_set=["reports"])
            await cognee.cognify(["trial"])

        self._run(go())

    def ids(self, d):
        async def look():
            rows = await (await get_graph_engine()).query(
                "MATCH (c) WHERE c.text CONTAINS $text AND c.document_id IS NOT NULL RETURN DISTINCT c.document_id AS id", {"text": d["chunks"][0]}
            )
            return [r["id"] for r in rows]

        return self._run(look())

    def search(self, text):
        async def look():
            graph = await get_graph_engine()
            nodes, edges = await graph.get_graph_data()
            ids = [n[0] for n in nodes if n[1].get("type") in ("DocumentChunk", "Entity")]
            return {
                "get_graph_data: nodes": [told(n) for n in nodes if n[1].get("type") in ("DocumentChunk", "Entity")],
                "get_graph_data: edges": [told(e) for e in edges],
                "get_nodes": [told(n) for n in await graph.get_nodes(ids)],
                "get_neighbors": [told(n) for i in ids[:6] for n in await graph.get_neighbors(i)],
            }

        return self._run(look())

    def names(self):
        async def look():
            nodes, _ = await (await get_graph_engine()).get_graph_data()
            return [n[1]["name"] for n in nodes if n[1].get("type") == "Entity"]

        return self._run(look())


main(Library)
