import { GraphkeeperError } from "../core/errors.ts";
import { type Route, route } from "./route.ts";
import * as shapes from "./shapes.ts";

const base = { method: "GET", role: "public", group: "none", tag: "operations" } as const;

const livez = route({
  ...base,
  path: "/livez",
  summary: "Whether the process answers",
  answers: { 200: { description: "It does", schema: shapes.ok } },
  handle: async () => ({ body: { status: "alive" } }),
});

const readyz = route({
  ...base,
  path: "/readyz",
  summary: "Whether the stores answer and take writes",
  answers: { 200: { description: "They do", schema: shapes.ok } },
  handle: async ({ graphkeeper }) => {
    try {
      await Promise.all([graphkeeper.store.ping(), graphkeeper.jobs.store.ping()]);
    } catch (error) {
      if (writesFailSince(error) !== null) throw error;
      throw new GraphkeeperError("STORE_UNAVAILABLE", "A store does not answer.", {}, error);
    }
    return { body: { status: "ready" } };
  },
});

/** What a store says whose disk is full: not more than that, so that it may be told to anybody. */
export function writesFailSince(error: unknown): string | null {
  const since = GraphkeeperError.is(error, "STORE_UNAVAILABLE") ? error.details.writes_fail_since : undefined;
  return typeof since === "string" ? since : null;
}

export const opsRoutes: Route[] = [livez, readyz];
