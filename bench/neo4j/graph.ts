import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { neo4jAdmin } from "../../test/servers/neo4j.ts";

/**
 * A graph of the native shapes, written as CSV and loaded by Neo4j's own import: `groups` groups of `entities` entities,
 * a document for each 20 entities with 10 text units, 5 mentions and 2 facts by each unit, and two similarity edges by each
 * entity. Similarity edges are there twice: as rows of ours and as relationships, as the naive way keeps them.
 */
export const UNITS = 10;
const MENTIONS = 5;
const SIMILAR = 2;
export const groupName = (i: number) => (i === 0 ? "bench" : `other${i}`);
export const documentsOf = (entities: number) => Math.round(entities / 20);

/** Deterministic, so that two runs load the same graph. */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Fills an empty server's home. @returns seconds that it took */
export async function loadGraph(home: string, entities: number, groups: number): Promise<number> {
  const begun = performance.now();
  const folder = join(home, "csv");
  await mkdir(folder, { recursive: true });
  const headers: Record<string, string> = {
    entity: ":ID,group_id,id,name,embedding:double[],lc_active:boolean,lc_created_at:long,lc_ever_mentioned:boolean",
    document: ":ID,group_id,id",
    state: "lc_group,lc_id,status,version:long,createdAt:long",
    unit: ":ID,group_id,id,text,embedding:double[],lc_active:boolean,supports:string[]",
    row: "lc_group,lc_kind,lc_key,lc_from:long,lc_a,lc_b,score:double",
    partOf: ":START_ID,:END_ID",
    mentions: ":START_ID,:END_ID",
    fact: ":START_ID,:END_ID,group_id,id,type,weight:double,text_units:string[]",
    similar: ":START_ID,:END_ID,group_id,score:double",
  };
  const files = Object.fromEntries(
    Object.entries(headers).map(([name, header]) => [name, new Csv(join(folder, `${name}.csv`), header)]),
  ) as Record<keyof typeof headers, Csv>;
  const line = (name: string, text: string) => (files[name] as Csv).line(text);
  for (let g = 0; g < groups; g++) await writeGroup(groupName(g), entities, random(entities + g), line);
  for (const file of Object.values(files)) await file.end();
  const csv = (name: string) => join(folder, `${name}.csv`);
  await neo4jAdmin(home, [
    ...["database", "import", "full", "neo4j", "--overwrite-destination", "--id-type=string"],
    `--report-file=${join(folder, "import.report")}`,
    ...[`--nodes=Entity=${csv("entity")}`, `--nodes=Document=${csv("document")}`, `--nodes=TextUnit=${csv("unit")}`],
    ...[`--nodes=GraphkeeperDocument=${csv("state")}`, `--nodes=GraphkeeperAnalytics=${csv("row")}`],
    ...[`--relationships=PART_OF=${csv("partOf")}`, `--relationships=MENTIONS=${csv("mentions")}`],
    ...[`--relationships=RELATED_TO=${csv("fact")}`, `--relationships=SEMANTICALLY_SIMILAR=${csv("similar")}`],
  ]);
  await rm(folder, { recursive: true });
  return (performance.now() - begun) / 1_000;
}

async function writeGroup(
  group: string,
  entities: number,
  next: () => number,
  line: (name: string, text: string) => Promise<void>,
): Promise<void> {
  const documents = documentsOf(entities);
  const units = documents * UNITS;
  const facts = (unit: number) => [`r${2 * unit}`, `r${2 * unit + 1}`];
  const vector = () => Array.from({ length: 4 }, () => (next() * 2 - 1).toFixed(6)).join(";");
  for (let i = 0; i < entities; i++)
    await line("entity", `${group}/e${i},${group},e${i},e${i},${vector()},true,1,true`);
  for (let i = 0; i < documents; i++) {
    await line("document", `${group}/d${i},${group},d${i}`);
    await line("state", `${group},d${i},active,1,1`);
  }
  const found = new Uint8Array(entities);
  for (let i = 0; i < units; i++) {
    await line("unit", `${group}/u${i},${group},u${i},text of u${i},${vector()},true,${facts(i).join(";")}`);
    await line("partOf", `${group}/u${i},${group}/d${Math.floor(i / UNITS)}`);
    // Documents mention what lies near them and, now and then, one of a few hubs.
    const near = () => Math.floor(((i / units) * entities + next() * 40) % entities);
    const mentioned = new Set<number>();
    while (mentioned.size < MENTIONS) mentioned.add(next() < 0.02 ? Math.floor(next() * 5) : near());
    for (const e of mentioned) {
      found[e] = 1;
      await line("mentions", `${group}/u${i},${group}/e${e}`);
    }
    const ends = [...mentioned];
    for (const [j, id] of facts(i).entries())
      await line("fact", `${group}/e${ends[2 * j]},${group}/e${ends[2 * j + 1]},${group},${id},x,1.0,u${i}`);
  }
  // Nothing is an orphan before the first deprecation: the naive way would collect it in its first run, and ours never.
  for (let i = 0; i < entities; i++)
    if (!found[i]) await line("mentions", `${group}/u${Math.floor((i / entities) * units)},${group}/e${i}`);
  for (let i = 0; i < entities; i++) {
    for (let s = 0; s < SIMILAR; s++) {
      const near = (i + 1 + s * 30 + Math.floor(next() * 30)) % entities;
      const score = next().toFixed(4);
      await line("similar", `${group}/e${i},${group}/e${near},${group},${score}`);
      const [a, b] = [`e${i}`, `e${near}`].sort();
      await line("row", `${group},similarity,${a}|${b}|${s},1,${a},${b},${score}`);
    }
  }
}

class Csv {
  readonly #stream;
  #lines: string[] = [];

  constructor(path: string, header: string) {
    this.#stream = createWriteStream(path);
    this.#lines.push(header);
  }

  async line(text: string): Promise<void> {
    if (this.#lines.push(text) >= 5_000) await this.#flush();
  }

  async #flush(): Promise<void> {
    const text = `${this.#lines.join("\n")}\n`;
    this.#lines = [];
    if (!this.#stream.write(text)) await once(this.#stream, "drain");
  }

  async end(): Promise<void> {
    await this.#flush();
    this.#stream.end();
    await once(this.#stream, "finish");
  }
}
