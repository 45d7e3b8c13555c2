import { World } from "../../src/conformance/index.ts";
import { communityHash } from "../../src/core/ports.ts";
import type { Fence, Policy } from "../../src/core/words.ts";
import type { Neo4jStore } from "../../src/stores/neo4j/index.ts";
import { NOW } from "./mutation-story.ts";

/** The life of a group that another writer goes on to write: what the native story has no use for. */

export type Run = (statement: string, parameters?: Record<string, unknown>) => Promise<Record<string, unknown>[]>;

async function build(run: Run, g: string): Promise<void> {
  const document = `MERGE (d:Document {id: $id, group_id: $g}) SET d.title = $g + ': ' + $id
    MERGE (s:Sentence {id: $id + '_s', group_id: $g}) SET s.text = $g + ': text of ' + $id, s.sentence_embedding = [0.5, 0.25, 1.0] MERGE (s)-[:IN_DOCUMENT]->(d)
    CREATE (d)-[:HAS_SECTION]->(:Section {id: $id + '_sec', group_id: $g, section_embedding: [0.25, 0.5]})
    CREATE (:Table {id: $id + '_t', group_id: $g})-[:IN_DOCUMENT]->(d) CREATE (:Figure {id: $id + '_f', group_id: $g})-[:IN_DOCUMENT]->(d)
    CREATE (:KeyValue {id: $id + '_k', group_id: $g})-[:IN_DOCUMENT]->(d) CREATE (:KeyValuePair {id: $id + '_p', group_id: $g})-[:IN_DOCUMENT]->(d)
    CREATE (:SignatureBlock {id: $id + '_i', group_id: $g})-[:IN_DOCUMENT]->(d) CREATE (:Barcode {id: $id + '_b', group_id: $g})-[:IN_DOCUMENT]->(d)
    WITH s UNWIND $entities AS name MERGE (e:Entity {id: name, group_id: $g}) ON CREATE SET e.name = $g + ': ' + name, e.entity_embedding = [0.1, 0.2, 0.7]
    MERGE (s)-[:MENTIONS]->(e)`;
  await run(document, { g, id: "a", entities: ["x", "y"] });
  await run(document, { g, id: "b", entities: ["y", "z"] });
  await run(document, { g, id: "c", entities: ["z", "q"] });
  await run(
    `UNWIND [['x', 'y'], ['y', 'z'], ['z', 'q']] AS pair MATCH (a:Entity {id: pair[0], group_id: $g}) MATCH (b:Entity {id: pair[1], group_id: $g})
     CREATE (a)-[:RELATED_TO {weight: 2.0, rel_type: 'R'}]->(b) CREATE (a)-[:SEMANTICALLY_SIMILAR {score: 0.5, method: 'gds_knn'}]->(b)`,
    { g },
  );
  // A community of the writer's own with a summary, on a level that is not published.
  await run(
    `CREATE (c:Community {id: 'w1', group_id: $g, level: 7, summary: $g + ': what x and y are about'})
     WITH c MATCH (e:Entity {group_id: $g}) WHERE e.id IN ['x', 'y'] CREATE (e)-[:BELONGS_TO]->(c)`,
    { g },
  );
  // Another one, that says the name of an entity which is purged later.
  await run(
    `MATCH (e:Entity {group_id: $g, id: 'q'})
     CREATE (e)-[:BELONGS_TO]->(:Community {id: 'w2', group_id: $g, level: 7, summary: 'all about ' + e.name})`,
    { g },
  );
}

const POLICY: Policy = { restoreWindowMs: 1e12, unsupported: "collect", graceAgeMs: 0 };

function stepsOf(w: World, g: string, run: Run): (() => Promise<unknown>)[] {
  const store = w.store as Neo4jStore;
  const swept = async () => {
    const fence = (await store.acquireLease(g, "sweeper", 1e12, w.now)) as Fence;
    const did = [];
    let cursor: string | null = null;
    do {
      const step = await store.sweep(fence, { cursor, limit: 50, policy: POLICY, now: w.now });
      did.push(step);
      cursor = step.cursor;
    } while (cursor !== null);
    await store.releaseLease(fence);
    return did;
  };
  const collected = async (policy = POLICY) => {
    w.later(1_000);
    const fence = (await store.acquireLease(g, "collector", 1e12, w.now)) as Fence;
    const did = [];
    for (const kind of ["orphan_entities", "stale_edges", "deprecated_vectors"] as const) {
      let cursor: string | null = null;
      do {
        const batch = await store.collect(fence, kind, { cursor, limit: 50, policy, now: w.now, dryRun: false });
        did.push(batch);
        cursor = batch.cursor;
      } while (cursor !== null);
      did.push(await store.remaining(g, kind, policy, w.now));
    }
    await store.releaseLease(fence);
    return did;
  };
  const published = async (upsert: object, remove: object) => {
    const fence = (await store.acquireLease(g, "publisher", 1e12, w.now)) as Fence;
    await store.stageAnalytics(fence, { upsert, remove }, w.now);
    const { generation } = await w.state(g);
    const state = await store.publishAnalytics(fence, { generation, state: null, detail: {}, now: w.now });
    while ((await store.pruneAnalytics(fence, 5, w.now)) > 0);
    await store.releaseLease(fence);
    return state;
  };
  const hashes = { memberHash: "m", edgeHash: "e", textHash: "t", changedGeneration: 0 };
  const community = (id: string, parent: string | null, level = 0) => ({ id, level, parent, size: 1, ...hashes });
  /** The writer's community whose summary no longer holds: its members, and that it holds after all. */
  const summarised = async () => {
    const { items } = await w.store.communities(g, { unacknowledged: true, limit: 10 });
    const written = items.filter((c) => c.id === "writer:w1");
    if (written.length !== 1) throw new Error(`not told of once: ${JSON.stringify(items)}`);
    const members = await w.store.members(g, "writer:w1", { limit: 10 });
    const rows = written.map((c) => ({ id: c.id, hash: communityHash(c) }));
    return { written, members, acknowledged: await w.store.acknowledgeCommunities(g, rows, w.now) };
  };
  return [
    () => build(run, g),
    () => w.store.communities(g, { limit: 10 }),
    () =>
      published(
        {
          similarity: [
            { a: "x", b: "z", score: 0.75 },
            { a: "y", b: "z", score: 0.25 },
          ],
          communities: [community("k0", "k9"), community("k9", null, 1), community("k1", "k9")],
          memberships: [
            { level: 0, entity: "x", community: "k0" },
            { level: 0, entity: "y", community: "k0" },
            { level: 1, entity: "x", community: "k9" },
          ],
          ranks: [{ entity: "x", score: 0.5, component: "x" }],
        },
        {},
      ),
    () => published({}, { similarity: [{ a: "y", b: "z" }] }),
    () => w.deprecate(g, "a"),
    () => w.store.impact(g, "purge", ["a", "b"]),
    () => collected(),
    () => published({}, {}),
    summarised,
    () => w.everything(g),
    // The writer makes again what it does not see, dresses the parked in its labels, and sets all properties anew.
    () =>
      run(
        `MERGE (s:Sentence {id: 'a_s', group_id: $g}) SET s.text = $g + ': again', s.sentence_embedding = [1.0, 0.0, 0.0]
         MERGE (e:Entity {id: 'x', group_id: $g}) SET e.description = $g + ': again' MERGE (s)-[:MENTIONS]->(e)
         WITH e MATCH (y:Entity {id: 'y', group_id: $g}) MERGE (e)-[r:RELATED_TO]->(y) SET r.weight = 3.0, r.rel_type = 'R'
         WITH e MATCH (d {id: 'a', group_id: $g}) REMOVE d.lc_active, d.lc_labelled, d:Deprecated`,
        { g },
      ),
    swept,
    // A derived edge of the twin is parked before the twin is found.
    () =>
      run(
        "MATCH (s:Sentence {id: 'a_s', group_id: $g}) MATCH (o:Sentence {id: 'b_s', group_id: $g}) CREATE (s)-[:SEMANTICALLY_SIMILAR {score: 0.5}]->(o)",
        { g },
      ),
    () => w.deprecate(g, "b"),
    () => collected(),
    () => w.restore(g, "b"),
    () => collected(),
    () =>
      run(
        "MATCH (s {id: 'a_s', group_id: $g}) SET s:Sentence REMOVE s.lc_active, s.lc_parked_at WITH s MATCH (e {id: 'x', group_id: $g}) SET e:Entity REMOVE e.lc_active, e.lc_parked_at",
        { g },
      ),
    swept,
    () => collected(),
    () => collected(),
    () => w.restore(g, "a"),
    () => collected(),
    // Vectors in the place of the parked ones although nothing is parked.
    () =>
      run(
        "MATCH (e:Entity {id: 'z', group_id: $g}) SET e.lc_vector_entity_embedding = e.entity_embedding REMOVE e.entity_embedding",
        { g },
      ),
    swept,
    () => collected(),
    () => collected(),
    () =>
      published(
        { memberships: [{ level: 0, entity: "x", community: "k2" }], communities: [community("k2", null)] },
        {
          similarity: [{ a: "x", b: "z" }],
          ranks: ["x"],
          communities: ["k1", "k9"],
          memberships: [{ level: 1, entity: "x" }],
        },
      ),
    () => w.deprecate(g, ["b", "c"]),
    () => collected(),
    () => w.purge(g, "b"),
    () => collected({ ...POLICY, restoreWindowMs: 0 }),
    () => w.everything(g),
    () => w.deprecate(g, "a"),
    () => collected(),
    // Found by the uninstallation, which comes before any collection.
    () => run("MATCH (s {id: 'a_s', group_id: $g}) REMOVE s.lc_active, s.lc_parked_at", { g }),
  ];
}

/** Told for groups with the same ids, each two steps behind the one before. */
export async function* tellOfMiro(store: Neo4jStore, run: Run, groups: readonly string[]): AsyncGenerator<unknown> {
  const stories = groups.map((g) => stepsOf(new World(store, NOW), g, run));
  const length = stories[0]?.length ?? 0;
  for (let i = 0; i < length + 2 * (groups.length - 1); i++)
    for (const [at, steps] of stories.entries()) {
      const step = steps[i - 2 * at];
      if (step) yield await step();
    }
  // Shows everything again, whatever is parked.
  await store.uninstall();
}
