import { GraphkeeperError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/words.ts";
import { num } from "./rows.ts";
import { type Dialect, first, lock, rows, type Steps } from "./statement.ts";

/** See `IdempotencyKeys`. */
export function* beginKey(
  dialect: Dialect,
  id: { scope: string; key: string },
  request: { hash: string; at: number; keepMs: number; abandonedAfterMs: number },
): Steps<{ state: "begun" } | { state: "replay"; answer: JsonObject }> {
  yield* lock(dialect, `key ${id.scope} ${id.key}`);
  const known = yield* first(
    "SELECT request_hash, answer, at FROM job_keys WHERE scope = $1 AND key = $2",
    id.scope,
    id.key,
  );
  if (known !== null && num(known.at) + request.keepMs > request.at) {
    if (known.request_hash !== request.hash) {
      throw new GraphkeeperError("IDEMPOTENCY_MISMATCH", "This Idempotency-Key was used for another request.", {
        key: id.key,
      });
    }
    if (typeof known.answer === "string") return { state: "replay", answer: JSON.parse(known.answer) as JsonObject };
    if (num(known.at) + request.abandonedAfterMs > request.at) {
      throw new GraphkeeperError("IDEMPOTENCY_CONFLICT", "The first call with this Idempotency-Key is still running.", {
        key: id.key,
      });
    }
  }
  yield* rows(
    `INSERT INTO job_keys (scope, key, request_hash, at) VALUES ($1, $2, $3, $4)
     ON CONFLICT (scope, key) DO UPDATE SET request_hash = excluded.request_hash, at = excluded.at, answer = NULL, run_id = NULL`,
    id.scope,
    id.key,
    request.hash,
    request.at,
  );
  return { state: "begun" };
}

export function* finishKey(id: { scope: string; key: string }, answer: JsonObject | null, at: number): Steps<void> {
  if (answer === null)
    yield* rows("DELETE FROM job_keys WHERE scope = $1 AND key = $2 AND answer IS NULL", id.scope, id.key);
  else
    yield* rows(
      "UPDATE job_keys SET answer = $3, at = $4 WHERE scope = $1 AND key = $2",
      id.scope,
      id.key,
      JSON.stringify(answer),
      at,
    );
}
