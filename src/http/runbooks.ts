import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { GraphkeeperError } from "../core/errors.ts";
import { type Route, route } from "./route.ts";

/** The same place from the sources and from what is built of them: both are two folders below the package. */
const FOLDER = new URL("../../docs/runbooks/", import.meta.url);

/** What to do when an alert fires, on the service that tells of it: who is woken at night has no checkout at hand. */
const runbook = route({
  method: "GET",
  path: "/runbooks/{name}",
  role: "public",
  group: "none",
  tag: "operations",
  summary: "What to do when an alert fires: the text that its link names",
  params: z.strictObject({ name: z.string().regex(/^[a-z]+(-[a-z]+)*$/) }),
  answers: { 200: { description: "Markdown", type: "text/markdown; charset=utf-8" } },
  handle: async ({ params }) => {
    const path = fileURLToPath(new URL(`${params.name}.md`, FOLDER));
    const body = await readFile(path, "utf8").catch((cause: unknown) => {
      throw new GraphkeeperError("NOT_FOUND", "There is no such runbook.", {}, cause);
    });
    return { body, type: "text/markdown; charset=utf-8" };
  },
});

export const runbookRoutes: Route[] = [runbook];
