import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { ROLES } from "../../src/http/api-key.ts";
import { ROUTES } from "../../src/http/routes.ts";
import { ALERTS } from "../../src/monitoring/conditions.ts";
import { closeWorlds, makeWorld, send } from "./world.ts";

afterAll(closeWorlds);

describe("the contract", () => {
  test("openapi.json is what the routes say", () => {
    const script = fileURLToPath(new URL("../../scripts/openapi.ts", import.meta.url));
    const { status, stderr } = spawnSync(process.execPath, [script, "--check"], { encoding: "utf8" });
    expect(stderr).toBe("");
    expect(status).toBe(0);
  });

  test("every route has a role, and no two are the same", () => {
    const names = ROUTES.map((route) => `${route.method} ${route.path}`);
    expect(new Set(names).size).toBe(names.length);
    for (const route of ROUTES) expect([...ROLES, "public"]).toContain(route.role);
    // Whoever makes a route public says so here too.
    expect(ROUTES.filter((route) => route.role === "public").map((route) => route.path)).toEqual([
      "/livez",
      "/readyz",
      "/runbooks/{name}",
    ]);
  });

  test("the service serves the runbook of each alert, and nothing else from there", async () => {
    const world = await makeWorld();
    for (const name of ALERTS) {
      const { statusCode, body } = await send(world, `/runbooks/${name.replaceAll("_", "-")}`);
      expect([statusCode, body], name).toEqual([200, expect.stringMatching(new RegExp(`^# [^]*\`${name}\``))]);
    }
    for (const name of ["nothing", "..%2Ferrors", "%2e%2e%2f%2e%2e%2fpackage.json"])
      expect((await send(world, `/runbooks/${name}`)).statusCode, name).toBeGreaterThanOrEqual(400);
  });

  test("every POST and PUT that changes something takes an Idempotency-Key", () => {
    const without = ROUTES.filter(
      (r) => (r.method === "POST" || r.method === "PUT") && (r.idempotency ?? "none") === "none",
    );
    expect(without.map((route) => route.path)).toEqual(["/maintenance/schedules/preview", "/search"]);
  });

  test("the document stands by itself: every reference is there, every operation has an id of its own", async () => {
    const { app } = await makeWorld();
    const answer = await app.inject("/openapi.json");
    const document = answer.json() as {
      openapi: string;
      paths: Record<string, Record<string, { operationId: string }>>;
    };
    expect(document.openapi).toBe("3.1.0");
    const ids = Object.values(document.paths).flatMap((path) => Object.values(path).map((o) => o.operationId));
    expect(ids.length).toBe(ROUTES.length);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, ref] of answer.body.matchAll(/"\$ref":"#([^"]+)"/g)) {
      const found = ref!
        .slice(1)
        .split("/")
        .reduce<unknown>((at, key) => (at as Record<string, unknown>)?.[key], document);
      expect(found, ref).toBeDefined();
    }
  });

  test("the documentation needs no other server", async () => {
    const { app } = await makeWorld();
    const page = await app.inject("/docs/");
    expect(page.statusCode).toBe(200);
    expect(page.headers["content-security-policy"]).toMatch(/^default-src 'none'; script-src 'self';/);
    const links = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link!);
    expect(links.length).toBeGreaterThan(3);
    for (const link of links) {
      expect(link).not.toMatch(/^(https?:)?\/\//);
      const file = await app.inject(`/docs/${link}`);
      expect(file.statusCode, link).toBe(200);
    }
    const start = await app.inject("/docs/static/swagger-initializer.js");
    expect(start.body).not.toMatch(/validator\.swagger/);
  });
});
