"""Graphiti: add_episode with stand-ins for its models."""

import asyncio
import json
import os
import re
from datetime import datetime, timedelta, timezone

os.environ["GRAPHITI_TELEMETRY_ENABLED"] = "false"
from graphiti_core import Graphiti
from graphiti_core.cross_encoder.client import CrossEncoderClient
from graphiti_core.embedder.client import EmbedderClient
from graphiti_core.llm_client.client import LLMClient
from graphiti_core.llm_client.config import LLMConfig
from graphiti_core.nodes import EpisodeType
from graphiti_core.search.search_config_recipes import COMBINED_HYBRID_SEARCH_RRF
from pydantic import BaseModel

import corpus
from trial import main

GROUP = "trial"


class Person(BaseModel):
    """A human being"""


class Model(LLMClient):
    def __init__(self):
        super().__init__(LLMConfig(api_key="none"), cache=False)

    async def _generate_response(self, messages, response_model=None, max_tokens=0, model_size=None, **_):
        prompt = "\n".join(m.content for m in messages)
        kind = response_model.__name__ if response_model else ""
        if kind == "ExtractedEntities":
            text = re.search(r"<(TEXT|CURRENT MESSAGE)>(.*?)</\1>", prompt, re.S).group(2)
            return {
                "extracted_entities": [
                    {"name": n, "entity_type_id": 1 if corpus.type_of(n) == "Person" else 0, "episode_indices": [0]}
                    for n in corpus.entities_of(text)
                ]
            }
        if kind == "ExtractedEdges":
            text = re.search(r"<CURRENT_MESSAGE>(.*?)</CURRENT_MESSAGE>", prompt, re.S).group(1)
            return {
                "edges": [
                    {
                        "source_entity_name": a,
                        "target_entity_name": b,
                        "relation_type": v.upper().replace(" ", "_"),
                        "fact": f"{a} {v} {b}",
                        "episode_indices": [0],
                    }
                    for a, v, b in corpus.facts_of(text)
                ]
            }
        if kind == "EdgeDuplicate":
            new = re.search(r"<NEW FACT>(.*?)</NEW FACT>", prompt, re.S).group(1)
            there = re.search(r"<EXISTING FACTS>(.*?)</EXISTING FACTS>", prompt, re.S).group(1)
            rows = [json.loads(r) if r.startswith("{") else None for r in re.findall(r"\{[^{}]*\}", there)]
            same = [r["idx"] for r in rows if r and r.get("fact", "").strip() and r["fact"].strip() in new]
            return {"duplicate_facts": same, "contradicted_facts": []}
        if kind == "NodeResolutions":
            return {"entity_resolutions": []}
        if kind == "SummarizedEntities":
            return {"summaries": []}
        if kind in ("EdgeTimestamps", "BatchEdgeTimestamps"):
            return {"valid_at": None, "invalid_at": None, "timestamps": []}
        return {}


class Vectors(EmbedderClient):
    async def create(self, input_data):
        return corpus.vector_of(input_data if isinstance(input_data, str) else input_data[0])

    async def create_batch(self, input_data_list):
        return [corpus.vector_of(t) for t in input_data_list]


class Ranks(CrossEncoderClient):
    async def rank(self, query, passages):
        return [(p, 1.0 / (i + 1)) for i, p in enumerate(passages)]


class Library:
    def __init__(self, uri):
        self.loop = asyncio.new_event_loop()
        self.uuids = {}

        async def make():
            return Graphiti(uri, "neo4j", "none-is-asked-for", llm_client=Model(), embedder=Vectors(), cross_encoder=Ranks())

        self.graphiti = self.loop.run_until_complete(make())

    def prepare(self):
        self.loop.run_until_complete(self.graphiti.build_indices_and_constraints())

    def write(self, documents):
        async def run():
            for d in documents:
                done = await self.graphiti.add_episode(
                    name=d["title"],
                    episode_body="\n".join(d["chunks"]),
                    source_description="a report",
                    source=EpisodeType.text,
                    reference_time=datetime(2024, 1, 1, tzinfo=timezone.utc) + timedelta(days=len(self.uuids)),
                    group_id=GROUP,
                    entity_types={"Person": Person},
                )
                self.uuids[d["id"]] = done.episode.uuid

        self.loop.run_until_complete(run())

    def ids(self, d):
        return [self.uuids.get(d["id"], "")]

    def search(self, text):
        async def look():
            found = await self.graphiti.search_(text, config=COMBINED_HYBRID_SEARCH_RRF, group_ids=[GROUP])
            facts = await self.graphiti.search(text, group_ids=[GROUP], num_results=10)
            episodes = await self.graphiti.retrieve_episodes(datetime(2030, 1, 1, tzinfo=timezone.utc), 50, group_ids=[GROUP])
            return {
                "search: facts": [e.fact for e in facts],
                "search_: facts": [e.fact for e in found.edges],
                "search_: entities": [f"{n.name} {n.summary}" for n in found.nodes],
                "search_: episodes": [e.content for e in found.episodes],
                "retrieve_episodes": [e.content for e in episodes],
            }

        return self.loop.run_until_complete(look())

    def names(self):
        async def look():
            rows, _, _ = await self.graphiti.driver.execute_query("MATCH (e:Entity) RETURN e.name AS n")
            return [r["n"] for r in rows]

        return self.loop.run_until_complete(look())


main(Library)
