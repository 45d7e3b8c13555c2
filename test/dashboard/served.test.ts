import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync, gzipSync } from "node:zlib";
import fastify from "fastify";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PAGE_POLICY, servePage } from "../../src/http/page.ts";
import { type GraphkeeperServer, startGraphkeeper } from "../servers/graphkeeper.ts";

const BUILT = fileURLToPath(new URL("../../dashboard/built/", import.meta.url));

let server: GraphkeeperServer;
beforeAll(async () => {
  server = await startGraphkeeper();
});
afterAll(() => server.stop());

describe("the page is served", () => {
  test("from the address that the server prints, without a key, under a strict policy", async () => {
    const answer = await fetch(server.url);
    expect(answer.url).toBe(`${server.url}/ui/`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(answer.headers.get("content-security-policy")).toBe(PAGE_POLICY);
    expect(PAGE_POLICY).not.toMatch(/unsafe|\*|https?:/);
    expect(await answer.text()).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\son\w+=|\bstyle=/);
    expect((await fetch(`${server.url}/ui`)).url).toBe(`${server.url}/ui/`);
  });

  test("every file that it is made of, with its type, zipped where the browser takes it, and by 304 the second time", async () => {
    for (const name of readdirSync(BUILT).filter((each) => !each.endsWith(".md"))) {
      const plain = await fetch(`${server.url}/ui/${name}`, { headers: { "accept-encoding": "identity" } });
      expect(plain.status, name).toBe(200);
      expect(plain.headers.get("content-type"), name).toMatch(
        /^(text\/(html|javascript|css); charset=utf-8|image\/svg)/,
      );
      const bytes = Buffer.from(await plain.arrayBuffer());
      expect(bytes.equals(readFileSync(BUILT + name)), name).toBe(true);
      const etag = plain.headers.get("etag")!;
      const again = await fetch(`${server.url}/ui/${name}`, { headers: { "if-none-match": etag } });
      expect([again.status, (await again.arrayBuffer()).byteLength]).toEqual([304, 0]);
    }
    // Fetch unzips by itself; without a server in between one sees the bytes.
    const app = fastify();
    servePage(app);
    const zipped = await app.inject({ url: "/ui/page.js", headers: { "accept-encoding": "gzip, br" } });
    expect(zipped.headers["content-encoding"]).toBe("gzip");
    expect(gunzipSync(zipped.rawPayload).equals(readFileSync(`${BUILT}page.js`))).toBe(true);
  });

  test("nothing beside it, and what is missing is said", async () => {
    for (const path of ["/ui/licenses.md", "/ui/..%2f..%2fpackage.json", "/ui/none.js"]) {
      const answer = await fetch(server.url + path);
      expect([path, answer.status]).toEqual([path, 404]);
      expect(((await answer.json()) as { code: string }).code).toBe("NOT_FOUND");
    }
    const app = fastify();
    servePage(app, "/nowhere");
    expect((await app.inject("/ui/")).json().message).toMatch(/npm run build:page/);
  });

  test("in at most 120 kB, zipped", () => {
    const sizes = readdirSync(BUILT).map((name) => gzipSync(readFileSync(BUILT + name), { level: 9 }).length);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    expect(total).toBeGreaterThan(20_000);
    expect(total).toBeLessThanOrEqual(120_000);
  });

  test("from sources that import their own files, Preact and uPlot, and nothing of the service", () => {
    const sources = readdirSync(`${BUILT}..`, { recursive: true, encoding: "utf8" }).filter((name) =>
      /\.tsx?$/.test(name),
    );
    expect(sources.length).toBeGreaterThan(25);
    const imported = sources
      .filter((name) => name !== "vite.config.ts")
      .flatMap((name) => [...readFileSync(`${BUILT}../${name}`, "utf8").matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)])
      .map(([, specifier]) => specifier!);
    const outside = imported.filter(
      (name) => !/^\.{1,2}\/[\w./-]+\.(tsx?|css)$/.test(name) || name.startsWith("../../"),
    );
    expect([...new Set(outside)].sort()).toEqual(["preact", "preact/hooks", "uplot", "uplot/dist/uPlot.min.css"]);
  });

  test("and it names no address of another origin", () => {
    for (const name of readdirSync(BUILT).filter((each) => /\.(js|css|html)$/.test(each))) {
      const addresses = [...readFileSync(BUILT + name, "utf8").matchAll(/https?:\/\/[\w.-]+/g)].map(
        ([address]) => address,
      );
      // Names of XML, which are never fetched.
      expect(
        addresses.filter((address) => address !== "http://www.w3.org"),
        name,
      ).toEqual([]);
    }
  });
});

describe("whoami", () => {
  test("says what the key may do", async () => {
    expect(await server.call("GET", "/whoami")).toMatchObject({
      actor: "key:static",
      role: "admin",
      groups: ["*"],
      open: false,
    });
    const body = { name: "r", role: "reader", groups: ["demo"] };
    const { key } = await server.call<{ key: string }>("POST", "/keys", { body });
    const answer = await fetch(`${server.url}/whoami`, { headers: { authorization: `Bearer ${key}` } });
    expect(await answer.json()).toMatchObject({ role: "reader", groups: ["demo"], open: false });
    expect((await fetch(`${server.url}/whoami`)).status).toBe(401);
  });
});
