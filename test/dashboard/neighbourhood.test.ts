import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { closeWorlds, makeWorld, sampleBlock, send, type World } from "../http/world.ts";

describe("GET /neighbourhood", () => {
  let world: World;
  let key: string;
  beforeAll(async () => {
    world = await makeWorld({ sqlite: true, worker: false });
    key = await world.key("reader", ["alpha"]);
    for (const group of ["alpha", "beta"]) {
      for (const i of [0, 1]) await world.graphkeeper.importBlock(group, sampleBlock(i), { operationId: `o${i}` });
    }
    await world.graphkeeper.deprecate("alpha", ["d0"], { force: true });
  });
  afterAll(closeWorlds);

  const ask = (query: string, group = "alpha") => send(world, `/neighbourhood?${query}`, { group, key });

  test("gives nodes, edges between them, and what is parked", async () => {
    const { nodes, edges, truncated } = (await ask("document=d0")).json() as {
      nodes: { kind: string; id: string; presence: string }[];
      edges: { kind: string; source: number; target: number; presence: string }[];
      truncated: boolean;
    };
    expect(nodes[0]).toMatchObject({ kind: "document", id: "d0", presence: "parked" });
    expect(nodes).toContainEqual(expect.objectContaining({ kind: "entity", id: "hub", presence: "live" }));
    const owns = edges.filter((edge) => edge.kind === "owns");
    expect(owns.map((edge) => nodes[edge.target]!.kind)).toEqual(["text_unit", "text_unit"]);
    expect(owns.every((edge) => edge.source === 0 && edge.presence === "parked")).toBe(true);
    expect(truncated).toBe(false);
    const around = (await ask("entity=hub")).json() as { nodes: { kind: string; id: string }[] };
    const documents = around.nodes.filter((node) => node.kind === "document").map((node) => node.id);
    expect(documents.sort()).toEqual(["d0", "d1"]);
  });

  test("is bounded", async () => {
    const { nodes, truncated } = (await ask("document=d0&limit=2")).json() as { nodes: unknown[]; truncated: boolean };
    expect([nodes.length, truncated]).toEqual([2, true]);
    for (const limit of ["0", "501", "x"]) expect((await ask(`document=d0&limit=${limit}`)).statusCode).toBe(400);
  });

  test("asks for one thing, and says what is missing without saying what others have", async () => {
    for (const query of ["", "document=d0&entity=hub"]) expect((await ask(query)).json().code).toBe("INVALID_REQUEST");
    expect((await ask("document=none")).json().code).toBe("DOCUMENT_NOT_FOUND");
    expect((await ask("entity=none")).json().code).toBe("NOT_FOUND");
    expect((await ask("document=d0", "beta")).json().code).toBe("GROUP_NOT_FOUND");
    expect((await ask(`document=${"x".repeat(1_025)}`)).statusCode).toBe(400);
  });
});
