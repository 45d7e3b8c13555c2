import { deleteFacts, parkFacts, showLawful } from "./derive.ts";
import { factRowsById, judged, parkedRows } from "./judge.ts";
import type { Tally } from "./phases.ts";
import type { Reading, Work } from "./work.ts";

/** Rows of one page where a phase has to look further than what it judges. */
const PAGE = 2_000;

/** Parked for longer than the restore window, and without support or an end. */
export async function expiredFacts(r: Reading, before: number, after: string, limit: number): Promise<string[]> {
  const { imports } = r.shapes.profile;
  const found: string[] = [];
  for (let from = after; found.length < limit; ) {
    const rows = await r.run<{ id: string }>("expiredFacts", { before, after: from, limit: r.int(PAGE) });
    const ids = rows.map((row) => row.id);
    const gone = new Set(
      (await parkedRows(r, ids))
        .filter((f) => (imports && f.support?.length === 0) || !f.source || !f.target)
        .map((f) => f.id),
    );
    found.push(...ids.filter((id) => gone.has(id)));
    if (rows.length < PAGE) break;
    from = ids.at(-1) as string;
  }
  return found.slice(0, limit);
}

export async function judgeFacts(w: Work, ids: string[], tally: Tally, now: number): Promise<boolean> {
  tally.examined += ids.length;
  const [live, hidden] = await Promise.all([factRowsById(w, ids), parkedRows(w, ids)]);
  const verdicts = await judged(w, live);
  const park = verdicts.filter((v) => !v.live).map((v) => v.fact);
  tally.kept += verdicts.filter((v) => v.kept).length;
  if (park.length > 0) parkFacts(w, park, now);
  const back = await showLawful(w, hidden, now);
  if (park.length + back.length > 0) tally.changed = true;
  tally.deleted += park.length;
  const parked = new Set(park.map((f) => f.id));
  tally.ids.push(...ids.filter((id) => parked.has(id)));
  return true;
}

export async function purgeFacts(w: Work, ids: string[], tally: Tally): Promise<boolean> {
  tally.examined += ids.length;
  const gone = await deleteFacts(w, ids);
  tally.purged += gone.length;
  tally.ids.push(...gone);
  tally.changed = true;
  return true;
}
