import { z } from "zod";
import { GraphkeeperError } from "../core/errors.ts";
import type { Pause } from "../jobs/ports.ts";
import { RUN_KINDS } from "../maintenance/handler.ts";
import { type Call, route } from "./route.ts";
import { text } from "./validate.ts";

const base = { group: "none", tag: "schedules" } as const;
const level = z
  .enum(["all", "kind", "group"])
  .describe("What stands still: everything, the runs of one kind, or those of one group.");
const key = z.string().max(600).optional().describe("The kind or the group's id; absent for `all`.");
const pauses = z.strictObject({
  pauses: z.array(
    z.strictObject({
      level: z.enum(["all", "kind", "schedule", "group"]),
      key: z.string().describe("Kind, schedule or group; empty for `all`."),
      reason: z.string().describe("Empty where it concerns groups that the key may not see."),
      actor: z.string().describe("Empty where it concerns groups that the key may not see."),
      at: z.string(),
      automatic: z.boolean().describe("Set because the group's runs kept failing; redriving them lifts it."),
    }),
  ),
});

const list = route({
  ...base,
  method: "GET",
  path: "/maintenance/pauses",
  role: "reader",
  summary: "What stands still, why, and who said so",
  answers: { 200: { description: "Pauses", schema: pauses } },
  handle: async (call) => ({ body: await seen(call) }),
});

const pause = route({
  ...base,
  method: "POST",
  path: "/maintenance/pauses",
  role: "operator",
  idempotency: "answer",
  summary: "Pause everything, a kind or a group: nothing more begins there, what runs goes on to its end",
  body: z.strictObject({ level, key, reason: text(2_000).optional() }),
  answers: { 200: { description: "Pauses", schema: pauses } },
  handle: async (call) => {
    const { level, reason = "paused by hand" } = call.body;
    const key = keyOf(call, call.body);
    const { actor } = call.principal;
    await call.graphkeeper.audited({ actor, action: "pause", ref: named(level, key), detail: { reason } }, () =>
      call.graphkeeper.jobs.pauseLevel(level, key, reason, actor),
    );
    return { body: await seen(call) };
  },
});

const resume = route({
  ...base,
  method: "POST",
  path: "/maintenance/pauses/end",
  role: "operator",
  idempotency: "answer",
  summary: "End a pause; what waits begins at once",
  body: z.strictObject({ level, key }),
  answers: { 200: { description: "Pauses", schema: pauses } },
  handle: async (call) => {
    const key = keyOf(call, call.body);
    const { actor } = call.principal;
    await call.graphkeeper.audited({ actor, action: "pause.end", ref: named(call.body.level, key) }, () =>
      call.graphkeeper.jobs.resumeLevel(call.body.level, key),
    );
    return { body: await seen(call) };
  },
});

export const pauseRoutes = [list, pause, resume];

type AnyCall = Call<unknown, unknown, unknown>;

function named(level: string, key: string): string {
  return key === "" ? level : `${level}:${key}`;
}

async function seen(call: AnyCall): Promise<{ pauses: Pause[] }> {
  const { jobs } = call.graphkeeper;
  const { visible } = call;
  const found = await jobs.pauses();
  if (visible === null) return { pauses: found };
  const targets = new Map((await jobs.schedules.list()).map(({ id, target }) => [id, target]));
  const shown = found.flatMap((pause): Pause[] => {
    const target = pause.level === "schedule" ? targets.get(pause.key) : undefined;
    const group = pause.level === "group" ? pause.key : typeof target === "object" ? target.groupId : null;
    if (group !== null) return visible(group) ? [pause] : [];
    return pause.level === "schedule" && target === undefined ? [] : [withoutWords(pause)];
  });
  return { pauses: shown };
}

/** A pause of more than the caller's groups: that it is there concerns the caller, what was said of it does not. */
export function withoutWords(pause: Pause): Pause {
  return { ...pause, reason: "", actor: "" };
}

/**
 * The key, if it fits the level and the caller may stop what it names.
 *
 * @throws GraphkeeperError `INVALID_VALUE`, `FORBIDDEN`, `GROUP_NOT_FOUND`
 */
function keyOf(call: AnyCall, { level, key }: { level: "all" | "kind" | "group"; key?: string }): string {
  const refuse = (message: string) => new GraphkeeperError("INVALID_VALUE", message, { field: "key" });
  if (level === "group") {
    if (key === undefined || key === "") throw refuse("`key` names the group to pause.");
    if (call.visible !== null && !call.visible(key)) {
      throw new GraphkeeperError("GROUP_NOT_FOUND", "There is no such group.", { group: key });
    }
    return key;
  }
  if (call.visible !== null) {
    throw new GraphkeeperError("FORBIDDEN", "What stops the runs of all groups takes a key for all groups.");
  }
  if (level === "all") {
    if (key !== undefined && key !== "") throw refuse("Level `all` takes no `key`.");
    return "";
  }
  if (!(RUN_KINDS as readonly string[]).includes(key ?? "")) throw refuse(`\`key\` is one of ${RUN_KINDS.join(", ")}.`);
  return key as string;
}
