import type { JsonObject } from "../../core/words.ts";
import { first, rows, type Steps } from "./statement.ts";

/** Small values of the installation, beside the version of the tables. */

export function* setting(key: string): Steps<JsonObject | null> {
  const row = yield* first("SELECT value FROM job_meta WHERE key = $1", `setting ${key}`);
  return row === null ? null : (JSON.parse(String(row.value)) as JsonObject);
}

export function* putSetting(key: string, value: JsonObject): Steps<void> {
  yield* rows(
    "INSERT INTO job_meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    `setting ${key}`,
    JSON.stringify(value),
  );
}

/** Room that a disk must have before it counts as one that takes writes: a single page finds some where nothing else does. */
const ROOM_BYTES = 262_144;

/** The first of two steps that say whether the disk takes writes; the second is `takeBack`. */
export function* takeRoom(): Steps<void> {
  yield* putSetting("room", { filler: " ".repeat(ROOM_BYTES) });
}

export function* takeBack(): Steps<void> {
  yield* rows("DELETE FROM job_meta WHERE key = 'setting room'");
}
