import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { closeWorlds, fill, makeWorld, type Request, send, type World } from "./world.ts";

let world: World;
let mine: string;
beforeAll(async () => {
  world = await makeWorld();
  for (const group of ["acme", "acme-eu", "beta", "foreign", "not-acme"]) await fill(world, group, 3);
  mine = await world.key("eraser", ["acme*"]);
});
afterAll(closeWorlds);

const GROUP_CALLS: [string, Request][] = [
  ["/documents", {}],
  ["/documents/d0", {}],
  ["/documents/d0/impact", {}],
  ["/documents/d0/deprecate", { body: {} }],
  ["/documents/d0/restore", { body: {} }],
  ["/documents/d0/purge", { body: { confirm: "d0" } }],
  ["/documents/d0/hold", { body: {} }],
  ["/documents/bulk", { body: { verb: "deprecate", documents: ["d0", "d1"] } }],
  ["/documents/d0", { method: "PUT", body: { text_units: [] } }],
  ["/search", { body: { vector: [1, 0, 0] } }],
  ["/communities", {}],
  ["/communities/changed", {}],
  ["/communities/0-1/members", {}],
  ["/communities/acknowledge", { body: { communities: [{ id: "0-1", hash: "x" }] } }],
  ["/audit", {}],
  ["/maintenance/health", {}],
  ["/maintenance/runs", {}],
  ["/maintenance/run-all-gc", { body: {} }],
  ["/maintenance/gc/stale_edges", { body: {} }],
  ["/maintenance/recompute-gds", { body: {} }],
  ["/maintenance/runs/redrive", { body: {} }],
  ["/groups/{group}/export", {}],
  ["/groups/{group}/dump", {}],
  ["/groups/{group}/verify", {}],
];

describe("a key for acme*", () => {
  test.each(GROUP_CALLS)("%s: a foreign group and a missing one answer alike", async (path, request) => {
    const before = await dump("foreign");
    const ask = async (group: string) => {
      const inPath = path.includes("{group}");
      const answer = await send(world, path.replace("{group}", group), {
        ...request,
        group: inPath ? undefined : group,
        key: mine,
        headers: { "x-request-id": "same" },
      });
      const text = answer.body.replaceAll(group, "GROUP");
      const headers = { ...answer.headers, date: "", "content-length": "" };
      return { status: answer.statusCode, text, headers };
    };
    const foreign = await ask("foreign");
    expect(foreign.status).toBe(404);
    expect(JSON.parse(foreign.text).code).toBe("GROUP_NOT_FOUND");
    expect(foreign).toEqual(await ask("nobody"));
    // Missing, though it would be in scope.
    expect(foreign).toEqual(await ask("acme-none"));
    expect(await dump("foreign")).toBe(before);
  });

  test("imports into its own groups only", async () => {
    const raw = '{"kind":"document","id":"n"}\n{"kind":"text_unit","id":"n/u","documents":["n"],"text":"t"}\n';
    const type = "application/x-ndjson";
    expect((await send(world, "/groups/foreign/import", { raw, type, key: mine })).statusCode).toBe(404);
    expect((await send(world, "/groups/brand-new/import", { raw, type, key: mine })).statusCode).toBe(404);
    expect(await world.graphkeeper.store.group("brand-new")).toBeNull();
    expect((await send(world, "/groups/acme-new/import", { raw, type, key: mine })).statusCode).toBe(200);
  });

  test("lists show its own groups only", async () => {
    const ids = (answer: { json(): { groups: { group_id: string }[] } }) => answer.json().groups.map((g) => g.group_id);
    const stale = ids(await send(world, "/maintenance/admin/groups/stale", { key: mine }));
    expect(stale).toContain("acme");
    expect(stale.every((id) => id.startsWith("acme"))).toBe(true);
    expect(ids(await send(world, "/groups", { key: mine })).every((id) => id.startsWith("acme"))).toBe(true);
    const ran = await send(world, "/maintenance/run-all-gc", { key: mine, body: {} });
    expect(ids(ran).sort()).toEqual([...stale].sort());
    expect((await world.graphkeeper.store.group("foreign"))?.collectedGeneration).toBe(0);
    const service = await send(world, "/maintenance/health", { key: mine });
    expect(Object.keys(service.json()).sort()).toEqual(["findings", "started_at", "status", "version"]);
  });

  test("another group's run is not there, for any verb", async () => {
    const { run } = await world.graphkeeper.run({ kind: "gc_all", groupId: "foreign" });
    await world.graphkeeper.jobs.wait(run.id, 5_000);
    for (const [method, suffix] of [
      ["GET", ""],
      ["GET", "/events"],
      ["POST", "/cancel"],
      ["POST", "/pause"],
      ["POST", "/resume"],
      ["POST", "/retry"],
    ] as const) {
      const answer = await send(world, `/maintenance/runs/${run.id}${suffix}`, { method, key: mine });
      expect(answer.json().code, suffix).toBe("RUN_NOT_FOUND");
    }
    const listed = await send(world, "/maintenance/runs", { key: mine });
    expect(listed.json().runs.every((r: { group_id: string }) => r.group_id.startsWith("acme"))).toBe(true);
  });

  test("changes schedules of its own groups, not those for all", async () => {
    const put = (id: string, body: object) =>
      send(world, `/maintenance/schedules/${id}`, { method: "PUT", key: mine, body });
    expect((await put("recompute-daily", { expression: "* * * * *" })).statusCode).toBe(403);
    expect((await put("mine", { kind: "gc_all", expression: "0 * * * *" })).statusCode).toBe(403);
    const foreign = await put("theirs", { kind: "gc_all", expression: "0 * * * *", target: { group_id: "foreign" } });
    expect(foreign.json().code).toBe("GROUP_NOT_FOUND");
    expect(
      (await put("mine", { kind: "gc_all", expression: "0 * * * *", target: { group_id: "acme" } })).statusCode,
    ).toBe(200);
    // Taking it over to a foreign group is no way around.
    expect((await put("mine", { target: { group_id: "foreign" } })).statusCode).toBe(404);
    await world.graphkeeper.jobs.schedules.set("hidden", {
      kind: "gc_all",
      expression: "0 * * * *",
      target: { groupId: "foreign" },
    });
    const list = await send(world, "/maintenance/schedules", { key: mine });
    const ids = list.json().schedules.map((s: { id: string }) => s.id);
    expect(ids).toContain("mine");
    expect(ids).not.toContain("hidden");
    for (const [method, path] of [
      ["GET", "hidden"],
      ["DELETE", "hidden"],
      ["GET", "hidden/preview"],
      ["GET", "hidden/occurrences"],
      ["POST", "hidden/pause"],
    ] as const) {
      expect((await send(world, `/maintenance/schedules/${path}`, { method, key: mine })).json().code).toBe(
        "NOT_FOUND",
      );
    }
    expect((await send(world, "/maintenance/schedules/mine", { method: "DELETE", key: mine })).statusCode).toBe(204);
  });

  test("its idempotency keys are its own", async () => {
    const other = await world.key("eraser", ["acme"]);
    const headers = { "idempotency-key": "same-key" };
    const first = await send(world, "/documents/d2/deprecate", { group: "acme", key: mine, body: {}, headers });
    const second = await send(world, "/documents/d2/restore", { group: "acme", key: other, body: {}, headers });
    expect(first.statusCode).toBe(200);
    expect(second.statusCode).toBe(200);
    expect(second.headers["idempotency-replayed"]).toBeUndefined();
  });

  test("X-Group-ID grants nothing: prefixes are prefixes, exact is exact", async () => {
    const exact = await world.key("reader", ["acme"]);
    expect((await send(world, "/documents", { group: "acme", key: exact })).statusCode).toBe(200);
    expect((await send(world, "/documents", { group: "acme-eu", key: exact })).statusCode).toBe(404);
    expect((await send(world, "/documents", { group: "acme-eu", key: mine })).statusCode).toBe(200);
    for (const group of ["beta", "not-acme"]) {
      expect((await send(world, "/documents", { group, key: mine })).statusCode).toBe(404);
    }
  });
});

async function dump(groupId: string): Promise<string> {
  const lines: string[] = [];
  for await (const line of world.graphkeeper.dump(groupId)) lines.push(line);
  return lines.join("\n");
}
