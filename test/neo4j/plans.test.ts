import neo4j, { type Plan } from "neo4j-driver";
import { describe, expect, test } from "vitest";
import type { ImportBlock } from "../../src/core/words.ts";
import { checkProfile } from "../../src/profiles/format.ts";
import { native } from "../../src/profiles/native.ts";
import { openNeo4jStore } from "../../src/stores/neo4j/index.ts";
import { Shapes } from "../../src/stores/neo4j/shapes.ts";
import { IMPORT_ONLY, SCANS, SCANS_WITHOUT_KEY } from "../../src/stores/neo4j/statements/catalogue.ts";
import { statementsFor } from "../../src/stores/neo4j/statements/index.ts";
import { corpus } from "../profiles/fixtures/corpus.ts";
import { FIXTURES } from "../profiles/fixtures/writers.ts";
import { useNeo4j } from "./server.ts";

const db = useNeo4j();

function operators(plan: Plan): string[] {
  const type = plan.operatorType.replace(/@.*/, "");
  return [type, ...wrongPages(type, String(plan.arguments?.Details ?? "")), ...plan.children.flatMap(operators)];
}

/**
 * A page that a filter begins, where rows come in the order of an index or of ORDER BY: the two are different orders of texts
 * (`inUnits`). Element ids are ASCII.
 */
function wrongPages(type: string, details: string): string[] {
  if (type !== "Filter") return [];
  const compared = [...details.matchAll(/(\S+) (?:>|<=) \$(?:after|last)\b/g)].map((match) => match[1] as string);
  const harmless = /^\(?(?:handle|elementId\(\w+\)|\S+\.seq)$|^\$autostring_\d+$|^''$/;
  return compared.filter((of) => !harmless.test(of)).map((of) => `FilteredPage of ${of}`);
}

/** What is wrong with a plan: reading every node, multiplying unrelated rows, or looking something up by scanning. */
function faults(name: string, found: string[], keyless: boolean): string[] {
  const bad = found.filter((o) => /^(AllNodesScan|.*CartesianProduct|.*AllRelationshipsScan|FilteredPage .*)$/.test(o));
  if (!SCANS.has(name) && !(keyless && SCANS_WITHOUT_KEY.has(name)))
    bad.push(
      ...found.filter((o) => /(ByLabelScan|ByLabelsScan|RelationshipTypeScan|NodeIndexScan|IndexScan)$/.test(o)),
    );
  return bad;
}

async function plansOf(
  statements: Record<string, string>,
  skip: (name: string) => boolean,
  keyless = false,
): Promise<Record<string, string[]>> {
  // Plans follow statistics; fresh indexes have none until they are sampled.
  await db.run("CALL db.prepareForReplanning(60)");
  const driver = neo4j.driver(db.uri());
  const session = driver.session();
  const wrong: Record<string, string[]> = {};
  try {
    for (const [name, statement] of Object.entries(statements)) {
      if (skip(name)) continue;
      const { summary } = await session.run(`EXPLAIN ${statement}`, {});
      const bad = faults(name, operators(summary.plan as Plan), keyless);
      if (bad.length > 0) wrong[name] = bad;
    }
  } finally {
    await session.close();
    await driver.close();
  }
  return wrong;
}

test("the check finds a planted scan, a cartesian product, a read of all nodes and a page that a filter begins", async () => {
  const planted = {
    page: "MATCH (n:Entity {id: $id}) WITH n.name AS name WHERE name > $after RETURN name ORDER BY name LIMIT $limit",
    scan: "MATCH (n:Entity {name: $name}) RETURN n",
    product: "MATCH (a:Entity {id: $a}) MATCH (b:TextUnit {id: $b}) RETURN a, b",
    everything: "MATCH (n) WHERE n.id = $id RETURN n",
  };
  expect(Object.keys(await plansOf(planted, () => false)).sort()).toEqual(["everything", "page", "product", "scan"]);
});

test("native: an index stands behind each lookup", { timeout: 240_000 }, async () => {
  await db.clear({ schema: true });
  const store = await openNeo4jStore({ uri: db.uri() });
  await store.close();
  expect(await plansOf(statementsFor(new Shapes(checkProfile(native))), () => false)).toEqual({});
});

test("a deprecation and a restore take at most six round trips", { timeout: 240_000 }, async () => {
  await db.clear();
  const store = await openNeo4jStore({ uri: db.uri() });
  const textUnits = Array.from({ length: 100 }, (_, i) => ({ id: `u${i}`, text: `text ${i}`, documents: ["d"] }));
  const entities = Array.from({ length: 40 }, (_, i) => ({ id: `e${i}`, name: `e${i}` }));
  const block: ImportBlock = {
    documents: [{ id: "d" }],
    textUnits,
    entities,
    mentions: textUnits.map((u, i) => ({ textUnit: u.id, entity: `e${i % 40}` })),
    relationships: [],
  };
  const call = (verb: "import" | "deprecate" | "restore") =>
    store.apply(
      { id: verb, groupId: "g", verb, documentIds: ["d"], requestHash: "", at: 1, actor: "t", reason: null },
      verb === "import" ? { block } : {},
    );
  await call("import");
  // A statement that is sent while no answer is awaited begins a round trip; BEGIN and COMMIT are two more.
  let trips = 0;
  let open = 0;
  const write = store.connection.write.bind(store.connection);
  store.connection.write = (work) => {
    trips += 2;
    return write((tx) =>
      work({
        stream: tx.stream,
        run: (statement, parameters) => {
          if (open++ === 0) trips++;
          return tx.run(statement, parameters).finally(() => open--);
        },
      }),
    );
  };
  for (const verb of ["deprecate", "restore"] as const) {
    trips = 0;
    expect((await call(verb)).effect.textUnits).toBe(100);
    expect(trips).toBeGreaterThan(2);
    expect(trips).toBeLessThanOrEqual(6);
  }
  await store.close();
});

describe.each(Object.entries(FIXTURES))("%s", (_, fixture) => {
  test("an index stands behind each lookup", { timeout: 240_000 }, async () => {
    await db.clear({ schema: true });
    const all = corpus(150);
    await fixture.build(db.run, all);
    const store = await openNeo4jStore({ uri: db.uri(), profile: fixture.profile });
    // The planner goes by what is there: something of each kind must be parked.
    const documentIds = all.documents.slice(0, 60).flatMap((d) => fixture.documentIds(d));
    await store.apply({
      id: "o",
      groupId: fixture.group,
      verb: "deprecate",
      documentIds,
      requestHash: "",
      at: 1,
      actor: "t",
      reason: null,
    });
    await store.close();
    const profile = checkProfile(fixture.profile);
    const keyless =
      "elementId" in profile.entities.key ||
      profile.textUnits.as === "reference" ||
      profile.relationships.support.by === "list";
    const wrong = await plansOf(statementsFor(new Shapes(profile)), (name) => IMPORT_ONLY.has(name), keyless);
    expect(wrong).toEqual({});
  });
});
