import type { CollectOptions } from "../../core/ports.ts";
import { retell, revive, settleUnits } from "./derive.ts";
import { unitsOf } from "./documents.ts";
import { entityFacts, factRows, judged, parkedRows, type UnitRow, unitRows, unsettled } from "./judge.ts";
import { parkParts } from "./parts.ts";
import type { Phase, Tally } from "./phases.ts";
import { refer } from "./references.ts";
import type { NodeKind } from "./shapes.ts";
import { sumsOf } from "./statements/twins.ts";
import { foldFacts, foldTwins, parkedPage, rehide, restless } from "./twins.ts";
import type { Work } from "./work.ts";

/**
 * Reconciling: the derived state is repaired from the database as its writer has left it. What is parked is looked at again:
 * made again beside the parked one, seen by readers again, mentioned by something live, owned by an active document.
 *
 * It is due when the numbers of the writer's nodes and relationships are not those of the last time, or when the sweep has
 * found something. What an operation brings back is looked at in the operation itself.
 */

const DOCUMENTS = 50;
const UNITS = 10_000;

/** Go before everything else in a collection; they have nothing to look at when nothing is due. */
export function reconcilePhases(w: Work, options: CollectOptions): Phase[] {
  const { now } = options;
  const begun = () => w.group.reconciling !== undefined && w.group.reconciling !== null;
  const step = (
    name: string,
    page: (after: string, limit: number) => Promise<{ id: string }[]>,
    repair: (ids: string[]) => Promise<void>,
  ): Phase => ({
    name,
    keys: async (after, limit) => (begun() ? (await page(after, limit)).map((row) => row.id) : []),
    judge: async (ids, tally) => {
      tally.examined += ids.length;
      await noticed(w, tally, () => repair(ids));
      return true;
    },
  });
  // The handles of a page's nodes; a page is read and judged in the same transaction.
  const handles = new Map<string, string>();
  const parked = (kind: NodeKind) => async (after: string, limit: number) => {
    const rows = await parkedPage(w, kind, after, limit);
    for (const row of rows) handles.set(row.id, row.handle);
    return rows;
  };
  const of = (ids: string[]) => ids.map((id) => handles.get(id) as string);
  return [
    {
      name: "due",
      keys: async (after) => (after === "" && (await isDue(w)) ? ["due"] : []),
      judge: async (_, tally) => {
        // What its writer added is live at once and needs no repair, but analytics know nothing of it.
        if (hasGrown(w)) tally.changed = true;
        return true;
      },
    },
    step(
      "documents-again",
      (after, limit) => w.run<{ id: string }>("deprecatedDocuments", { after, limit: w.int(limit) }),
      (ids) => settleDocuments(w, ids, now),
    ),
    step("units-again", parked("unit"), (ids) => settleParkedUnits(w, of(ids), now)),
    step("entities-again", parked("entity"), (ids) => settleParkedEntities(w, of(ids), now)),
    step(
      "facts-again",
      (after, limit) => w.run<{ id: string }>("parkedPage", { after, limit: w.int(limit) }),
      (ids) => settleParkedFacts(w, ids, now),
    ),
    {
      name: "reconciled",
      keys: async (after) => (after === "" && begun() ? ["reconciled"] : []),
      judge: async () => {
        w.set({ seenCounts: w.group.reconciling, reconciling: null, reconcileDue: null });
        return true;
      },
    },
  ];
}

/** Compares the counts; remembers those of the beginning, so that what comes meanwhile is seen the next time. */
async function isDue(w: Work): Promise<boolean> {
  // Of our own shapes we are the writer.
  if (w.shapes.profile.imports && w.group.reconcileDue !== true) return false;
  const rows = await w.run<{ count: number }>("writerCounts");
  const counts = JSON.stringify(
    sumsOf(
      w.shapes,
      rows.map((row) => row.count),
    ),
  );
  if (w.group.reconcileDue !== true && w.group.seenCounts === counts) return false;
  w.set({ reconciling: counts });
  return true;
}

/** Only growth: a purge of ours makes the counts smaller. Before the first look, whatever analytics stand for is unknown. */
function hasGrown(w: Work): boolean {
  const { seenCounts, reconciling, analyticsGeneration } = w.group;
  if (typeof seenCounts !== "string") return typeof analyticsGeneration === "number";
  const seen = JSON.parse(seenCounts) as number[];
  return (JSON.parse(reconciling as string) as number[]).some((count, i) => count > (seen[i] ?? 0));
}

/** Whether a repair changed anything is told by what it counted and by the audit it wrote. */
async function noticed(w: Work, tally: Tally, repair: () => Promise<void>): Promise<void> {
  const state = () => JSON.stringify([w.effect, w.group.auditSeq]);
  const before = state();
  await repair();
  if (state() !== before) tally.changed = true;
}

/** What the writer added to deprecated documents is parked like the rest; what belongs to an active one too returns. */
async function settleDocuments(w: Work, ids: string[], now: number): Promise<void> {
  for (let i = 0; i < ids.length; i += DOCUMENTS) {
    const documents = ids.slice(i, i + DOCUMENTS);
    const keys = documents.map((id) => w.documentKey(id));
    w.effect.documents += (await w.each("hideAgain", "keys", keys)).length;
    await parkParts(w, "document", keys, now);
    for await (const units of unitsByPage(w, documents)) await settleUnits(w, units, now);
  }
}

async function* unitsByPage(w: Work, documents: string[]): AsyncIterable<UnitRow[]> {
  for (let after: string | null = null; ; ) {
    const units: UnitRow[] = await unitsOf(w, documents, after, UNITS);
    if (units.length > 0) yield units;
    if (units.length < UNITS) return;
    after = units.at(-1)?.handle ?? null;
  }
}

async function settleParkedUnits(w: Work, handles: string[], now: number): Promise<void> {
  await foldTwins(w, "unit", handles, now);
  const seen = await rehide(w, "unit", handles, now);
  w.effect.textUnits += seen;
  await settleUnits(w, await unitRows(w, handles), now);
  await parkParts(w, "unit", handles, now);
}

async function settleParkedEntities(w: Work, handles: string[], now: number): Promise<void> {
  await foldTwins(w, "entity", handles, now);
  w.effect.entities += await rehide(w, "entity", handles, now);
  await refer(w, handles);
  await revive(w, handles, [], now);
  const still = (await entityFacts(w, handles)).filter((e) => e.parked);
  const facts = await w.each<{ id: string }>(
    "factsTouching",
    "handles",
    still.map((e) => e.handle),
  );
  w.note(
    "stale_edges",
    facts.map((f) => f.id),
  );
  if (w.shapes.mode === "label") return;
  w.note(
    "deprecated_vectors",
    still.filter((e) => e.vector).map((e) => e.id),
  );
}

async function settleParkedFacts(w: Work, ids: string[], now: number): Promise<void> {
  const folded = await foldFacts(w, ids, now);
  w.effect.relationships += folded.size;
  retell(w, folded.keys());
  const [again, hidden] = await Promise.all([
    factRows(w, folded.values()),
    parkedRows(
      w,
      ids.filter((id) => !folded.has(id)),
    ),
  ]);
  // What was written again may be stated by deprecated documents alone, as before.
  const wrong = [
    ...(await judged(w, again)).filter((v) => !v.live),
    ...(await judged(w, hidden)).filter((v) => v.live),
  ];
  w.note(
    "stale_edges",
    wrong.map((v) => v.fact.id),
  );
}

/** A step of the sweep over documents (`d`), parked units (`u`) and parked entities (`t`): finds, and changes nothing. */
export async function sweepUnits(
  w: Work,
  kind: "d" | "u" | "t",
  after: string,
  options: { limit: number },
): Promise<{ examined: number; found: number; cursor: string }> {
  const next = { d: "u ", u: "t ", t: "e " }[kind];
  if (kind === "d") {
    // Of our own shapes we are the writer: no unit comes to a deprecated document but by an import.
    if (w.shapes.profile.imports) return { examined: 0, found: 0, cursor: next };
    const limit = Math.min(options.limit, DOCUMENTS);
    const rows = await w.run<{ id: string }>("deprecatedDocuments", { after, limit: w.int(limit) });
    let found = 0;
    let examined = 0;
    for await (const units of unitsByPage(
      w,
      rows.map((row) => row.id),
    )) {
      const { park, show } = await unsettled(w, units);
      found += park.length + show.length;
      examined += units.length;
    }
    due(w, found);
    const cursor = rows.length === limit ? `d ${rows.at(-1)?.id}` : next;
    return { examined: Math.min(examined, options.limit), found, cursor };
  }
  const of: NodeKind = kind === "u" ? "unit" : "entity";
  const rows = await parkedPage(w, of, after, options.limit);
  const handles = rows.map((row) => row.handle);
  let found = await restless(w, of, handles);
  if (of === "unit") {
    const { park, show } = await unsettled(w, await unitRows(w, handles));
    found += park.length + show.length;
  }
  due(w, found);
  return { examined: 0, found, cursor: rows.length === options.limit ? `${kind} ${rows.at(-1)?.id}` : next };
}

/** Of parked facts: how many were written again. */
export async function twinsFound(w: Work, ids: string[]): Promise<number> {
  const twins = await w.each("twinsOfFacts", "ids", ids);
  due(w, twins.length);
  return twins.length;
}

function due(w: Work, found: number): void {
  if (found > 0) w.set({ reconcileDue: true });
}
