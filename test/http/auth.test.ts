import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterAll, describe, expect, test } from "vitest";
import { createApiKey, parseApiKey, ROLES, roleCovers, secretMatches } from "../../src/http/api-key.ts";
import { Authenticator, listenGuard } from "../../src/http/auth.ts";
import { MemoryKeyStore } from "../../src/stores/memory/index.ts";
import { closeWorlds, fill, makeWorld, send, type World } from "./world.ts";

const servers: Server[] = [];
afterAll(async () => {
  await closeWorlds();
  for (const server of servers) server.close();
});

describe("roles", () => {
  test("the roles are a ladder", () => {
    for (const [i, role] of ROLES.entries()) {
      for (const [j, needed] of ROLES.entries()) expect(roleCovers(role, needed)).toBe(i >= j);
    }
  });

  test("a bulk purge needs the role of a purge", async () => {
    const world = await makeWorld();
    await fill(world, "acme", 2);
    const body = { verb: "purge", documents: ["d0"], confirm: "d0" };
    const editor = await send(world, "/documents/bulk", { group: "acme", body, key: await world.key("editor") });
    expect(editor.statusCode).toBe(403);
    expect((await world.graphkeeper.document("acme", "d0")).status).toBe("active");
    const eraser = await send(world, "/documents/bulk", { group: "acme", body, key: await world.key("eraser") });
    expect(eraser.statusCode).toBe(200);
    expect(eraser.json().certificate.complete).toBe(true);
  });
});

describe("API keys", () => {
  test("have the published form and match only themselves", () => {
    const { key, stored } = createApiKey({ role: "reader", groups: ["acme"], name: "n" }, 5);
    expect(key).toMatch(/^gk_[a-z0-9]{12}_[A-Za-z0-9_-]{43}_[0-9a-f]{8}$/);
    expect(JSON.stringify(stored)).not.toContain(parseApiKey(key)!.secret);
    expect(secretMatches(parseApiKey(key)!.secret, stored)).toBe(true);
    expect(secretMatches(`${parseApiKey(key)!.secret.slice(0, -1)}!`, stored)).toBe(false);
    expect(secretMatches("", stored)).toBe(false);
    expect(secretMatches(parseApiKey(key)!.secret, { ...stored, revokedAt: 6 })).toBe(false);
    expect(secretMatches(parseApiKey(key)!.secret, null)).toBe(false);
    // One character mistyped: the checksum says so without asking the store.
    const typo = key.slice(0, 20) + (key[20] === "a" ? "b" : "a") + key.slice(21);
    expect(parseApiKey(typo)).toBeNull();
  });

  test("many keys: all different, secrets with underscores among them parse", () => {
    const keys = Array.from({ length: 300 }, () => createApiKey({ role: "reader", groups: ["*"], name: "n" }, 0).key);
    expect(new Set(keys).size).toBe(300);
    for (const key of keys) expect(parseApiKey(key), key).not.toBeNull();
  });

  test("made and revoked through the API: shown once, dead at once, never open again", async () => {
    const world = await makeWorld();
    const first = (await send(world, "/keys", { body: { name: "root", role: "admin", groups: ["acme"] } })).json();
    expect(first.groups).toEqual(["*"]);
    // The service was open until here.
    expect((await send(world, "/keys")).statusCode).toBe(401);
    const headers = { "idempotency-key": "make-1" };
    const body = { name: "ci", role: "reader", groups: ["acme", "beta-*"] };
    const made = await send(world, "/keys", { key: first.key, body, headers });
    expect(made.statusCode).toBe(201);
    const again = await send(world, "/keys", { key: first.key, body, headers });
    expect(again.statusCode).toBe(201);
    expect(again.headers["idempotency-replayed"]).toBe("true");
    expect(again.json().id).toBe(made.json().id);
    expect(again.json().key).toBeUndefined();
    const listed = await send(world, "/keys", { key: first.key });
    expect(listed.json().keys).toHaveLength(2);
    expect(listed.body).not.toContain("secret");
    expect((await send(world, "/groups", { key: made.json().key })).statusCode).toBe(200);
    for (const id of [made.json().id, first.id]) {
      expect((await send(world, `/keys/${id}`, { method: "DELETE", key: first.key })).statusCode).toBe(204);
    }
    expect((await send(world, "/groups", { key: made.json().key })).statusCode).toBe(401);
    expect((await send(world, "/groups", { key: first.key })).statusCode).toBe(401);
    expect((await send(world, "/groups")).statusCode).toBe(401);
  });

  test("a static key is an admin; nothing near it is", async () => {
    const staticKey = "correct horse battery staple".replaceAll(" ", "-");
    const world = await makeWorld({ auth: { staticKey, failuresPerMinute: 1_000 } });
    expect((await send(world, "/keys", { key: staticKey })).statusCode).toBe(200);
    const bad = [`${staticKey}x`, staticKey.slice(1), staticKey.toUpperCase(), "", "gk_", "null"];
    for (const key of bad) expect((await send(world, "/keys", { key })).statusCode, key).toBe(401);
    for (const authorization of [staticKey, `Basic ${staticKey}`, `Bearer  ${staticKey} x`, `Bearer`]) {
      const answer = await send(world, "/keys", { headers: { authorization } });
      expect(answer.statusCode, authorization).toBe(401);
    }
    expect((await send(world, "/keys", { headers: { authorization: `bearer ${staticKey}` } })).statusCode).toBe(200);
  });
});

describe("failed attempts", () => {
  test("ten a minute and address, then 429; what cannot be guessed still passes", async () => {
    let now = 1_000_000;
    const world = await makeWorld({ auth: { staticKey: "short-key", clock: () => now } });
    const key = await world.key("reader");
    const from = (remoteAddress: string, token: string) =>
      world.app.inject({ url: "/groups", remoteAddress, headers: { authorization: `Bearer ${token}` } });
    for (let i = 0; i < 10; i++) expect((await from("10.0.0.1", `wrong-${i}`)).statusCode).toBe(401);
    const refused = await from("10.0.0.1", "wrong");
    expect(refused.statusCode).toBe(429);
    expect(Number(refused.headers["retry-after"])).toBeGreaterThan(50);
    // Right, but short enough to have been guessed.
    expect((await from("10.0.0.1", "short-key")).statusCode).toBe(429);
    expect((await from("10.0.0.1", key)).statusCode).toBe(200);
    expect((await from("10.0.0.2", "short-key")).statusCode).toBe(200);
    now += 60_000;
    expect((await from("10.0.0.1", "short-key")).statusCode).toBe(200);
  });
});

describe("without any key", () => {
  test("listens on loopback only, and says so", async () => {
    const open = new Authenticator({ keys: new MemoryKeyStore() });
    for (const host of ["127.0.0.1", "127.9.9.9", "localhost", "::1"]) {
      expect(await listenGuard(open, host)).toMatch(/No API key is configured/);
    }
    for (const host of ["0.0.0.0", "::", "10.0.0.1", "127.0.0.1.example.org", "example.org", ""]) {
      await expect(listenGuard(open, host), host).rejects.toMatchObject({ code: "INVALID_CONFIG" });
    }
    const closed = new Authenticator({ keys: new MemoryKeyStore(), staticKey: "some-key" });
    expect(await listenGuard(closed, "0.0.0.0")).toBeNull();
  });

  test("keeps pages of other sites away", async () => {
    const world = await makeWorld();
    const get = (headers: Record<string, string>) => send(world, "/groups", { headers });
    expect((await get({ host: "localhost:8000" })).statusCode).toBe(200);
    expect((await get({ host: "[::1]:8000", origin: "http://[::1]:8000" })).statusCode).toBe(200);
    expect((await get({ host: "rebound.example:8000" })).statusCode).toBe(403);
    expect((await get({ host: "localhost:8000", origin: "https://evil.example" })).statusCode).toBe(403);
    expect((await get({ host: "localhost:8000", origin: "null" })).statusCode).toBe(403);
    expect((await get({ host: "localhost:8000", origin: "http://localhost:9000" })).statusCode).toBe(403);
  });
});

describe("JWT", () => {
  const issuer = "https://id.example";
  const audience = "graphkeeper";

  async function world(): Promise<{
    world: World;
    sign: (claims?: object, header?: object, other?: boolean) => Promise<string>;
    publicPem: string;
    asked: () => number;
  }> {
    const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
    const stranger = await generateKeyPair("ES256");
    const jwk = { ...(await exportJWK(publicKey)), kid: "k1", alg: "ES256", use: "sig" };
    let asked = 0;
    const server = createServer((_request, response) => {
      asked++;
      response.setHeader("content-type", "application/json").end(JSON.stringify({ keys: [jwk] }));
    }).listen(0, "127.0.0.1");
    servers.push(server);
    await new Promise((resolve) => server.once("listening", resolve));
    const jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`;
    const made = await makeWorld({ auth: { jwt: { issuer, audience, jwksUrl }, failuresPerMinute: 1_000 } });
    const sign = (claims: object = {}, header: object = {}, other = false) => {
      const now = Math.floor(Date.now() / 1_000);
      const all = {
        iss: issuer,
        aud: audience,
        sub: "ada",
        exp: now + 300,
        iat: now,
        graphkeeper_role: "editor",
        graphkeeper_groups: ["acme"],
        ...claims,
      };
      return new SignJWT(all)
        .setProtectedHeader({ alg: "ES256", kid: "k1", ...header })
        .sign(other ? stranger.privateKey : privateKey);
    };
    return { world: made, sign, publicPem: JSON.stringify(jwk), asked: () => asked };
  }

  test("a valid token acts with its role, in its groups, under its name", async () => {
    const { world: w, sign } = await world();
    await fill(w, "acme", 1);
    await fill(w, "other", 1);
    const key = await sign();
    const answer = await send(w, "/documents/d0/deprecate", { group: "acme", key, body: {} });
    expect(answer.json()).toMatchObject({ actor: "jwt:ada", outcomes: [{ outcome: "deprecated" }] });
    expect((await send(w, "/documents", { group: "other", key })).statusCode).toBe(404);
    expect((await send(w, "/documents/d0/purge", { group: "acme", key, body: { confirm: "d0" } })).statusCode).toBe(
      403,
    );
    expect((await send(w, "/documents", { group: "acme", key: await sign({}, { typ: "at+jwt" }) })).statusCode).toBe(
      200,
    );
  });

  test("attacks are refused", async () => {
    const { world: w, sign, publicPem, asked } = await world();
    await fill(w, "acme", 1);
    const now = Math.floor(Date.now() / 1_000);
    const good = await sign();
    const [head, body, signature] = good.split(".") as [string, string, string];
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const hs256 = await new SignJWT({
      iss: issuer,
      aud: audience,
      sub: "x",
      exp: now + 99,
      graphkeeper_role: "admin",
      graphkeeper_groups: ["*"],
    })
      .setProtectedHeader({ alg: "HS256", kid: "k1" })
      .sign(new TextEncoder().encode(publicPem));
    const attacks: Record<string, string> = {
      "alg none": `${part({ alg: "none" })}.${body}.`,
      "alg None": `${part({ alg: "None" })}.${body}.`,
      "alg none with the signature": `${part({ alg: "none" })}.${body}.${signature}`,
      "HS256 with the public key": hs256,
      "another's key": await sign({}, {}, true),
      "claims exchanged": `${head}.${part({ ...JSON.parse(Buffer.from(body, "base64url").toString()), graphkeeper_role: "admin" })}.${signature}`,
      "signature cut": `${head}.${body}.${signature.slice(0, -4)}`,
      "no signature": `${head}.${body}.`,
      expired: await sign({ exp: now - 60 }),
      "not yet valid": await sign({ nbf: now + 600 }),
      "no expiry": await sign({ exp: undefined }),
      "no subject": await sign({ sub: undefined }),
      "other issuer": await sign({ iss: "https://evil.example" }),
      "other audience": await sign({ aud: "other" }),
      "no audience": await sign({ aud: undefined }),
      "other type": await sign({}, { typ: "logout+jwt" }),
      "critical extension": `${part({ alg: "ES256", kid: "k1", crit: ["x"], x: 1 })}.${body}.${signature}`,
      "embedded key": `${part({ alg: "ES256", jwk: JSON.parse(publicPem) })}.${body}.${signature}`,
      "jku elsewhere": `${part({ alg: "ES256", kid: "k2", jku: "http://127.0.0.1:1/" })}.${body}.${signature}`,
      "kid as a path": await sign({}, { kid: "../../etc/passwd" }),
      "no role": await sign({ graphkeeper_role: undefined }),
      "role unknown": await sign({ graphkeeper_role: "root" }),
      "no groups": await sign({ graphkeeper_groups: undefined }),
      "groups as text": await sign({ graphkeeper_groups: "*" }),
      "64 KB": `${good}${"A".repeat(9_000)}`,
      "two parts": `${head}.${body}`,
      empty: "..",
    };
    for (const [name, token] of Object.entries(attacks)) {
      expect((await send(w, "/documents", { group: "acme", key: token })).statusCode, name).toBe(401);
    }
    expect((await send(w, "/documents", { group: "acme", key: good })).statusCode).toBe(200);
    // Unknown key ids make it ask again at most once in 30 s.
    for (let i = 0; i < 20; i++) await send(w, "/documents", { group: "acme", key: await sign({}, { kid: `k-${i}` }) });
    expect(asked()).toBeLessThanOrEqual(2);
  });

  test("a shared-secret algorithm is no option", () => {
    const jwt = { issuer, audience, jwksUrl: "http://127.0.0.1:1/", algorithms: ["HS256"] };
    expect(() => new Authenticator({ keys: new MemoryKeyStore(), jwt })).toThrow(/HS256/);
  });
});
