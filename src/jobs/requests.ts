import { canonicalJson, sha256 } from "../core/canonical.ts";
import { GraphkeeperError } from "../core/errors.ts";
import { checkGroupId } from "../core/law.ts";
import type { TraceContext } from "../core/trace.ts";
import type { JsonObject } from "../core/words.ts";
import type { Enqueue, KindConfig, Trigger } from "./ports.ts";

/** After an event: quiet 30 s, at most 10 min after the first. */
export const DEFAULT_DEBOUNCE = { quietMs: 30_000, maxWaitMs: 600_000 };
const DAY_MS = 86_400_000;

export interface TriggerRequest {
  kind: string;
  groupId: string;
  params?: JsonObject;
  actor?: string;
  trigger?: Trigger;
  /** Scope of the key: who sends it; keys of different callers never meet. */
  idempotency?: { scope: string; key: string };
  runAt?: number;
  trace?: TraceContext;
}

/** @throws GraphkeeperError `INVALID_VALUE` for a kind that is not configured */
export function kindOf(kinds: Record<string, KindConfig>, kind: string): KindConfig {
  const config = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
  if (config !== undefined) return config;
  throw new GraphkeeperError("INVALID_VALUE", `There is no kind of job ${JSON.stringify(kind.slice(0, 60))}.`, {
    field: "kind",
    known: Object.keys(kinds),
  });
}

/** @throws GraphkeeperError `INVALID_VALUE`, `INVALID_GROUP_ID` */
export function triggerRequest(
  kinds: Record<string, KindConfig>,
  request: TriggerRequest,
  id: string,
  at: number,
): Enqueue {
  const kind = kindOf(kinds, request.kind);
  const params = request.params ?? {};
  const requestHash = sha256(canonicalJson([request.kind, request.groupId, params]));
  return {
    id,
    kind: request.kind,
    groupId: checkGroupId(request.groupId),
    trigger: request.trigger ?? "manual",
    actor: request.actor ?? "unknown",
    params,
    at,
    runAt: request.runAt ?? at,
    heavy: kind.heavy === true,
    maxAttempts: kind.maxAttempts ?? 5,
    mode: request.idempotency === undefined ? "join" : "new",
    idempotency:
      request.idempotency === undefined ? undefined : { ...request.idempotency, requestHash, keepMs: DAY_MS },
    trace: request.trace,
  };
}

/**
 * A debounced run after a lifecycle event. Where graph and jobs share a SQLite file, the graph store puts it into the
 * transaction of the event itself (`enqueueInTransaction`), so that neither is there without the other.
 */
export function eventRequest(
  kinds: Record<string, KindConfig>,
  event: { kind: string; groupId: string; actor?: string; trace?: TraceContext },
  id: string,
  at: number,
  debounce = DEFAULT_DEBOUNCE,
): Enqueue {
  const request = triggerRequest(
    kinds,
    { actor: "event", ...event, trigger: "event", runAt: at + debounce.quietMs },
    id,
    at,
  );
  return { ...request, mode: "debounce", debounce };
}
