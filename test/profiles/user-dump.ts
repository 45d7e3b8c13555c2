import type { Run } from "./fixtures/fixture.ts";

/**
 * The user's part of the database, one line per node and relationship: everything but nodes of ours and properties that
 * begin with `lc_`. Nodes are told by their element id; relationships, which parking takes away and makes again, by their
 * ends, type and properties.
 */
export async function userDump(run: Run, options: { ours?: boolean } = {}): Promise<string[]> {
  const mine = options.ours
    ? "false"
    : "any(l IN labels(n) WHERE l STARTS WITH 'Graphkeeper' AND NOT l STARTS WITH 'GraphkeeperParked_' AND l <> 'GraphkeeperParkedOther')";
  const nodes = await run(
    `MATCH (n) WHERE NOT ${mine} AND NOT n:GroupMeta RETURN elementId(n) AS id, labels(n) AS labels, properties(n) AS properties`,
  );
  const edges = await run(
    "MATCH (a)-[r]->(b) WHERE NOT type(r) STARTS WITH 'GRAPHKEEPER' RETURN elementId(a) AS a, type(r) AS type, elementId(b) AS b, properties(r) AS properties",
  );
  const plain = (properties: unknown) =>
    JSON.stringify(
      Object.entries(properties as Record<string, unknown>)
        .filter(([k]) => options.ours || !k.startsWith("lc_"))
        .sort(([x], [y]) => (x < y ? -1 : 1)),
    );
  return [
    ...nodes.map((n) => `node ${n.id} ${JSON.stringify([...(n.labels as string[])].sort())} ${plain(n.properties)}`),
    ...edges.map((e) => `edge ${e.a} ${e.type} ${e.b} ${plain(e.properties)}`),
  ].sort();
}
