import type { CollectionKind, Policy } from "../../core/words.ts";
import { lawOf } from "./collect-entities.ts";
import { misplaced } from "./collect-vectors.ts";
import { entityFacts, factRows, type Handle, judged, parkedRows } from "./judge.ts";
import { sweepUnits, twinsFound } from "./reconcile.ts";
import { idFromKey } from "./shapes.ts";
import type { Work } from "./work.ts";

/** One step of the full scan: entities, then facts, live and parked, in order of their ids. */
export async function sweepStep(
  w: Work,
  options: { cursor: string | null; limit: number; policy: Policy; now: number },
): Promise<{ examined: number; found: number; cursor: string | null }> {
  const [kind, ...rest] = (options.cursor ?? "d ").split(" ");
  const after = rest.join(" ");
  const limit = w.int(options.limit);
  const candidates = async (of: CollectionKind, ids: string[]) => {
    const known = new Set((await w.each<{ id: string }>("knownCandidates", "ids", ids, { kind: of })).map((c) => c.id));
    const fresh = [...new Set(ids)].filter((id) => !known.has(id));
    w.note(of, fresh);
    return fresh.length;
  };
  if (kind === "d" || kind === "u" || kind === "t") return sweepUnits(w, kind, after, options);
  if (kind === "e") {
    const rows = await w.run<Handle>("entitiesPage", { after, limit });
    const facts = await entityFacts(
      w,
      rows.map((r) => r.handle),
    );
    const wrong = facts.filter((e) => lawOf(w, e, options.policy, options.now) !== (e.parked ? "parked" : "live"));
    const rest = facts.filter((e) => !wrong.includes(e));
    const moved = rest.filter((e) => misplaced(w, e));
    const found =
      (await candidates(
        "orphan_entities",
        wrong.map((e) => e.id),
      )) +
      (await candidates(
        "deprecated_vectors",
        moved.map((e) => e.id),
      ));
    const full = rows.length === options.limit;
    return { examined: rows.length, found, cursor: full ? `e ${idFromKey(rows.at(-1)?.id)}` : "r " };
  }
  if (kind === "r") {
    const rows = await w.run<Handle>("factsPage", { after, limit });
    const verdicts = await judged(
      w,
      await factRows(
        w,
        rows.map((r) => r.handle),
      ),
    );
    const found = await candidates(
      "stale_edges",
      verdicts.filter((v) => !v.live).map((v) => v.fact.id),
    );
    const full = rows.length === options.limit;
    return { examined: rows.length, found, cursor: full ? `r ${rows.at(-1)?.id}` : "p " };
  }
  const rows = await w.run<{ id: string }>("parkedPage", { after, limit });
  const verdicts = await judged(
    w,
    await parkedRows(
      w,
      rows.map((r) => r.id),
    ),
  );
  const found =
    (await candidates(
      "stale_edges",
      verdicts.filter((v) => v.live).map((v) => v.fact.id),
    )) +
    (await twinsFound(
      w,
      rows.map((r) => r.id),
    ));
  return { examined: rows.length, found, cursor: rows.length === options.limit ? `p ${rows.at(-1)?.id}` : null };
}
