import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ROLES, type Role, roleCovers } from "../../src/http/api-key.ts";
import { monitoringRoutes } from "../../src/http/monitoring.ts";
import type { Route } from "../../src/http/route.ts";
import { ROUTES } from "../../src/http/routes.ts";
import { closeWorlds, fill, makeWorld, type Request, send, type World } from "./world.ts";

/** Every route of the table × every role × whose group × what became of the key: a new route is in it by itself. */
const OWN = "acme";
const FOREIGN = "zz-foreign";
const MISSING = "zz-nobody";
const SECRET = "zz-secret";
const [issuer, audience] = ["https://issuer.example", "graphkeeper"];

const MONITORING = monitoringRoutes({
  metricsText: async () => `graphkeeper_groups{group="${FOREIGN}"} 1\n`,
  alerts: async (visible) => ({
    evaluatedAt: 0,
    firing: 0,
    alerts: [{ name: "stale_groups", status: "ok", groupIds: [OWN, FOREIGN].filter((id) => visible?.(id) ?? true) }],
  }),
});
const ALL = [...ROUTES, ...MONITORING];
/** What concerns all groups: let in with all of them only, whatever the role. */
const OF_ALL_GROUPS = new Set(["GET /metrics"]);

let world: World;
let issuers: Server;
let sign: (claims: object, expires?: number) => Promise<string>;
beforeAll(async () => {
  const { publicKey, privateKey } = await generateKeyPair("ES256");
  const jwk = { ...(await exportJWK(publicKey)), kid: "k", alg: "ES256", use: "sig" };
  issuers = createServer((_, response) => response.end(JSON.stringify({ keys: [jwk] })));
  await new Promise<void>((resolve) => issuers.listen(0, "127.0.0.1", resolve));
  const jwksUrl = `http://127.0.0.1:${(issuers.address() as AddressInfo).port}/`;
  sign = (claims, expires = 600) =>
    new SignJWT({ sub: "ada", ...claims })
      .setProtectedHeader({ alg: "ES256", kid: "k" })
      .setIssuer(issuer)
      .setAudience(audience)
      .setExpirationTime(Math.floor(Date.now() / 1_000) + expires)
      .sign(privateKey);
  const auth = { jwt: { issuer, audience, jwksUrl }, failuresPerMinute: 1_000_000 };
  world = await makeWorld({ worker: false, auth, http: { routes: MONITORING, waitMs: 1 } });
  for (const group of [OWN, FOREIGN]) await fill(world, group, 2);
  const { jobs } = world.graphkeeper;
  await world.graphkeeper.run({ kind: "gc_all", groupId: FOREIGN });
  await jobs.schedules.set("theirs", { kind: "gc_all", expression: "0 * * * *", target: { groupId: FOREIGN } });
  await jobs.schedules.set("for-all", { kind: "gc_all", expression: "0 * * * *", target: "stale" });
  for (const id of ["theirs", "for-all"]) await jobs.schedules.pause(id, `${SECRET} says ${FOREIGN}`, SECRET);
  await jobs.pauseLevel("all", "", `${SECRET} of ${FOREIGN}`, SECRET);
  await jobs.pauseLevel("group", FOREIGN, SECRET, SECRET);
}, 60_000);
afterAll(async () => {
  await closeWorlds();
  issuers.close();
});

/** A request of the right shape for a route, so that what answers is the check and not a missing part. */
function requestFor(route: Route, group = OWN): { path: string; request: Request } {
  const inPath = route.group === "path" || route.group === "path-creates";
  const path = route.path.replace("{kind}", "orphan_entities").replace("{id}", inPath ? group : "x");
  const query = route.idempotency === "run" ? "?wait=0&dry_run=true" : "";
  const inHeader = route.group === "header" || route.group === "optional";
  return {
    path: `${path}${path.includes("recompute") ? "?wait=0" : query}`,
    request: {
      method: route.method,
      group: inHeader ? group : undefined,
      ...(route.ndjson === "only"
        ? { raw: '{"kind":"document"}\n', type: "application/x-ndjson" }
        : { body: route.method === "GET" || route.method === "DELETE" ? undefined : (BODIES[nameOf(route)] ?? {}) }),
      headers: { "x-request-id": "same" },
    },
  };
}

/** Without members these calls would be about all groups. */
const BODIES: Record<string, object> = {
  "PUT /maintenance/schedules/{id}": { kind: "gc_all", expression: "0 * * * *", target: { group_id: OWN } },
};

const nameOf = (route: Route) => `${route.method} ${route.path}`;
const closed = ALL.filter((route) => route.role !== "public");

describe.each(["API key", "JWT"] as const)("%s", (kind) => {
  const make = (role: Role, groups: string[], expires?: number) =>
    kind === "JWT" ? sign({ graphkeeper_role: role, graphkeeper_groups: groups }, expires) : world.key(role, groups);

  test.each(ROLES)("%s: every route, with the own group, a foreign one and one that is missing", async (role) => {
    // An API key with the role admin has all groups.
    const scoped = role !== "admin" || kind === "JWT";
    const key = await make(role, [scoped ? OWN : "*"]);
    for (const route of closed) {
      const ask = async (group: string) => {
        const { path, request } = requestFor(route, group);
        const answer = await send(world, path, { ...request, key });
        expect(answer.statusCode, `${role} ${nameOf(route)} ${group}: ${answer.body.slice(0, 200)}`).toBeLessThan(500);
        if (scoped && group !== FOREIGN) {
          // Nothing of another tenant: neither its name nor what was said of it.
          for (const word of [FOREIGN, SECRET]) expect(answer.body, nameOf(route)).not.toContain(word);
        }
        return { status: answer.statusCode, text: answer.body.replaceAll(group, "GROUP") };
      };
      const where = `${role} ${nameOf(route)}`;
      const own = await ask(OWN);
      const allGroups = OF_ALL_GROUPS.has(nameOf(route)) || route.role === "admin";
      if (!roleCovers(role, route.role as Role) || (allGroups && scoped)) {
        expect(own.status, where).toBe(403);
        continue;
      }
      expect([401, 403], `${where}: ${own.text}`).not.toContain(own.status);
      if (route.group === "none" || !scoped) continue;
      const foreign = await ask(FOREIGN);
      expect(foreign, where).toMatchObject({ status: 404, text: expect.stringContaining("GROUP_NOT_FOUND") });
      expect(foreign, where).toEqual(await ask(MISSING));
    }
  });

  test("no key, a revoked or an expired one: 401 on every route, and nothing done", async () => {
    const dead = kind === "JWT" ? await make("admin", ["*"], -60) : await make("eraser", ["*"]);
    if (kind === "API key") await world.graphkeeper.keys.revokeKey(dead.slice(3, 15), Date.now());
    const before = await world.graphkeeper.store.group(OWN);
    for (const route of closed) {
      const { path, request } = requestFor(route);
      for (const key of [undefined, dead]) {
        expect((await send(world, path, { ...request, key })).statusCode, nameOf(route)).toBe(401);
      }
    }
    expect(await world.graphkeeper.store.group(OWN)).toEqual(before);
  });
});

test("a key of one group walks its own group only, and no cursor names another", async () => {
  const many = await makeWorld({ worker: false });
  const mine = ["m1", "m2", "m3"];
  for (const id of ["a1", "a2", ...mine, "n1", "z1"]) await fill(many, id, 1);
  const key = await many.key("reader", ["m*"]);
  for (const path of ["/groups", "/maintenance/admin/groups/stale"]) {
    const seen: string[] = [];
    let cursor: string | null = "";
    do {
      const query: string = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
      const answer = await send(many, `${path}?limit=1${query}`, { key });
      const body = answer.json() as { groups: { group_id: string }[]; next_cursor: string | null };
      seen.push(...body.groups.map((group) => group.group_id));
      cursor = body.next_cursor;
      expect(cursor === null || mine.includes(cursor), `${path}: ${cursor}`).toBe(true);
    } while (cursor !== null);
    expect(seen).toEqual(mine);
  }
});

test("a schedule of another group is neither changed nor told apart from any other id that is taken", async () => {
  const key = await world.key("operator", [OWN]);
  const body = { kind: "gc_all", expression: "0 * * * *", target: { group_id: OWN } };
  const answer = await send(world, "/maintenance/schedules/theirs", { method: "PUT", body, key });
  expect([answer.statusCode, answer.json().code]).toEqual([409, "CONFLICT"]);
  expect(answer.body).not.toContain(FOREIGN);
});

test("a stream of events ends when its key is revoked", { timeout: 20_000 }, async () => {
  await world.listen();
  const { run } = await world.graphkeeper.run({ kind: "gc_all", groupId: OWN });
  const key = await world.key("reader", [OWN]);
  const response = await fetch(`${world.url}/maintenance/runs/${run.id}/events`, {
    headers: { authorization: `Bearer ${key}` },
  });
  const reader = response.body!.getReader();
  expect(new TextDecoder().decode((await reader.read()).value)).toContain(run.id);
  await world.graphkeeper.keys.revokeKey(key.slice(3, 15), Date.now());
  await world.graphkeeper.jobs.cancel(run.id);
  let rest = "";
  for (let part = await reader.read(); !part.done; part = await reader.read())
    rest += new TextDecoder().decode(part.value);
  expect(rest).not.toContain("cancelled");
});
