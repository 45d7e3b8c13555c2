import { z } from "zod";
import { GraphkeeperError } from "../core/errors.ts";
import type { StoredKey } from "../core/ports.ts";
import { createApiKey, ROLES, refuseFirstKey } from "./api-key.ts";
import { OPEN } from "./auth.ts";
import { route } from "./route.ts";
import * as shapes from "./shapes.ts";
import { id, text } from "./validate.ts";

const base = { role: "admin", group: "none", tag: "keys" } as const;

const list = route({
  ...base,
  method: "GET",
  path: "/keys",
  summary: "List API keys, revoked ones too",
  answers: { 200: { description: "Keys without their secrets", schema: shapes.keys } },
  handle: async ({ graphkeeper }) => ({ body: { keys: (await graphkeeper.keys.listKeys()).map(shown) } }),
});

const create = route({
  ...base,
  method: "POST",
  path: "/keys",
  idempotency: "answer",
  summary: "Make an API key; it is shown this once",
  description: "A repeated call with the same Idempotency-Key gives the key's data without the key itself.",
  body: z.strictObject({
    name: text(200),
    role: z.enum(ROLES),
    groups: z.array(z.string()).min(1).max(1_000).describe("Group ids, prefixes that end in *, or * alone."),
  }),
  answers: { 201: { description: "The key", schema: shapes.newKey } },
  handle: async ({ graphkeeper, body, principal }) => {
    const { key, stored } = createApiKey(body, graphkeeper.clock());
    const keys = (await graphkeeper.keys.listKeys()).length;
    refuseFirstKey(stored.role, { keys, configured: principal.actor !== OPEN });
    await graphkeeper.keys.addKey(stored, principal.actor);
    return { status: 201, body: shown(stored), transient: { key } };
  },
});

const revoke = route({
  ...base,
  method: "DELETE",
  path: "/keys/{id}",
  summary: "Revoke an API key, at once",
  params: z.strictObject({ id: id() }),
  answers: { 204: { description: "Revoked" } },
  handle: async ({ graphkeeper, params, principal }) => {
    if (!(await graphkeeper.keys.revokeKey(params.id, graphkeeper.clock(), principal.actor))) {
      throw new GraphkeeperError("NOT_FOUND", "There is no such key, or it was revoked before.", { key_id: params.id });
    }
    return { status: 204 };
  },
});

export const keyRoutes = [list, create, revoke];

function shown({ secretHash: _, ...key }: StoredKey): Omit<StoredKey, "secretHash"> {
  return key;
}
