import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import type { Run } from "../fixtures/fixture.ts";

/** A graph that a real library wrote of sixty documents, and what each of these states by the file that was given to it. */
export interface Recorded {
  writer: string;
  group: string;
  tenant: string;
  shape: Shape;
  /** At this length the writer cut its lists of sources; 0 = it did not. */
  limit: number;
  /** Names of the properties whose values are points in time. */
  times: string[];
  /** Statements that make the writer's constraints and indexes. */
  schema: string[];
  nodes: [labels: string[], properties: Record<string, unknown>][];
  relationships: [from: number, to: number, type: string, properties: Record<string, unknown>][];
  documents: Stated[];
}

/** How a reader that knows labels only looks at the graph. */
interface Shape {
  /** Label of text units; absent where they are outside the graph. */
  unit?: string;
  /** Property with the text. */
  text?: string;
  entity: string;
  /** Property with the name of an entity. */
  key: string;
  /** Property with the name of a fact; absent where it is the type. */
  name?: string;
  /** Entities are a lower bound and stay. */
  keeps?: boolean;
  /** Facts name their sources. */
  stated?: boolean;
  /** Facts have no direction and no type. */
  pairs?: boolean;
}

export interface Stated {
  ids: string[];
  entities: string[];
  facts: string[][];
  texts: string[];
}

const FOLDER = fileURLToPath(new URL(".", import.meta.url));

export const RECORDED = readdirSync(FOLDER)
  .filter((file) => file.endsWith(".json.gz"))
  .map((file) => file.replace(".json.gz", ""));

export function recorded(name: string): Recorded {
  return JSON.parse(gunzipSync(readFileSync(`${FOLDER}${name}.json.gz`)).toString()) as Recorded;
}

/** Writes the graph as the library left it, element ids apart. */
export async function load(run: Run, graph: Recorded): Promise<void> {
  for (const statement of graph.schema) await run(statement);
  const nodes = await run(
    "UNWIND range(0, size($rows) - 1) AS i CREATE (n:$($rows[i][0])) SET n = $rows[i][1] RETURN elementId(n) AS handle ORDER BY i",
    { rows: graph.nodes },
  );
  const handle = (i: number) => nodes[i]?.handle as string;
  await run(
    `UNWIND $rows AS row MATCH (a) WHERE elementId(a) = row[0] MATCH (b) WHERE elementId(b) = row[1]
     CREATE (a)-[r:$(row[2])]->(b) SET r = row[3]`,
    { rows: graph.relationships.map(([a, b, type, properties]) => [handle(a), handle(b), type, properties]) },
  );
  for (const name of graph.times) {
    await run(`MATCH (n) WHERE n.\`${name}\` IS NOT NULL SET n.\`${name}\` = datetime(n.\`${name}\`)`);
    await run(`MATCH ()-[r]->() WHERE r.\`${name}\` IS NOT NULL SET r.\`${name}\` = datetime(r.\`${name}\`)`);
  }
}

/** What readers see. */
export interface Seen {
  entities: Set<string>;
  facts: Set<string>;
  texts: Set<string>;
}

export async function seen(run: Run, { shape, documents }: Recorded): Promise<Seen> {
  const { entity, key, unit, text = "text" } = shape;
  const names = await run(`MATCH (e:\`${entity}\`) RETURN e.\`${key}\` AS name`);
  const kind = shape.name === undefined ? "type(r)" : `r.\`${shape.name}\``;
  const facts = await run(
    `MATCH (a:\`${entity}\`)-[r]->(b:\`${entity}\`) RETURN a.\`${key}\` AS a, ${kind} AS t, b.\`${key}\` AS b`,
  );
  const units =
    unit === undefined
      ? []
      : await run(`MATCH (u:\`${unit}\`) WHERE u.\`${text}\` IS NOT NULL RETURN u.\`${text}\` AS text`);
  // Some writers make one unit of a whole document.
  const texts = documents.flatMap((d) => d.texts).filter((t) => units.some((u) => (u.text as string).includes(t)));
  return {
    entities: new Set(names.map((r) => r.name as string)),
    facts: new Set(facts.map((r) => told(shape.pairs ? [r.a, r.b].sort() : [r.a, r.t, r.b]))),
    texts: new Set(texts),
  };
}

/** What readers must see (`all`), and what may be there beside it (`open`), when these documents are live and the others not. */
export function expected(graph: Recorded, live: Stated[]): { all: Seen; open: Seen } {
  const { shape, limit, documents } = graph;
  const entities = new Set((shape.keeps ? documents : live).flatMap((d) => d.entities));
  const facts = (shape.stated ? live : documents)
    .flatMap((d) => d.facts)
    .filter((f) => entities.has(f[0] as string) && entities.has(f.at(-1) as string));
  const cut = (all: string[]) => new Set(limit === 0 ? [] : all.filter((x) => mentions(documents, x) > limit));
  const hubs = cut(documents.flatMap((d) => d.entities));
  const ofHubs = documents
    .flatMap((d) => d.facts)
    .filter((f) => hubs.has(f[0] as string) || hubs.has(f.at(-1) as string));
  const texts = new Set(shape.unit === undefined ? [] : live.flatMap((d) => d.texts));
  return {
    all: { entities, facts: new Set(facts.map(told)), texts },
    open: { entities: hubs, facts: new Set(ofHubs.map(told)), texts: new Set() },
  };
}

const told = (fact: unknown[]) => fact.join(" | ");
const mentions = (documents: Stated[], entity: string) => documents.filter((d) => d.entities.includes(entity)).length;
