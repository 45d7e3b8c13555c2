import { canonicalJson, sha256 } from "../core/canonical.ts";
import type { JsonObject } from "../core/words.ts";
import type { Clock } from "./clock.ts";
import type { IdempotencyKeys } from "./ports.ts";

const DAY_MS = 86_400_000;

/**
 * Carries out a POST at most once per Idempotency-Key: the answer of the first call is kept for 24 h and given again.
 * For calls that are not runs (`JobService.trigger` has its own key, in the transaction of its run).
 *
 * A call that throws gives its key back, so that it can be repeated. A process that died in the middle leaves the key
 * taken for `abandonedAfterMs`: what it did must be idempotent by an operation id.
 * @param scope who calls, and on which path
 * @throws GraphkeeperError `IDEMPOTENCY_MISMATCH`, `IDEMPOTENCY_CONFLICT`
 */
export async function once(
  keys: IdempotencyKeys,
  clock: Clock,
  id: { scope: string; key: string },
  request: unknown,
  work: () => Promise<JsonObject>,
  abandonedAfterMs = 5 * 60_000,
): Promise<{ answer: JsonObject; replayed: boolean }> {
  const hash = sha256(canonicalJson(request));
  const begun = await keys.beginKey(id, { hash, at: clock.now(), keepMs: DAY_MS, abandonedAfterMs });
  if (begun.state === "replay") return { answer: begun.answer, replayed: true };
  let answer: JsonObject;
  try {
    answer = await work();
  } catch (error) {
    await keys.finishKey(id, null, clock.now()).catch(() => {});
    throw error;
  }
  await keys.finishKey(id, answer, clock.now());
  return { answer, replayed: false };
}
