import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { createServer, request as forward } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type GraphkeeperServer, startGraphkeeper } from "../servers/graphkeeper.ts";
import { chromiumPath, launch, startFilled, type Visit, visit } from "./browser.ts";

const execute = promisify(execFile);
const CLI = fileURLToPath(new URL("../../bin/graphkeeper.js", import.meta.url));

describe.skipIf(chromiumPath === null)("an operator in the browser (Chromium)", () => {
  let server: GraphkeeperServer;
  let browser: Browser;
  let at: Visit | null = null;
  beforeAll(async () => {
    [server, browser] = await Promise.all([startFilled(), launch()]);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });
  afterEach(async () => {
    const { faults = [] } = at ?? {};
    await at?.close();
    at = null;
    expect(faults).toEqual([]);
  });

  const statusOf = async (id: string) =>
    (await server.call<{ status: string }>("GET", `/documents/${id}`, { group: "demo" })).status;

  test("is asked for a key, told when it is wrong, and sees the state with the right one; the tab forgets it", async () => {
    at = await visit(browser, server.url);
    const { page } = at;
    await at.open("");
    const field = page.getByLabel("API key");
    await field.fill("gk_wrong");
    await page.getByRole("button", { name: "Use this key" }).click();
    await page.getByText("The API key is not valid.").waitFor();
    await page.getByText("UNAUTHENTICATED").waitFor();
    await field.fill(server.apiKey);
    await page.getByRole("button", { name: "Use this key" }).click();
    const stale = page.getByRole("table").filter({ hasText: "Stale since" });
    await stale.getByRole("link", { name: "demo" }).waitFor();
    await page.getByText("orphan-entities-hourly").waitFor();
    await page.getByText("key:static").waitFor();
    const kept = await page.evaluate("[...Object.values(localStorage), document.cookie, location.href].join()");
    expect(kept).not.toContain(server.apiKey);
    await page.getByRole("button", { name: "Forget the key" }).click();
    await field.waitFor();
    expect(await page.evaluate("sessionStorage.length")).toBe(0);
  });

  test("finds the stale group, starts its collection and recompute, and watches them end", async () => {
    at = await visit(browser, server.url, { key: server.apiKey });
    const { page } = at;
    await at.open("");
    await page.getByRole("table").filter({ hasText: "Stale since" }).getByRole("link", { name: "demo" }).click();
    await page.getByRole("heading", { level: 1, name: "Group demo" }).waitFor();
    for (const [button, result] of [
      ["Collect now", "examined"],
      ["Recompute now", "modularity"],
    ] as const) {
      await at.open("groups/demo");
      await page.getByRole("button", { name: button }).click();
      // The page of the run follows it by server-sent events.
      await page.getByRole("heading", { level: 1, name: "Run" }).waitFor();
      await page.getByRole("status").getByText("succeeded").waitFor();
      await page.getByText("Nothing: it succeeded.").waitFor();
      expect(await page.locator("body").textContent()).toMatch(
        button === "Collect now" ? /deleted/ : new RegExp(result),
      );
    }
    await at.open("groups/demo");
    await page.getByText("not stale").waitFor();
    await page.getByText("(0 behind)").first().waitFor();
    await page
      .getByRole("region", { name: "Communities to summarise" })
      .getByText("new", { exact: true })
      .first()
      .waitFor();
    await page.getByRole("button", { name: "Verify" }).click();
    await page.getByText("Every invariant holds.").waitFor();
    await at.open("");
    await page.getByText("Nothing is stale").waitFor();
    await page.getByRole("img", { name: /Orphan entities of all groups/ }).waitFor();
  });

  test("previews a deprecation, takes it back, does it, sees how long it can be restored, and restores", async () => {
    at = await visit(browser, server.url, { key: server.apiKey });
    const { page } = at;
    await at.open("groups/demo/documents");
    await page.getByRole("link", { name: "abbie-burgess" }).waitFor();
    await page.getByLabel("Open by id").fill("pharos-origin");
    await page.getByRole("button", { name: "Open" }).click();
    await page.getByRole("heading", { level: 1, name: "Document pharos-origin" }).waitFor();
    const begin = page.getByRole("button", { name: "Deprecate", exact: true });
    await begin.click();
    const dialog = page.getByRole("dialog");
    const impact = await server.call<{ text_units: { count: number }; communities: string[] }>(
      "GET",
      "/documents/pharos-origin/impact",
      { group: "demo" },
    );
    expect(impact.text_units.count).toBeGreaterThan(0);
    await dialog.getByText(`${impact.text_units.count} (0 stay with other documents)`).waitFor();
    await dialog.getByText("Communities that change").waitFor();
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "hidden" });
    expect(await statusOf("pharos-origin")).toBe("active");
    await begin.click();
    await dialog.getByLabel("Why").fill("superseded");
    await dialog.getByRole("button", { name: "Yes, deprecate" }).click();
    await page.getByText(/for (30 d|29 d 23 h) more/).waitFor();
    expect(await statusOf("pharos-origin")).toBe("deprecated");
    const history = page.getByRole("table").filter({ hasText: "superseded" });
    await history.getByText("imported").waitFor();
    await page.getByRole("button", { name: "Restore", exact: true }).click();
    await dialog.getByText("What comes back").waitFor();
    await dialog.getByRole("button", { name: "Yes, restore" }).click();
    await page.getByText("not deprecated").waitFor();
    expect(await statusOf("pharos-origin")).toBe("active");
    await page.getByText("restored").waitFor();
  });

  test("copies the curl and the CLI line of an action; both do in a shell what the button does, and neither holds the key", async () => {
    at = await visit(browser, server.url, { key: server.apiKey });
    const { page } = at;
    const folder = await mkdtemp(join(tmpdir(), "gk-page-"));
    try {
      await symlink(CLI, join(folder, "graphkeeper"));
      const environment = {
        PATH: `${folder}${delimiter}${process.env.PATH}`,
        GRAPHKEEPER_API_KEY: server.apiKey,
        GRAPHKEEPER_DATA: join(folder, "none.db"),
      };
      const shell = (line: string) => execute("/bin/sh", ["-c", line], { env: environment, cwd: folder });
      const copied = async (name: string) => {
        await page.getByRole("button", { name: `Copy the ${name} line` }).click();
        await page
          .getByRole("button", { name: `Copy the ${name} line` })
          .getByText("Copied")
          .waitFor();
        const line = (await page.evaluate("navigator.clipboard.readText()")) as string;
        expect(line).not.toContain(server.apiKey);
        return line;
      };
      await at.open("groups/demo/documents/abbie-burgess");
      const dialog = page.getByRole("dialog");
      for (const [button, name, after] of [
        ["Deprecate", "curl", "deprecated"],
        ["Restore", "curl", "active"],
        ["Deprecate", "CLI", "deprecated"],
        ["Restore", "CLI", "active"],
      ] as const) {
        await page.getByRole("button", { name: button, exact: true }).click();
        await dialog.getByLabel("Why").fill('it\'s "quoted" $HOME `id`');
        await dialog.getByText("As commands").click();
        const line = await copied(name);
        if (name === "curl") expect(line).toContain('"Authorization: Bearer $GRAPHKEEPER_API_KEY"');
        await shell(line);
        expect(await statusOf("abbie-burgess"), line).toBe(after);
        await page.reload();
      }
      const reasons = page.getByText('it\'s "quoted" $HOME `id`');
      await reasons.first().waitFor();
      expect(await reasons.count()).toBe(4);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test("pauses a schedule, is told why an expression is refused, changes it to one that is not, and resumes", async () => {
    at = await visit(browser, server.url, { key: server.apiKey });
    const { page } = at;
    await at.open("schedules");
    await page.getByRole("link", { name: "recompute-daily" }).click();
    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByText(/Paused by key:static/).waitFor();
    await page.getByText("not while it is paused").waitFor();
    const expression = page.getByLabel("Expression");
    const save = page.getByRole("button", { name: "Save" });
    await expression.fill("61 2 * * *");
    const alert = page.getByRole("alert");
    await alert.getByText("INVALID_VALUE").waitFor();
    expect(await alert.textContent()).toMatch(/minute/i);
    await save.and(page.locator("[aria-disabled=true]")).waitFor();
    await save.click({ force: true });
    await expression.fill("45 3 * * 1");
    await page.getByRole("heading", { name: "Next times" }).waitFor();
    await page.getByText(/03:45/).first().waitFor();
    await save.and(page.locator("[aria-disabled=false]")).click();
    await page.locator("dd", { hasText: "45 3 * * 1" }).waitFor();
    await page.getByRole("button", { name: "Resume" }).click();
    await page.getByRole("button", { name: "Pause" }).waitFor();
    expect(await server.call("GET", "/maintenance/schedules/recompute-daily")).toMatchObject({
      expression: "45 3 * * 1",
      pause: null,
    });
  });

  test("reads the audit, newest first, page by page", async () => {
    at = await visit(browser, server.url, { key: server.apiKey });
    const { page } = at;
    await at.open("groups/demo/audit");
    const rows = page.getByRole("row");
    await rows.nth(1).waitFor();
    const entries: { seq: number; hash: string }[] = [];
    for (let after = 0; ; ) {
      const found = await server.call<{ entries: typeof entries; next_after: number | null }>(
        "GET",
        `/audit?after=${after}`,
        { group: "demo" },
      );
      entries.push(...found.entries);
      if (found.next_after === null) break;
      after = found.next_after;
    }
    const newest = entries.at(-1)!;
    await rows.nth(1).getByText(newest.hash.slice(0, 12)).waitFor();
    expect(await rows.count()).toBe(51);
    await page.getByRole("button", { name: "Next" }).click();
    await rows.nth(1).getByText(entries.at(-51)!.hash.slice(0, 12)).waitFor();
  });

  test("sees what lies around a document, live and parked, and goes on from there", async () => {
    await server.call("POST", "/documents/pharos-fall/deprecate", { group: "demo", body: {} });
    await server.call("POST", "/maintenance/run-all-gc", { group: "demo", body: {} });
    at = await visit(browser, server.url, { key: server.apiKey });
    const { page } = at;
    await at.open("groups/demo/documents/pharos-fall");
    await page.getByRole("link", { name: "its part of the graph" }).click();
    const around = await server.call<{ nodes: { presence: string; kind: string; label: string }[]; edges: unknown[] }>(
      "GET",
      "/neighbourhood?document=pharos-fall",
      { group: "demo" },
    );
    const parked = around.nodes.filter((node) => node.presence === "parked").length;
    expect(parked).toBeGreaterThan(1);
    expect(parked).toBeLessThan(around.nodes.length);
    const image = page.getByRole("img", { name: `${around.nodes.length} nodes, ${parked} of them parked` });
    await image.waitFor();
    expect(await image.locator("circle").count()).toBe(around.nodes.length);
    expect(await image.locator("g.parked").count()).toBe(parked);
    expect(await image.locator("line").count()).toBe(around.edges.length);
    const entity = around.nodes.find((node) => node.kind === "entity" && node.presence === "live")!;
    await page.getByRole("table").getByRole("link", { name: entity.label, exact: true }).click();
    await page.waitForURL(/entity=/);
    await page.getByRole("table").getByRole("row").nth(1).getByText(entity.label).waitFor();
    await page.getByLabel("Id", { exact: true }).fill("nobody");
    await page.getByRole("button", { name: "Show" }).click();
    await page.getByRole("alert").first().getByText("There is no such entity in this group.").waitFor();
  });

  test("meets ids and titles that are markup, or parts of an address, as what they are: text", async () => {
    const id = "<img src=x onerror=alert(1)>/a?b#c%2f&\"'";
    await server.fill("hostile", [id]);
    at = await visit(browser, server.url, { key: server.apiKey });
    const { page } = at;
    await at.open("groups/hostile/documents");
    await page.getByRole("link", { name: id }).click();
    await page.getByRole("heading", { level: 1, name: `Document ${id}`, exact: true }).waitFor();
    await page.getByRole("table").getByText("imported").waitFor();
    await page.getByRole("link", { name: "its part of the graph" }).click();
    await page
      .getByRole("table")
      .getByRole("link", { name: `${id}-a`, exact: true })
      .click();
    await page.waitForURL(/entity=/);
    await page.getByRole("table").getByRole("row").nth(1).getByText(`${id}-a`).waitFor();
    await page.getByRole("table").getByRole("link", { name: id, exact: true }).waitFor();
  });

  test("does a whole task with the keyboard alone", async () => {
    at = await visit(browser, server.url, { key: server.apiKey });
    const { page } = at;
    await at.open("groups");
    await page.getByRole("link", { name: "demo" }).waitFor();
    const press = (key: string) => page.keyboard.press(key);
    /** Presses Tab until what has the focus is called this. */
    const tabTo = async (name: string) => {
      for (let i = 0; i < 80; i++) {
        await press("Tab");
        if ((await page.evaluate("document.activeElement.textContent.trim()")) === name) return;
      }
      throw new Error(`Tab never came to ${name}`);
    };
    await press("Tab");
    expect(await page.evaluate("document.activeElement.textContent.trim()")).toBe("To the content");
    await press("Enter");
    await tabTo("demo");
    await press("Enter");
    await page.getByRole("heading", { level: 1, name: "Group demo" }).and(page.locator(":focus")).waitFor();
    await page.getByRole("link", { name: "documents", exact: true }).waitFor();
    await tabTo("documents");
    await press("Enter");
    await page.getByRole("heading", { level: 1, name: "Documents of demo" }).and(page.locator(":focus")).waitFor();
    await page.getByRole("link", { name: "abbie-burgess" }).waitFor();
    await tabTo("abbie-burgess");
    await press("Enter");
    await page.getByRole("button", { name: "Deprecate", exact: true }).waitFor();
    await tabTo("Deprecate");
    await press("Enter");
    const dialog = page.getByRole("dialog");
    await dialog.getByText("Communities that change").waitFor();
    await tabTo("Yes, deprecate");
    await press("Space");
    await page.getByText(/for (30 d|29 d 23 h) more/).waitFor();
    expect(await statusOf("abbie-burgess")).toBe("deprecated");
    await tabTo("Restore");
    await press("Enter");
    await dialog.getByText("What comes back").waitFor();
    await press("Escape");
    await page.getByRole("button", { name: "Restore", exact: true }).and(page.locator(":focus")).waitFor();
    await press("Enter");
    await dialog.getByText("What comes back").waitFor();
    await tabTo("Yes, restore");
    await press("Enter");
    await page.getByText("not deprecated").waitFor();
    expect(await statusOf("abbie-burgess")).toBe("active");
  });

  test("with the role reader, sees everything and can change nothing, and is told what it would take", async () => {
    const body = { name: "reader", role: "reader", groups: ["demo"] };
    const { key } = await server.call<{ key: string }>("POST", "/keys", { body });
    await server.fill("other", ["secret"]);
    at = await visit(browser, server.url, { key });
    const { page } = at;
    await at.open("groups");
    await page.getByRole("link", { name: "demo" }).waitFor();
    await page.getByText("role reader").waitFor();
    expect(await page.getByText("other", { exact: true }).count()).toBe(0);
    await at.open("groups/demo/documents/abbie-burgess");
    const deprecate = page.getByRole("button", { name: "Deprecate", exact: true });
    await page.getByText("Needs the role editor; this key has the role reader.").first().waitFor();
    expect(await deprecate.getAttribute("aria-disabled")).toBe("true");
    await deprecate.click({ force: true });
    expect(await page.getByRole("dialog").count()).toBe(0);
    await at.open("schedules/orphan-entities-hourly");
    await page.getByText("Needs the role operator; this key has the role reader.").first().waitFor();
    await page.getByRole("button", { name: "Pause" }).click({ force: true });
    const schedule = await server.call<{ pause: null }>("GET", "/maintenance/schedules/orphan-entities-hourly");
    expect(schedule.pause).toBeNull();
    await at.open("groups/other/documents");
    await page.getByRole("alert").getByText("GROUP_NOT_FOUND").waitFor();
    await page.getByText("What to do: Check the group id").waitFor();
    expect(await statusOf("abbie-burgess")).toBe("active");
  });
});

describe.skipIf(chromiumPath === null)("what the page must not do (Chromium)", () => {
  test("is noticed: an inline script, an inline style, a request to another origin, an error", async () => {
    const server = await startGraphkeeper();
    const browser = await launch();
    try {
      const { page, open, faults } = await visit(browser, server.url);
      await open("");
      await page.getByLabel("API key").waitFor();
      expect(faults).toEqual([]);
      for (const [planted, noticed] of [
        [
          "document.body.append(Object.assign(document.createElement('script'), { text: 'window.ran = 1' }))",
          /script-src/,
        ],
        ["document.body.setAttribute('style', 'color: red')", /style-src/],
        ["void fetch('http://127.0.0.1:9/x').catch(() => {})", /connect-src/],
        ["void setTimeout(() => { throw new Error('planted') })", /planted/],
      ] as const) {
        faults.length = 0;
        await page.evaluate(planted);
        await expect.poll(() => faults.join()).toMatch(noticed);
      }
      expect(await page.evaluate("window.ran")).toBeUndefined();
    } finally {
      await browser.close();
      await server.stop();
    }
  });
});

describe.skipIf(chromiumPath === null)("behind a proxy that gives the service a path of its own (Chromium)", () => {
  test("the page finds its files and the API, and its commands name the path", async () => {
    const server = await startFilled();
    const browser = await launch();
    const proxy = createServer((request, response) => {
      if (!request.url?.startsWith("/tools/gk/")) return response.writeHead(404).end();
      const { method, headers } = request;
      const to = forward(server.url + request.url.slice("/tools/gk".length), { method, headers }, (answer) => {
        response.writeHead(answer.statusCode!, answer.headers);
        answer.pipe(response);
      });
      return request.pipe(to);
    });
    await once(proxy.listen(0, "127.0.0.1"), "listening");
    try {
      const origin = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
      const { page, faults } = await visit(browser, origin);
      await page.goto(`${origin}/tools/gk/`);
      await page.getByLabel("API key").fill(server.apiKey);
      await page.getByRole("button", { name: "Use this key" }).click();
      await page.getByRole("link", { name: "demo" }).first().click();
      await page.getByRole("button", { name: "Collect now" }).click();
      await page.getByRole("status").getByText("succeeded").waitFor();
      await page.goBack();
      await page.getByText("As commands").first().click();
      await page
        .getByText(`curl --fail-with-body -X POST '${origin}/tools/gk/maintenance/run-all-gc?wait=0'`)
        .waitFor();
      expect(faults).toEqual([]);
    } finally {
      await browser.close();
      proxy.closeAllConnections();
      proxy.close();
      await server.stop();
    }
  });
});

describe.skipIf(chromiumPath === null)("on loopback without a key (Chromium)", () => {
  test("the page just works, and its commands carry none", async () => {
    const server = await startFilled({ GRAPHKEEPER_API_KEY: "" });
    const browser = await launch();
    try {
      const { page, open, faults } = await visit(browser, server.url);
      await open("groups/demo");
      await page.getByText("No key needed here").waitFor();
      await page.getByText("As commands").first().click();
      const line = page.locator("code", { hasText: "curl" }).first();
      await line.waitFor();
      expect(await line.textContent()).toContain("/maintenance/run-all-gc");
      expect(await line.textContent()).not.toContain("Authorization");
      await page.getByRole("button", { name: "Collect now" }).click();
      await page.getByRole("status").getByText("succeeded").waitFor();
      expect(faults).toEqual([]);
    } finally {
      await browser.close();
      await server.stop();
    }
  });
});
