import assert from "node:assert/strict";
import type { Neighbourhood, NeighbourhoodQuery } from "../../core/neighbourhood.ts";
import type { StoredRecord } from "../../core/ports.ts";
import { block, library } from "./blocks.ts";
import type { GraphStoreCase } from "./case.ts";
import { recordsOf } from "./dump.ts";
import { failure } from "./world.ts";

const G = "alpha";

/** The same by a full scan: what the port says in words. */
function byScan(records: StoredRecord[], { of, id }: Pick<NeighbourhoodQuery, "of" | "id">) {
  const all = <K extends (typeof records)[number]["kind"]>(kind: K) =>
    records.filter((row): row is Extract<(typeof records)[number], { kind: K }> => row.kind === kind);
  const mentions = all("mention");
  const units = all("text_unit").filter((unit) =>
    of === "document"
      ? unit.documents.includes(id)
      : mentions.some((mention) => mention.textUnit === unit.id && mention.entity === id),
  );
  const unitIds = new Set(units.map((unit) => unit.id));
  const entityIds = new Set(
    of === "document"
      ? mentions.filter((mention) => unitIds.has(mention.textUnit)).map((mention) => mention.entity)
      : [id, ...all("relationship").flatMap((r) => (r.source === id ? [r.target] : r.target === id ? [r.source] : []))],
  );
  const documentIds = new Set([...(of === "document" ? [id] : []), ...units.flatMap((unit) => unit.documents)]);
  const status = new Map(all("document").map((row) => [row.id, row.status === "active" ? "live" : "parked"]));
  return {
    nodes: [
      ...[...documentIds].map((each) => `document ${each} ${status.get(each)}`),
      ...units.map((unit) => `text_unit ${unit.id} ${unit.presence}`),
      ...all("entity")
        .filter((entity) => entityIds.has(entity.id))
        .map((entity) => `entity ${entity.id} ${entity.presence}`),
    ].sort(),
    edges: [
      ...units.flatMap((unit) => unit.documents.map((each) => `owns ${each} ${unit.id} ${status.get(each)}`)),
      ...mentions
        .filter((mention) => unitIds.has(mention.textUnit) && entityIds.has(mention.entity))
        .map(
          ({ textUnit, entity }) => `mentions ${textUnit} ${entity} ${units.find((u) => u.id === textUnit)!.presence}`,
        ),
      ...all("relationship")
        .filter((row) => entityIds.has(row.source) && entityIds.has(row.target))
        .map((row) => `relationship ${row.source} ${row.target} ${row.presence}`),
    ].sort(),
  };
}

function told({ nodes, edges }: Neighbourhood) {
  const end = (position: number) => nodes[position]!.id;
  return {
    nodes: nodes.map((node) => `${node.kind} ${node.id} ${node.presence}`).sort(),
    edges: edges.map((edge) => `${edge.kind} ${end(edge.source)} ${end(edge.target)} ${edge.presence}`).sort(),
  };
}

/** What lies around a document or an entity. */
export const NEIGHBOURHOOD_CASES: GraphStoreCase[] = [
  {
    name: "neighbourhood: is what a full scan finds around each document and entity, live and parked",
    async run(w) {
      await w.import(G, library());
      const questions = [
        ...["d1", "d2", "d3"].map((id) => ({ of: "document" as const, id })),
        ...["a", "b", "c", "d", "f"].map((id) => ({ of: "entity" as const, id })),
      ];
      const compare = async (asked = questions) => {
        const records = await recordsOf(w.store, G);
        for (const question of asked) {
          const found = await w.store.neighbourhood(G, { ...question, limit: 100 });
          assert.deepEqual(told(found), byScan(records, question), JSON.stringify(question));
          assert.deepEqual([found.groupId, found.truncated, found.nodes[0]!.id], [G, false, question.id]);
        }
      };
      await compare(questions.filter(({ id }) => id === "d1" || id === "a"));
      await w.deprecate(G, "d1");
      await w.collect(G);
      await compare();
      const parked = await w.store.neighbourhood(G, { of: "document", id: "d1", limit: 100 });
      assert.ok(parked.nodes.some((node) => node.kind === "entity" && node.id === "b" && node.presence === "parked"));
      assert.ok(parked.edges.some((edge) => edge.kind === "relationship" && edge.presence === "parked"));
    },
  },
  {
    name: "neighbourhood: labels are titles, names and the beginnings of texts",
    async run(w) {
      await w.import(
        G,
        block({
          documents: [{ id: "d", title: "A title" }, "e"],
          units: { u: { documents: "d e", text: "x".repeat(200) } },
          entities: { n: "A name" },
          mentions: { u: "n" },
        }),
      );
      const { nodes } = await w.store.neighbourhood(G, { of: "document", id: "d", limit: 10 });
      const labels = new Map(nodes.map((node) => [node.id, node.label]));
      assert.deepEqual(
        [labels.get("d"), labels.get("e"), labels.get("n"), labels.get("u")],
        ["A title", "e", "A name", "x".repeat(80)],
      );
    },
  },
  {
    name: "neighbourhood: never has more nodes than asked for, and says when something was left out",
    async run(w) {
      const names = Array.from({ length: 40 }, (_, i) => `e${i}`);
      const relationships = Object.fromEntries(names.slice(1).map((name) => [`r-${name}`, [`e0 ${name}`] as [string]]));
      const units = Object.fromEntries(names.map((name) => [`u-${name}`, "d"]));
      const mentions = Object.fromEntries(names.map((name) => [`u-${name}`, `${name} e0`]));
      await w.import(G, block({ documents: ["d"], units, entities: names, mentions, relationships, vectors: false }));
      for (const question of [{ of: "document", id: "d" } as const, { of: "entity", id: "e0" } as const]) {
        for (const limit of [1, 2, 10]) {
          const found = await w.store.neighbourhood(G, { ...question, limit });
          assert.ok(found.nodes.length <= limit && found.nodes.length > limit / 2, `${question.of} ${limit}`);
          assert.equal(found.truncated, true);
          for (const edge of found.edges) assert.ok(found.nodes[edge.source] && found.nodes[edge.target]);
        }
        assert.equal((await w.store.neighbourhood(G, { ...question, limit: 1_000 })).truncated, false);
      }
    },
  },
  {
    name: "neighbourhood: what is not there is an error, also when another group has it",
    async run(w) {
      await w.import(G, library());
      await w.import("beta", block({ documents: ["x"], units: { ux: "x" }, entities: ["ex"], mentions: { ux: "ex" } }));
      const ask = (of: "document" | "entity", id: string, group = G) =>
        w.store.neighbourhood(group, { of, id, limit: 10 });
      for (const id of ["never", "x"]) await failure(() => ask("document", id), "DOCUMENT_NOT_FOUND");
      for (const id of ["never", "ex"]) await failure(() => ask("entity", id), "NOT_FOUND");
      await failure(() => ask("document", "d1", "nowhere"), "GROUP_NOT_FOUND");
    },
  },
];
