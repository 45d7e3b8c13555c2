import { GraphkeeperError } from "../core/errors.ts";
import { nearestName } from "../core/names.ts";
import { cognee } from "./cognee.ts";
import type { ProfileInput } from "./format.ts";
import { graphiti } from "./graphiti.ts";
import { graphragToolkit } from "./graphrag-toolkit.ts";
import { langchain } from "./langchain.ts";
import { lightrag } from "./lightrag.ts";
import { llamaindex } from "./llamaindex.ts";
import { llmGraphBuilder } from "./llm-graph-builder.ts";
import { miro } from "./miro.ts";
import { msGraphragNeo4j } from "./ms-graphrag-neo4j.ts";
import { native } from "./native.ts";
import { neo4jGraphrag } from "./neo4j-graphrag.ts";

export { checkProfile, type Profile, type ProfileInput, profileJsonSchema } from "./format.ts";
export {
  cognee,
  graphiti,
  graphragToolkit,
  langchain,
  lightrag,
  llamaindex,
  llmGraphBuilder,
  miro,
  msGraphragNeo4j,
  native,
  neo4jGraphrag,
};

/** The ready profiles by name; those whose labels carry the tenant take it as a parameter. */
export const PROFILES: Record<string, (tenant: string) => ProfileInput> = {
  native: () => native,
  miro: () => miro,
  "llm-graph-builder": () => llmGraphBuilder,
  graphiti: () => graphiti,
  "neo4j-graphrag": () => neo4jGraphrag,
  llamaindex: () => llamaindex,
  langchain: () => langchain,
  lightrag,
  cognee: () => cognee,
  "ms-graphrag-neo4j": () => msGraphragNeo4j,
  "graphrag-toolkit": graphragToolkit,
};

const PUBLISH = "+publish";

/**
 * A ready profile by name. Where labels carry the tenant it stands behind a colon: `lightrag:my-workspace`,
 * `graphrag-toolkit:acme`. With `+publish` behind the name, a recompute is also written in the writer's own shapes.
 */
export function profileByName(name: string): ProfileInput | undefined {
  const [named = "", ...tenant] = name.split(":");
  const publish = named.endsWith(PUBLISH);
  const kind = publish ? named.slice(0, -PUBLISH.length) : named;
  const make = Object.hasOwn(PROFILES, kind) ? PROFILES[kind] : undefined;
  const profile = make?.(tenant.join(":") || (kind === "lightrag" ? "base" : "default"));
  if (!publish || profile === undefined) return profile;
  return profile.published === undefined ? undefined : { ...profile, publish };
}

/**
 * The same with the tenant apart, as configuration and command line have it.
 *
 * @throws GraphkeeperError `INVALID_CONFIG` with the nearest right name
 */
export function profileNamed(name: string, tenant: string): ProfileInput {
  const profile = profileByName(tenant === "" ? name : `${name}:${tenant}`);
  if (profile) return profile;
  const known = Object.keys(PROFILES);
  throw new GraphkeeperError("INVALID_CONFIG", `There is no profile ${name}. Known are ${known.join(", ")}.`, {
    field: "neo4j.profile",
    suggestion: nearestName(name, known),
  });
}
