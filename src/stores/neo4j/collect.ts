import { entityPresence } from "../../core/law.ts";
import type { CollectOptions } from "../../core/ports.ts";
import type { CollectionBatch, CollectionKind, JsonObject, Policy } from "../../core/words.ts";
import { noteRetention, readOperation } from "./apply.ts";
import {
  deleteEntities,
  deleteFacts,
  type EntityFacts,
  entitiesById,
  entityFacts,
  entityFactsById,
  entityVectors,
  factRows,
  factRowsById,
  type Handle,
  judged,
  parkedRows,
  parkFacts,
  showEntities,
  showLawful,
  touching,
} from "./derive.ts";
import { carryOut, type Plan } from "./documents.ts";
import { parkDerived } from "./parts.ts";
import { type Phase, pageOf, runPhases, type Tally } from "./phases.ts";
import { reconcilePhases, sweepUnits, twinsFound } from "./reconcile.ts";
import { idFromKey } from "./shapes.ts";
import { similarityPhase, staleSimilarity } from "./similarity.ts";
import { foldTwins } from "./twins.ts";
import { noEffect, type Reading, type Work } from "./work.ts";

/** Rows of one page where a phase has to look further than what it judges. */
const PAGE = 2_000;
/** Bound of a count of what is left. */
const MANY = 100_000;

/** One bounded batch. In a dry run the caller rolls the transaction back. */
export async function collectBatch(w: Work, kind: CollectionKind, options: CollectOptions): Promise<CollectionBatch> {
  const tally: Tally = { examined: 0, deleted: 0, purged: 0, ids: [], changed: false };
  const cursor = await runPhases(phasesOf(w, kind, options), tally, options, () => w.wroteOutOfOrder);
  const ids = [...new Set(tally.ids)].slice(0, options.limit);
  const { examined, deleted, purged, changed } = tally;
  if (changed) {
    const detail = { examined, deleted, purged, ids } as unknown as JsonObject;
    w.commitChange(options.now, { actor: "collection", action: "collect", ref: kind, detail });
  }
  return { examined, deleted, purged, changed, cursor, ids };
}

function phasesOf(w: Work, kind: CollectionKind, options: CollectOptions): Phase[] {
  const { policy, now } = options;
  const before = now - policy.restoreWindowMs;
  let from = "";
  // What was judged is no candidate any more; nothing else of the kind lies in that range, whose order is the index's.
  const judgedUpTo = (keys: string[]) => w.send("dropCandidatesUpTo", { kind, after: from, last: keys.at(-1) });
  const candidates: Phase["keys"] = async (after, limit) => {
    w.flush();
    from = after;
    return (await w.run<{ id: string }>("candidates", { kind, after, limit: w.int(limit) })).map((r) => r.id);
  };
  switch (kind) {
    case "orphan_entities":
      return [
        ...reconcilePhases(w, options),
        {
          name: "documents",
          single: true,
          keys: async (after, limit) =>
            (await w.run<{ id: string }>("expiredDocuments", { before, after, limit: w.int(limit) })).map((d) => d.id),
          judge: (keys, tally) => purgeExpired(w, keys[0] as string, tally, options),
        },
        {
          name: "candidates",
          keys: candidates,
          judge: (keys, tally) => {
            judgedUpTo(keys);
            return judgeEntities(w, keys, tally, policy, now);
          },
        },
        {
          name: "expired",
          keys: (after, limit) => expiredEntities(w, before, after, limit),
          judge: (keys, tally) => purgeEntities(w, keys, tally),
        },
      ];
    case "stale_edges":
      return [
        {
          name: "candidates",
          keys: candidates,
          judge: (keys, tally) => {
            judgedUpTo(keys);
            return judgeFacts(w, keys, tally, now);
          },
        },
        similarityPhase(w, options),
        {
          name: "expired",
          keys: (after, limit) => expiredFacts(w, before, after, limit),
          judge: async (keys, tally) => {
            tally.examined += keys.length;
            const gone = await deleteFacts(w, keys);
            tally.purged += gone.length;
            tally.ids.push(...gone);
            tally.changed = true;
            return true;
          },
        },
      ];
    case "deprecated_vectors":
      return [
        {
          name: "candidates",
          keys: candidates,
          judge: (keys, tally) => {
            judgedUpTo(keys);
            return moveVectors(w, keys, tally);
          },
        },
      ];
  }
}

/** Parked for longer than the restore window, and no mention left. */
async function expiredEntities(r: Reading, before: number, after: string, limit: number): Promise<string[]> {
  if (r.shapes.profile.mentions.trust !== "complete") return [];
  // Composite keys have no order of their own in the database.
  const ordered = !("properties" in r.shapes.key("entity"));
  const rows = await r.run<{ id: unknown }>("expiredEntities", {
    before,
    after: ordered ? after : null,
    limit: r.int(ordered ? limit : 100_000),
  });
  const ids = rows.map((row) => idFromKey(row.id));
  return ordered ? ids : pageOf(ids, after, limit);
}

async function expiredFacts(r: Reading, before: number, after: string, limit: number): Promise<string[]> {
  const found: string[] = [];
  for (let from = after; found.length < limit; ) {
    const rows = await r.run<{ id: string }>("expiredFacts", { before, after: from, limit: r.int(PAGE) });
    const ids = rows.map((row) => row.id);
    const gone = new Set(
      (await parkedRows(r, ids)).filter((f) => f.support?.length === 0 || !f.source || !f.target).map((f) => f.id),
    );
    found.push(...ids.filter((id) => gone.has(id)));
    if (rows.length < PAGE) break;
    from = ids.at(-1) as string;
  }
  return found.slice(0, limit);
}

async function purgeExpired(w: Work, documentId: string, tally: Tally, options: CollectOptions): Promise<boolean> {
  const document = (await w.documents([documentId])).get(documentId);
  const id = `retention:${documentId}:${document?.deprecatedAt}`;
  const known = (await readOperation(w, id))?.plan;
  const plan: Plan = known ?? { verb: "purge", documents: [documentId], cursor: null };
  // A dry run writes nothing to go on from: it counts the document whole.
  const limit = options.dryRun ? Number.POSITIVE_INFINITY : options.limit - tally.examined;
  const before = { ...w.effect };
  const left = await carryOut(w, plan, limit, options.now);
  const effect = noEffect();
  for (const key of Object.keys(effect) as (keyof typeof effect)[]) effect[key] = w.effect[key] - before[key];
  await noteRetention(w, id, documentId, effect, left, options.now);
  tally.examined += Math.min(limit, 1 + effect.textUnits);
  tally.purged += (left === null ? 1 : 0) + effect.textUnits + effect.entities + effect.relationships;
  tally.ids.push(documentId);
  tally.changed = true;
  return left === null;
}

async function judgeEntities(w: Work, ids: string[], tally: Tally, policy: Policy, now: number): Promise<boolean> {
  tally.examined += ids.length;
  const facts = await entitiesOnce(w, ids, now);
  const park: EntityFacts[] = [];
  const show: EntityFacts[] = [];
  for (const entity of facts) {
    const presence = lawOf(w, entity, policy, now);
    if (presence === "parked" && !entity.parked) park.push(entity);
    if (presence === "live" && entity.parked) show.push(entity);
  }
  if (park.length + show.length === 0) return true;
  w.sendEach(
    "parkEntities",
    "handles",
    park.map((e) => e.handle),
    { now: w.int(now) },
  );
  parkDerived(
    w,
    park.map((e) => e.handle),
  );
  w.effect.entities += park.length;
  showEntities(w, show);
  const facing = await touching(w, [...park, ...show]);
  w.note("stale_edges", [...facing.live.map((f) => f.id), ...facing.parked.map((p) => p.id)]);
  w.note(
    "deprecated_vectors",
    park.filter((e) => e.vector).map((e) => e.id),
  );
  w.sendEach(
    "noteSimilarity",
    "ids",
    park.map((e) => e.id),
  );
  tally.changed = true;
  tally.deleted += park.length;
  tally.ids.push(...ids.filter((id) => park.some((e) => e.id === id)));
  return true;
}

/** The entity's presence by the law, as far as the profile's provenance can prove anything. */
export function lawOf(r: Reading, entity: EntityFacts, policy: Policy, now: number): "live" | "parked" {
  const { trust } = r.shapes.profile.mentions;
  const { imports } = r.shapes.profile;
  if (trust !== "complete") return "live";
  return entityPresence(
    {
      liveMentions: entity.liveMention ? 1 : 0,
      everMentioned: entity.everMentioned ?? entity.mentioned,
      // Other writers keep no age; what nothing ever mentioned there is not ours to judge, unless parked by us before.
      ageMs:
        entity.createdAt !== null
          ? now - entity.createdAt
          : imports || entity.parked
            ? Number.POSITIVE_INFINITY
            : Number.NEGATIVE_INFINITY,
    },
    policy,
  );
}

/** The entities that may have to change; one that is there twice, parked and written again, is made one. */
async function entitiesOnce(w: Work, ids: string[], now: number): Promise<EntityFacts[]> {
  const facts = await entityFactsById(w, ids);
  const parked = facts.filter((e) => e.parked);
  // Our own ids are unique by a constraint, and element ids by nature.
  const unique = w.shapes.profile.imports || "elementId" in w.shapes.key("entity");
  if (parked.length === 0 || unique) return facts;
  const folded = await foldTwins(
    w,
    "entity",
    parked.map((row) => row.handle),
    now,
  );
  if (folded.size === 0) return facts;
  const handles = facts.map((row) => row.handle);
  return entityFacts(w, new Set(handles.map((handle) => folded.get(handle) ?? handle)));
}

async function purgeEntities(w: Work, ids: string[], tally: Tally): Promise<boolean> {
  tally.examined += ids.length;
  const known = await entitiesById(w, ids);
  const entities = ids.flatMap((id) =>
    known.has(id) ? [{ id, handle: (known.get(id) as { handle: string }).handle }] : [],
  );
  const facts = await deleteEntities(w, entities);
  tally.purged += entities.length + facts.length;
  tally.ids.push(...entities.map((e) => e.id));
  tally.changed = true;
  return true;
}

async function judgeFacts(w: Work, ids: string[], tally: Tally, now: number): Promise<boolean> {
  tally.examined += ids.length;
  const [live, hidden] = await Promise.all([factRowsById(w, ids), parkedRows(w, ids)]);
  const park = (await judged(w, live)).filter((v) => !v.live).map((v) => v.fact);
  if (park.length > 0) parkFacts(w, park, now);
  const back = await showLawful(w, hidden, now);
  if (park.length + back.length > 0) tally.changed = true;
  tally.deleted += park.length;
  const parked = new Set(park.map((f) => f.id));
  tally.ids.push(...ids.filter((id) => parked.has(id)));
  return true;
}

/** Whether a vector is where readers find it although the entity is parked, or the other way round. */
function misplaced(r: Reading, e: Pick<EntityFacts, "parked" | "vector" | "parkedVector">): boolean {
  return (e.parked && e.vector && r.shapes.mode !== "label") || (!e.parked && e.parkedVector);
}

async function moveVectors(w: Work, ids: string[], tally: Tally): Promise<boolean> {
  tally.examined += ids.length;
  const facts = await entityVectors(w, ids);
  const out = w.shapes.mode === "label" ? [] : facts.filter((e) => e.parked && e.vector);
  const back = facts.filter((e) => !e.parked && e.parkedVector);
  w.sendEach(
    "parkVectors",
    "handles",
    out.map((e) => e.handle),
  );
  w.sendEach(
    "showVectors",
    "handles",
    back.map((e) => e.handle),
  );
  w.countVectors([...out, ...back].map((e) => e.handle));
  if (out.length + back.length > 0) tally.changed = true;
  tally.deleted += out.length;
  const moved = new Set(out.map((e) => e.id));
  tally.ids.push(...ids.filter((id) => moved.has(id)));
  return true;
}

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

/** What a run of the kind would still change, counted anew. */
export async function remainingOf(
  r: Reading,
  kind: CollectionKind,
  policy: Policy,
  now: number,
  epoch: number,
): Promise<number> {
  const before = now - policy.restoreWindowMs;
  let count = 0;
  for (let after = ""; ; ) {
    const ids = (await r.run<{ id: string }>("candidates", { kind, after, limit: r.int(1_000) })).map((row) => row.id);
    if (ids.length === 0) break;
    after = ids.at(-1) as string;
    if (kind === "stale_edges") {
      const [live, hidden] = await Promise.all([factRowsById(r, ids), parkedRows(r, ids)]);
      count += (await judged(r, live)).filter((v) => !v.live).length;
      count += (await judged(r, hidden)).filter((v) => v.live).length;
      continue;
    }
    if (kind === "orphan_entities")
      count += (await entityFactsById(r, ids)).filter(
        (e) => lawOf(r, e, policy, now) !== (e.parked ? "parked" : "live"),
      ).length;
    else count += (await entityVectors(r, ids)).filter((e) => misplaced(r, e)).length;
  }
  if (kind === "orphan_entities") {
    const documents = await r.run("expiredDocuments", { before, after: "", limit: r.int(MANY) });
    count += documents.length + (await expiredEntities(r, before, "", MANY)).length;
    const [row] = await r.run<{ g: { reconcileDue?: boolean } }>("readGroup");
    if (row?.g.reconcileDue) count++;
  }
  if (kind === "stale_edges") {
    count += (await staleSimilarity(r, epoch)).size + (await expiredFacts(r, before, "", MANY)).length;
  }
  return count;
}
