import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { GraphkeeperServer } from "../servers/graphkeeper.ts";
import { chromiumPath, launch, startFilled, type Visit, visit } from "./browser.ts";

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
    expect(
      await page.evaluate("[...Object.values(localStorage), document.cookie, location.href].join()"),
    ).not.toContain(server.apiKey);
    await page.getByRole("button", { name: "Forget the key" }).click();
    await field.waitFor();
    expect(await page.evaluate("sessionStorage.length")).toBe(0);
  });
});
