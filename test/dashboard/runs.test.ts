import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { JobContext } from "../../src/jobs/ports.ts";
import { closeWorlds, makeWorld, sampleBlock, type World } from "../http/world.ts";
import { chromiumPath, launch, picture, type Visit, visit } from "./browser.ts";

/** What the run under way does is decided here, so that the page can be seen at each step of it. */
class Stage {
  diskIsFull = false;
  #began = Promise.withResolvers<JobContext>();
  #end = Promise.withResolvers<void>();

  readonly handler = async (context: JobContext) => {
    if (this.diskIsFull) throw new Error("the disk is full");
    this.#began.resolve(context);
    const aborted = Promise.withResolvers<never>();
    context.signal.addEventListener("abort", () => aborted.reject(context.signal.reason), { once: true });
    if (context.signal.aborted) aborted.reject(context.signal.reason);
    await Promise.race([this.#end.promise, aborted.promise]);
    return { deleted: 12 };
  };

  began(): Promise<JobContext> {
    return this.#began.promise;
  }
  finish(): void {
    this.#end.resolve();
  }
  next(): void {
    this.#began = Promise.withResolvers();
    this.#end = Promise.withResolvers();
  }
}

describe.skipIf(chromiumPath === null)("runs in the browser (Chromium)", () => {
  const stage = new Stage();
  let world: World;
  let key: string;
  let browser: Browser;
  let at: Visit | null = null;
  beforeAll(async () => {
    world = await makeWorld({ watch: () => stage.handler });
    await world.listen();
    key = await world.key("operator");
    await world.graphkeeper.importBlock("alpha", sampleBlock(0), { operationId: "o" });
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
    await closeWorlds();
  });
  afterEach(async () => {
    const { faults = [] } = at ?? {};
    await at?.close();
    at = null;
    stage.next();
    expect(faults).toEqual([]);
  });

  const start = async () => (await world.graphkeeper.run({ kind: "gc_all", groupId: "alpha" })).run.id;

  test("a run is seen at work, is paused, goes on and ends, without the page being loaded again", async () => {
    const id = await start();
    let context = await stage.began();
    at = await visit(browser, world.url, { key });
    const { page } = at;
    await at.open(`runs/${id}`);
    const status = page.getByRole("status");
    await status.getByText("running").waitFor();
    context.progress({ done: 30, total: 120, phase: "orphan_entities" });
    await page.getByText("orphan entities: 30 of 120").waitFor();
    const bar = page.getByRole("progressbar");
    expect([await bar.getAttribute("value"), await bar.getAttribute("max")]).toEqual(["30", "120"]);
    await picture(page, "run");
    stage.next();
    await page.getByRole("button", { name: "Pause" }).click();
    await status.getByText("paused").waitFor();
    await page.getByRole("button", { name: "Resume" }).click();
    context = await stage.began();
    await status.getByText("running").waitFor();
    context.progress({ done: 90, total: 120, phase: "stale_edges" });
    await page.getByText("stale edges: 90 of 120").waitFor();
    stage.finish();
    await status.getByText("succeeded").waitFor();
    await page.getByRole("region", { name: "Result" }).getByText("12").waitFor();
    await page.getByText("Nothing: it succeeded.").waitFor();
  });

  test("a run is cancelled, found again by its state, and retried", async () => {
    const id = await start();
    await stage.began();
    at = await visit(browser, world.url, { key });
    const { page } = at;
    await at.open(`runs/${id}`);
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("status").getByText("cancelled").waitFor();
    expect((await world.graphkeeper.jobs.get(id)).state).toBe("cancelled");
    await at.open("runs");
    await page.getByLabel("State").selectOption("cancelled");
    stage.next();
    await page.getByRole("table").first().getByRole("link", { name: "gc all" }).click();
    await page.getByRole("button", { name: "Retry" }).click();
    await stage.began();
    await page.getByRole("status").getByText("running").waitFor();
    stage.finish();
    await page.getByRole("status").getByText("succeeded").waitFor();
  });

  test("a dead run says why, and goes back to the queue from the dead letter", async () => {
    stage.diskIsFull = true;
    const { jobs } = world.graphkeeper;
    const now = jobs.clock.now();
    const { run } = await jobs.store.enqueue({
      id: "dead-run",
      kind: "gc_all",
      groupId: "alpha",
      trigger: "manual",
      actor: "test",
      params: {},
      at: now,
      runAt: now,
      heavy: false,
      maxAttempts: 1,
      mode: "new",
    });
    expect((await jobs.wait(run.id, 20_000)).state).toBe("dead");
    at = await visit(browser, world.url, { key });
    const { page } = at;
    await at.open("runs");
    const letter = page.getByRole("region", { name: "Dead letter" });
    await letter.getByText("the disk is full").waitFor();
    await letter.getByRole("link", { name: "gc all" }).click();
    await page.getByText("The run ended in an error").waitFor();
    await page.getByText("the disk is full").first().waitFor();
    await at.open("runs");
    stage.diskIsFull = false;
    stage.finish();
    await letter.getByRole("button", { name: "Send all back to the queue" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Yes, send all back to the queue" }).click();
    await letter.getByText("No runs.").waitFor();
    expect(await jobs.wait(run.id, 20_000)).toMatchObject({ state: "succeeded", attempt: 2 });
  });
});
