import { afterAll, expect, test } from "vitest";
import { createLogger } from "../../src/http/log.ts";
import { closeWorlds, fill, makeWorld, send } from "./world.ts";

afterAll(closeWorlds);

test("one JSON line a request; no secret in any of them, nor in any answer", async () => {
  const lines: string[] = [];
  const logger = createLogger({ level: "trace", stream: { write: (line) => void lines.push(line) } });
  const staticKey = "canary-static-key-0123456789abcdef";
  const world = await makeWorld({ auth: { staticKey }, http: { logger } });
  await fill(world, "acme", 1);
  const made = await send(world, "/keys", { key: staticKey, body: { name: "k", role: "admin", groups: ["*"] } });
  const { key } = made.json() as { key: string };
  const secret = key.split("_")[2]!.slice(0, 30);
  const answers: string[] = [];
  for (const [path, request] of [
    ["/documents?limit=1", { group: "acme", key }],
    ["/documents/d0/deprecate", { group: "acme", key, body: { reason: "r" } }],
    ["/nope", { key: staticKey }],
    ["/keys", { key }],
    ["/documents", { group: "acme", key: `${key}x` }],
    ["/documents/d0/deprecate", { group: "acme", key, raw: "{" }],
  ] as const) {
    answers.push((await send(world, path, request)).body);
  }
  logger.error(
    { authorization: `Bearer ${key}`, headers: { authorization: key }, req: { headers: { authorization: key } } },
    "by mistake",
  );
  const requests = lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter((l) => l.msg === "request");
  expect(requests).toHaveLength(7);
  expect(requests[1]).toMatchObject({
    level: "info",
    method: "GET",
    path: "/documents",
    actor: `key:${key.split("_")[1]}`,
    status: 200,
    time: expect.stringMatching(/Z$/),
  });
  expect(requests.every((line) => typeof line.request_id === "string" && typeof line.duration_ms === "number")).toBe(
    true,
  );
  const all = lines.join("") + answers.join("");
  expect(all).not.toContain(secret);
  expect(all).not.toContain("canary");
});

test("an error inside is logged with its cause and told without it", async () => {
  const lines: string[] = [];
  const logger = createLogger({ stream: { write: (line) => void lines.push(line) } });
  const world = await makeWorld({ http: { logger } });
  await fill(world, "acme", 1);
  // The store fails as a disk does.
  world.graphkeeper.store.documents = () => Promise.reject(new Error("disk I/O error in table secrets"));
  const answer = await send(world, "/documents", { group: "acme" });
  expect(answer.statusCode).toBe(500);
  expect(answer.json()).toMatchObject({ code: "INTERNAL", request_id: answer.headers["x-request-id"] });
  expect(answer.body).not.toMatch(/disk|secrets/);
  const logged = lines.find((line) => line.includes("request failed"))!;
  expect(logged).toContain("disk I/O error");
  expect(JSON.parse(logged).request_id).toBe(answer.headers["x-request-id"]);
});

test("a store that does not answer: not ready, alive, 503 with Retry-After", async () => {
  const world = await makeWorld();
  world.graphkeeper.store.ping = () => Promise.reject(new Error("no route to host 10.1.2.3"));
  const ready = await send(world, "/readyz");
  expect(ready.statusCode).toBe(503);
  expect(ready.headers["retry-after"]).toBe("2");
  expect(ready.body).not.toContain("10.1.2.3");
  expect((await send(world, "/livez")).statusCode).toBe(200);
});
