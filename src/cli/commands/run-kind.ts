import { setTimeout } from "node:timers/promises";
import type { GraphkeeperClient } from "../../client/client.ts";
import { ERRORS, type ErrorCode, GraphkeeperError } from "../../core/errors.ts";
import { toWire } from "../../core/wire.ts";
import type { JsonObject } from "../../core/words.ts";
import type { RunKind } from "../../maintenance/handler.ts";
import type { Graphkeeper } from "../../service.ts";
import type { CliContext } from "../context.ts";
import { num, obj, str } from "../wire.ts";

/**
 * Runs a kind for the group of the command, or for all groups that need it, one after the other, and waits for the end;
 * Ctrl-C cancels the run. Each result has the members of the run's result with `group_id`, `run_id`, `kind` and `status`;
 * of several groups one that fails is an entry with `error`, and the others still have their turn.
 *
 * @throws GraphkeeperError of a run that was for one group and did not succeed; `CANCELLED`
 */
export async function runKind(cli: CliContext, kind: RunKind, params: JsonObject): Promise<JsonObject[]> {
  const server = await cli.server();
  if (server) return runOnServer(cli, server, kind, params);
  return cli.locally("write", async (graphkeeper) => {
    const groups = cli.optionalGroup ? [cli.optionalGroup] : await graphkeeper.targets(kind);
    await graphkeeper.jobs.start({ roles: ["worker"] });
    const results: JsonObject[] = [];
    for (const groupId of groups) results.push(described(cli, await runHere(cli, graphkeeper, kind, groupId, params)));
    return results;
  });
}

async function runHere(
  cli: CliContext,
  graphkeeper: Graphkeeper,
  kind: RunKind,
  groupId: string,
  params: JsonObject,
): Promise<JsonObject> {
  const { run } = await graphkeeper.run({ kind, groupId, actor: "cli", params });
  const cancel = () => void graphkeeper.jobs.cancel(run.id).catch(() => {});
  cli.signal.addEventListener("abort", cancel, { once: true });
  if (cli.signal.aborted) cancel();
  for await (const state of graphkeeper.jobs.events(run.id)) show(cli, toWire(state) as JsonObject);
  cli.signal.removeEventListener("abort", cancel);
  return toWire(await graphkeeper.jobs.get(run.id)) as JsonObject;
}

async function runOnServer(
  cli: CliContext,
  server: GraphkeeperClient,
  kind: RunKind,
  params: JsonObject,
): Promise<JsonObject[]> {
  const paths: Record<string, string> = {
    gc_all: "/maintenance/run-all-gc",
    recompute: "/maintenance/recompute-gds",
  };
  // Short runs end within the wait; long ones are followed by id, as no connection lasts for the hours that they may take.
  const answer = await server.call({
    method: "POST",
    path: paths[kind] ?? `/maintenance/gc/${kind}`,
    group: cli.optionalGroup,
    body: params,
    query: { wait: 2 },
  });
  const results: JsonObject[] = [];
  for (const entry of (answer.groups as JsonObject[] | undefined) ?? [answer]) {
    const ended = ["succeeded", "skipped", "failed"].includes(str(entry.status));
    results.push(ended ? entry : described(cli, await follow(cli, server, str(entry.run_id))));
  }
  return results;
}

async function follow(cli: CliContext, server: GraphkeeperClient, id: string): Promise<JsonObject> {
  const path = `/maintenance/runs/${encodeURIComponent(id)}`;
  let cancelled = false;
  for (;;) {
    const run = await server.call({ path });
    if (run.ended_at) return run;
    show(cli, run);
    if (cli.signal.aborted && !cancelled) {
      await server.call({ method: "POST", path: `${path}/cancel` });
      cancelled = true;
    }
    await setTimeout(300, undefined, { signal: cancelled ? undefined : cli.signal }).catch(() => {});
  }
}

function show(cli: CliContext, run: JsonObject): void {
  const { phase, done, total } = obj(run.progress);
  if (run.progress) cli.output.progress(`${str(run.group_id)}: ${str(phase)}`, num(done), num(total) || null);
}

/** An ended run in the form in which the maintenance calls answer. */
function described(cli: CliContext, run: JsonObject): JsonObject {
  const head = { group_id: run.group_id!, run_id: run.id!, kind: run.kind! };
  if (run.state === "succeeded") return { ...head, ...obj(run.result), status: "succeeded" };
  if (run.state === "skipped") return { ...head, status: "skipped", reason: run.reason!, deleted: 0 };
  const { code, message } = obj(run.error);
  const known = run.state === "cancelled" ? "CANCELLED" : Object.hasOwn(ERRORS, str(code)) ? str(code) : "RUN_FAILED";
  const detail = message ? str(message) : run.reason ? str(run.reason) : `The run ended as ${str(run.state)}.`;
  if (known === "CANCELLED" || cli.optionalGroup)
    throw new GraphkeeperError(known as ErrorCode, detail, { run_id: run.id, group_id: run.group_id });
  return { ...head, status: "failed", error: { code: known, message: detail } };
}
