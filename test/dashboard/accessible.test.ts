import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { GraphkeeperServer } from "../servers/graphkeeper.ts";
import { chromiumPath, launch, picture, startFilled, visit } from "./browser.ts";

/** Findings of axe that people are shut out by; the page's policy does not reach what the debugger evaluates. */
async function findings(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = (await page.evaluate("axe.run(document, { resultTypes: ['violations'] })")) as {
    violations: { id: string; impact: string; nodes: { html: string; failureSummary: string }[] }[];
  };
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes[0]?.html.slice(0, 200)} ${nodes[0]?.failureSummary}`);
}

describe.skipIf(chromiumPath === null)("every view, light and dark (Chromium, axe)", () => {
  let server: GraphkeeperServer;
  let browser: Browser;
  let run: string;
  beforeAll(async () => {
    [server, browser] = await Promise.all([startFilled(), launch()]);
    const group = "demo";
    await server.call("POST", "/maintenance/recompute-gds", { group, body: {} });
    for (const id of ["pharos-origin", "hook-head"]) {
      await server.call("POST", `/documents/${id}/deprecate`, { group, body: { reason: "superseded" } });
      await server.call("POST", "/maintenance/run-all-gc", { group, body: {} });
    }
    await server.call("POST", "/documents/abbie-burgess/deprecate", { group, body: {} });
    await server.fill("acme-handbook", ["one", "two"]);
    await server.call("POST", "/maintenance/schedules/orphan-entities-hourly/pause", { body: { reason: "moving" } });
    ({ run_id: run } = await server.call<{ run_id: string }>("POST", "/maintenance/recompute-gds", {
      group,
      body: {},
    }));
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });

  const VIEWS: [name: string, place: () => string, shows: string][] = [
    ["overview", () => "", "orphan-entities-hourly"],
    ["groups", () => "groups", "acme-handbook"],
    ["group", () => "groups/demo", "similarity edges and"],
    ["documents", () => "groups/demo/documents", "abbie-burgess"],
    ["document", () => "groups/demo/documents/pharos-origin", "superseded"],
    ["graph", () => "groups/demo/graph?entity=lighthouse-of-alexandria", "In words"],
    ["audit", () => "groups/demo/audit", "superseded"],
    ["runs", () => "runs", "gc all"],
    ["run", () => `runs/${run}`, "modularity"],
    ["schedules", () => "schedules", "paused"],
    ["schedule", () => "schedules/orphan-entities-hourly", "Next times"],
    ["error", () => "groups/nowhere", "GROUP_NOT_FOUND"],
  ];

  test.each([false, true])("dark: %s", async (dark) => {
    const { page, open, faults, close } = await visit(browser, server.url, { key: server.apiKey, dark });
    const found: Record<string, string[]> = {};
    for (const [name, place, shows] of VIEWS) {
      await open(place());
      await page.getByText(shows).first().waitFor();
      await page.getByText("Loading…").first().waitFor({ state: "detached" });
      found[name] = await findings(page);
      if (!dark && ["overview", "group", "graph"].includes(name)) await picture(page, name);
    }
    expect(Object.entries(found).filter(([, list]) => list.length > 0)).toEqual([]);
    expect(faults).toEqual([]);
    await close();
  });

  test("the dialog and the form for the key", async () => {
    const { page, open, close } = await visit(browser, server.url, { key: server.apiKey });
    await open("groups/demo/documents/pharos-origin");
    await page.getByRole("button", { name: "Restore", exact: true }).click();
    await page.getByText("What comes back").waitFor();
    expect(await findings(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Forget the key" }).click();
    await page.getByLabel("API key").waitFor();
    expect(await findings(page)).toEqual([]);
    await close();
  });

  test("the switch of colours overrules the system, and is kept", async () => {
    const { page, open, close } = await visit(browser, server.url, { key: server.apiKey });
    await open("");
    const ground = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
    const light = await ground();
    await page.getByLabel("Colours").selectOption("dark");
    const dark = await ground();
    expect(dark).not.toBe(light);
    await page.reload();
    await page.getByLabel("Colours").waitFor();
    expect(await ground()).toBe(dark);
    expect(await findings(page)).toEqual([]);
    await close();
  });

  test("nothing is cut off on a narrow screen", async () => {
    const { page, open, close } = await visit(browser, server.url, { key: server.apiKey, width: 360 });
    for (const [, place, shows] of VIEWS.slice(0, 11)) {
      await open(place());
      await page.getByText(shows).first().waitFor();
      expect(await page.evaluate("document.documentElement.scrollWidth"), place()).toBeLessThanOrEqual(360);
    }
    await close();
  });

  test("axe finds what is planted", async () => {
    const { page, open, close } = await visit(browser, server.url, { key: server.apiKey });
    await open("");
    await page.evaluate("document.querySelector('main').append(document.createElement('input'))");
    expect((await findings(page)).join()).toMatch(/label/);
    await close();
  });
});
