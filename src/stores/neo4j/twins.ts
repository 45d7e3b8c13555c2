import type { JsonObject } from "../../core/words.ts";
import { refer } from "./references.ts";
import { idFromKey, keyFromId, type NodeKind } from "./shapes.ts";
import type { Work } from "./work.ts";

/**
 * Twins: a writer that goes on makes a node or a fact again that it does not see because it is parked. The parked one stays
 * and takes over what the twin has: its relationships, and over its own properties those that the writer has set; lists
 * that both have a part of are united. Each fold is in the audit.
 */

const named = (kind: NodeKind) => (kind === "unit" ? "Unit" : "Entity");

/** Whether a parked node can have a twin at all: units that are only referred to are nodes of ours. */
function canHaveTwins(w: Work, kind: NodeKind): boolean {
  return !(kind === "unit" && w.shapes.references);
}

/**
 * Folds the twins of the nodes, whether these are the parked ones or the twins themselves.
 *
 * @returns by the handle of each twin that is gone, the handle of the node that stays
 */
export async function foldTwins(
  w: Work,
  kind: NodeKind,
  handles: Iterable<string>,
  now?: number,
): Promise<Map<string, string>> {
  const folded = new Map<string, string>();
  const all = new Set(handles);
  if (!canHaveTwins(w, kind) || all.size === 0) return folded;
  const pairs = await w.each<{ handle: string; twin: string }>(`twinsOf${named(kind)}`, "handles", all);
  const entries: JsonObject[] = [];
  for (const pair of pairs) {
    if (folded.has(pair.twin)) continue;
    entries.push(await fold(w, kind, pair));
    folded.set(pair.twin, pair.handle);
  }
  await noteFolds(w, kind, entries, now);
  return folded;
}

async function fold(w: Work, kind: NodeKind, pair: { handle: string; twin: string }): Promise<JsonObject> {
  const [edges] = await w.run<{ edges: number }>(`foldEdgesOf${named(kind)}`, pair);
  await w.run("renameDerived", { from: pair.twin, to: pair.handle });
  if ("elementId" in w.shapes.key(kind)) {
    await w.run("renameEnds", { from: pair.twin, to: pair.handle });
    await w.each("rowsOfEntities", "ids", [pair.twin]);
  }
  const [node] = await w.run<{ overwritten: string[]; added: string[] }>(`foldNodeOf${named(kind)}`, pair);
  if (kind === "entity") await refer(w, [pair.handle]);
  const { overwritten = [], added = [] } = node ?? {};
  return { kept: pair.handle, twin: pair.twin, relationships: edges?.edges ?? 0, overwritten, added };
}

async function noteFolds(w: Work, kind: string, entries: JsonObject[], now?: number): Promise<void> {
  if (entries.length === 0) return;
  const detail: JsonObject = { kind, count: entries.length, folded: entries.slice(0, 100) };
  await w.audit(now ?? w.group.staleSince ?? w.group.createdAt, {
    actor: "collection",
    action: "fold",
    ref: kind,
    detail,
  });
}

/**
 * Facts that are parked and were written again: the new one stays, with what the parked one has beside it.
 *
 * @returns by the id of each parked one that is gone, the handle of the one that stays
 */
export async function foldFacts(w: Work, ids: Iterable<string>, now?: number): Promise<Map<string, string>> {
  const twins = await w.each<{ id: string; handle: string }>("twinsOfFacts", "ids", new Set(ids));
  const entries: JsonObject[] = [];
  for (const twin of twins) {
    const [row] = await w.run<{ overwritten: string[] }>("foldFact", twin);
    if (row) entries.push({ id: twin.id, overwritten: row.overwritten });
  }
  await noteFolds(w, "relationship", entries, now);
  return new Map(twins.map((twin) => [twin.id, twin.handle]));
}

/** Parked nodes that their writer shows to readers again, or whose marks it took away, are hidden again. */
export async function rehide(w: Work, kind: NodeKind, handles: string[], now: number): Promise<number> {
  if (!canHaveTwins(w, kind) || handles.length === 0) return 0;
  await w.each(`remember${named(kind)}`, "handles", handles, { now: w.int(now) });
  const again = await w.each<{ handle: string }>(`rehide${named(kind)}`, "handles", handles);
  return again.length;
}

/** How many of the parked nodes have a twin or are seen by readers again. */
export async function restless(w: Work, kind: NodeKind, handles: string[]): Promise<number> {
  if (!canHaveTwins(w, kind) || handles.length === 0) return 0;
  const twins = await w.each(("twinsOf" + named(kind)) as "twinsOfUnit", "handles", handles);
  const rows = await w.each<{ count: number }>(`restless${named(kind)}`, "handles", handles);
  return twins.length + rows.reduce((sum, row) => sum + row.count, 0);
}

/** A page of parked nodes, in order of their ids. */
export async function parkedPage(
  w: Work,
  kind: NodeKind,
  after: string,
  limit: number,
): Promise<{ handle: string; id: string }[]> {
  if (!canHaveTwins(w, kind)) return [];
  const key = w.shapes.key(kind);
  const from = after === "" && "properties" in key ? key.properties.map(() => "") : keyFromId(key, after);
  const rows = await w.run<{ handle: string; id: unknown }>(`parkedPageOf${named(kind)}`, {
    after: from,
    limit: w.int(limit),
  });
  return rows.map((row) => ({ handle: row.handle, id: idFromKey(row.id) }));
}
