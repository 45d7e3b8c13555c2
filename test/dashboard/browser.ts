import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { type GraphkeeperServer, startGraphkeeper } from "../servers/graphkeeper.ts";
import { findProgram, needProgram } from "../servers/tools.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Chromium as Debian packages it; null where it cannot be had, and then the tests say so and are skipped. */
export const chromiumPath = await findChromium();

async function findChromium(): Promise<string | null> {
  const found = findProgram("chromium") ?? findProgram("chromium-browser") ?? findProgram("google-chrome");
  if (found !== null) return found;
  return needProgram("chromium", "chromium").catch((error: Error) => {
    process.stderr.write(`The page is NOT tested in a browser: ${error.message}\n`);
    return null;
  });
}

export function launch(): Promise<Browser> {
  // Chromium's sandbox refuses to be run by root; the only pages it sees here are our own. WebGL is drawn in software.
  const args = ["--enable-unsafe-swiftshader", ...(process.getuid?.() === 0 ? ["--no-sandbox"] : [])];
  return chromium.launch({ executablePath: chromiumPath!, args });
}

/** A server whose group `demo` holds the demo's corpus. */
export async function startFilled(environment: Record<string, string> = {}): Promise<GraphkeeperServer> {
  const server = await startGraphkeeper({ environment, args: ["--roles", "http,worker,scheduler"] });
  const response = await fetch(`${server.url}/groups/demo/import`, {
    method: "POST",
    headers: { authorization: `Bearer ${server.apiKey}`, "content-type": "application/x-ndjson" },
    body: await readFile(join(ROOT, "demo", "lighthouses.ndjson")),
  });
  if (!response.ok) throw new Error(`import answered ${response.status}: ${await response.text()}`);
  await response.text();
  return server;
}

export interface Visit {
  page: Page;
  /** What a page must not do: errors, refusals of the content security policy, requests to another origin. */
  faults: string[];
  /** Opens a view by what stands after the `#`. */
  open(view: string): Promise<void>;
  close(): Promise<void>;
}

/** @param key the API key as the tab would have kept it; undefined = the page asks for it */
export async function visit(
  browser: Browser,
  url: string,
  options: { key?: string; dark?: boolean; width?: number } = {},
): Promise<Visit> {
  const context = await browser.newContext({
    viewport: { width: options.width ?? 1280, height: 900 },
    colorScheme: options.dark ? "dark" : "light",
    permissions: ["clipboard-read", "clipboard-write"],
    reducedMotion: "reduce",
    timezoneId: "UTC",
  });
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
  page.on("console", (message) => {
    // That a call was refused is what some tests are about; the browser also says so.
    if (/^Failed to load resource/.test(message.text())) return;
    if (message.type() === "error" || message.type() === "warning") faults.push(`console: ${message.text()}`);
  });
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== url && !request.url().startsWith("data:")) faults.push(request.url());
  });
  if (options.key !== undefined) {
    await page.goto(`${url}/ui/icon.svg`);
    await page.evaluate(`sessionStorage.setItem("graphkeeper-key", ${JSON.stringify(options.key)})`);
  }
  return {
    page,
    faults,
    open: async (view) => {
      await page.goto(`${url}/ui/#/${view}`);
    },
    close: () => context.close(),
  };
}

/** Keeps a picture for the README, when asked to: a run of the tests must not change the tree by itself. */
export async function picture(page: Page, name: string): Promise<void> {
  if (process.env.GRAPHKEEPER_SCREENSHOTS === undefined) return;
  const folder = join(ROOT, "docs", "images");
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`) });
}
