import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { Session } from "../../src/stores/sqlite/engine/session.ts";
import { tell } from "../neo4j/mutation-story.ts";
import { openOnThisThread } from "./engine.ts";

/**
 * Every statement of the engine that has a predicate on the group, without it: groups with the same ids live the same story,
 * and the story must be told otherwise. GRAPHKEEPER_LONG=1 tries those too that name a row by its key.
 */

const LONG = process.env.GRAPHKEEPER_LONG === "1";
const folder = await mkdtemp(join(tmpdir(), "graphkeeper-mutation-"));
const prepare = Session.prototype.sql;
afterAll(async () => {
  Session.prototype.sql = prepare;
  await rm(folder, { recursive: true, force: true });
});

/** `g = ?` is true whatever the parameter; the parameter stays, so that the others keep their places. */
function withoutGroup(text: string): string | null {
  const mutant = text.replace(/(?<!SET )\b(?:\w+\.)?g = (\?\d*)/g, "($1 IS NOT NULL OR 1)");
  return mutant === text ? null : mutant;
}

/**
 * Keys of rows are integers that no two rows ever share, whatever their groups (`sequence`): where a statement names one, the
 * group says nothing more, and its mutant is the same statement. It stands there for the index, and for whoever reads it.
 */
const namesKey = (text: string) =>
  /\b(?:\w+\.)?(?:key|unit|entity|document|relationship|community|a|b|source|target) (?:=|IN) (?:\?|\(|\w+\.\w+)/.test(
    text,
  );

/** Others that are the same without the group: what they find of other groups is looked up by key and not found. */
const SAME: [beginning: string, why: string][] = [
  ["SELECT key, vector FROM entity_vectors WHERE", "vectors are put to the entities of the group by key"],
  [
    "SELECT source, target, weight, type, description FROM relationships WHERE",
    "ends are looked up among the group's by key",
  ],
  ["SELECT key FROM candidates WHERE g = ? AND kind = 1", "each is judged by a statement that names key and group"],
  ["SELECT level FROM memberships WHERE", "a level of others is one more look that finds nothing"],
  ["INSERT INTO staged (g, epoch, ends, part, keys) SELECT", "numbers of parts need only grow"],
  ["DELETE FROM purged_documents WHERE", "marks are HMACs with the group's own salt: no two groups share one"],
  ["SELECT 1 AS found FROM purged_documents WHERE", "the same"],
  ["SELECT entity, after FROM hubs WHERE", "hubs begin at thousands of relationships; each is judged by key and group"],
];

/** The story holds no 20,000 contents of communities; `acknowledged-contents.test.ts` finds these mutants. */
const ELSEWHERE = "DELETE FROM acknowledged_contents WHERE";

let files = 0;
let statementsSent = 0;
/** What the story's calls answer; null as soon as an answer is not that of `until`, or the engine is never done. */
async function told(mutate: (text: string) => string, until?: string[]): Promise<string[] | null> {
  const bound = until ? 2 * statementsSent : Number.POSITIVE_INFINITY;
  let sent = 0;
  Session.prototype.sql = function sql(text: string) {
    if (++sent > bound) throw new Error("it does not come to an end");
    return prepare.call(this, mutate(text));
  };
  const path = join(folder, `${++files}.db`);
  const store = openOnThisThread(path);
  const lines: string[] = [];
  try {
    for await (const answer of tell(store)) {
      lines.push(JSON.stringify(answer, plain) ?? "");
      if (until && lines.at(-1) !== until[lines.length - 1]) return null;
    }
  } catch (error) {
    if (until) return null;
    throw error;
  } finally {
    await store.close();
    await rm(path, { force: true });
  }
  if (!until) statementsSent = sent;
  return lines;
}

const plain = (_: string, value: unknown): unknown =>
  typeof value === "bigint"
    ? String(value)
    : ArrayBuffer.isView(value)
      ? Array.from(value as Uint8Array, String)
      : value;

test("a statement without its group predicate is found out, unless it names a row by its key", {
  timeout: 1_200_000,
}, async () => {
  const statements = new Set<string>();
  const note = (text: string) => {
    statements.add(text);
    return text;
  };
  const truth = (await told(note)) as string[];
  expect(await told(note, truth), "the story is the same each time").toEqual(truth);
  const mutants = [...statements].sort().flatMap((text) => {
    const mutant = withoutGroup(text);
    return mutant === null ? [] : [[text, mutant] as const];
  });
  expect(mutants.length).toBeGreaterThan(100);
  const tried = mutants.filter(([text]) => LONG || !namesKey(oneLine(text)));
  const survived: string[] = [];
  for (const [text, mutant] of tried)
    if ((await told((each) => (each === text ? mutant : each), truth)) !== null) survived.push(oneLine(text));
  const found = tried.length - survived.length;
  const excused = survived.filter(
    (text) => namesKey(text) || [ELSEWHERE, ...SAME.map(([beginning]) => beginning)].some((b) => text.startsWith(b)),
  );
  console.info(
    `${mutants.length} mutants, ${tried.length} tried, ${found} found, ${excused.length} that are the same statement`,
  );
  expect(survived.filter((text) => !excused.includes(text))).toEqual([]);
  expect(found).toBeGreaterThan(25);
});

const oneLine = (text: string) => text.replace(/\s+/g, " ");
