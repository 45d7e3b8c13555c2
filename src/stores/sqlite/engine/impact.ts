import { exceedsBlastRadius } from "../../../core/law.ts";
import { isEffective } from "../../../core/outcomes.ts";
import { compareIds } from "../../../core/ports.ts";
import type { Impact } from "../../../core/words.ts";
import { needGroup } from "./change.ts";
import { type NamedDocument, nameDocuments } from "./documents.ts";
import { levelsOf } from "./remove.ts";
import { liveMention } from "./review.ts";
import type { Session } from "./session.ts";
import { hasVector } from "./vectors.ts";

const MAX_IDS = 1_000;

/** What a verb would do by the law, judged without doing it. */
export function impact(session: Session, groupId: string, verb: Impact["verb"], documentIds: string[]): Impact {
  return session.read(() => {
    const group = needGroup(session, groupId);
    const { g } = group;
    const named = nameDocuments(session, g, { groupId, verb, documentIds });
    const { units, owned } = affectedUnits(session, g, verb, named);
    const mentioned = mentionedBy(session, g, units);
    const entities = affectedEntities(session, g, verb, units, mentioned);
    const relationships = affectedRelationships(session, g, verb, units, entities);
    const touched = new Set([...mentioned, ...entities]);
    return {
      groupId,
      verb,
      documents: named.map(({ id, outcome }) => ({ id, outcome })),
      textUnits: {
        ...listed(idsOf(session, "SELECT id FROM text_units WHERE key = ? AND g = ?", g, units)),
        shared: owned - units.size,
      },
      entities: {
        ...listed(idsOf(session, "SELECT id FROM entities WHERE key = ? AND g = ?", g, entities)),
        shared: [...mentioned].filter((entity) => !entities.has(entity)).length,
      },
      relationships: listed(idsOf(session, "SELECT id FROM relationships WHERE key = ? AND g = ?", g, relationships)),
      kept: { entities: 0, relationships: 0 }, // What Graphkeeper records itself is complete.
      vectors:
        [...units].filter((unit) => hasVector(session, "unit", g, unit)).length +
        [...entities].filter((entity) => hasVector(session, "entity", g, entity)).length,
      communities: communitiesOf(session, g, group.analytics_epoch, touched),
      liveEntities: group.entities_live,
      exceedsGuard: verb !== "restore" && exceedsBlastRadius(entities.size, group.entities_live),
    };
  });
}

/** The number of entities that the guard asks for; only what is above `bound` is counted exactly. */
export function countHidden(
  session: Session,
  g: number,
  verb: "deprecate" | "purge",
  named: NamedDocument[],
  bound: number,
): number {
  let mentions = 0;
  for (const { row, outcome } of named) {
    if (!row || !isEffective(outcome)) continue;
    const counted = session.get(
      "SELECT count(DISTINCT m.entity) AS n FROM owners o CROSS JOIN mentions m WHERE o.g = ? AND o.document = ? AND m.g = o.g AND m.unit = o.unit",
      g,
      row.key,
    );
    mentions += counted?.n as number;
  }
  // No more entities can be hidden than are mentioned, so most calls are decided here.
  if (mentions <= bound) return mentions;
  const { units } = affectedUnits(session, g, verb, named);
  return affectedEntities(session, g, verb, units, mentionedBy(session, g, units)).size;
}

/** Units that would be hidden, deleted or shown; and how many units the documents own. */
function affectedUnits(
  session: Session,
  g: number,
  verb: Impact["verb"],
  named: NamedDocument[],
): { units: Set<number>; owned: number } {
  const keys = named.filter(({ outcome }) => isEffective(outcome)).map(({ row }) => (row as { key: number }).key);
  const documents = new Set(keys);
  const owned = new Set<number>();
  const units = new Set<number>();
  for (const document of documents) {
    for (const row of session.all(
      "SELECT o.unit, u.live FROM owners o JOIN text_units u ON u.key = o.unit WHERE o.g = ? AND o.document = ?",
      g,
      document,
    )) {
      const unit = row.unit as number;
      if (owned.has(unit)) continue;
      owned.add(unit);
      const owners = session.all(
        "SELECT o.document, d.active FROM owners o JOIN documents d ON d.key = o.document WHERE o.g = ? AND o.unit = ?",
        g,
        unit,
      );
      const others = owners.filter((o) => !documents.has(o.document as number));
      if (
        verb === "restore"
          ? row.live === 0
          : verb === "purge"
            ? others.length === 0
            : row.live === 1 && !others.some((o) => o.active === 1)
      ) {
        units.add(unit);
      }
    }
  }
  return { units, owned: owned.size };
}

function mentionedBy(session: Session, g: number, units: Set<number>): Set<number> {
  const entities = new Set<number>();
  for (const unit of units) {
    for (const row of session.all("SELECT entity FROM mentions WHERE g = ? AND unit = ?", g, unit))
      entities.add(row.entity as number);
  }
  return entities;
}

function affectedEntities(
  session: Session,
  g: number,
  verb: Impact["verb"],
  units: Set<number>,
  mentioned: Set<number>,
): Set<number> {
  const affected = new Set<number>();
  for (const entity of mentioned) {
    const live = session.get("SELECT live FROM entities WHERE key = ? AND g = ?", entity, g)?.live === 1;
    if (
      verb === "restore"
        ? !live
        : (verb === "purge" || live) && !mentionedElsewhere(session, g, entity, units, verb === "purge")
    ) {
      affected.add(entity);
    }
  }
  return affected;
}

/** Whether a unit outside of `units` mentions the entity: a live one, or (`any`) whichever. */
function mentionedElsewhere(session: Session, g: number, entity: number, units: Set<number>, any: boolean): boolean {
  for (const row of session
    .sql(
      "SELECT m.unit, u.live FROM mentions m CROSS JOIN text_units u WHERE m.g = ? AND m.entity = ? AND u.key = m.unit",
    )
    .iterate(g, entity)) {
    if ((any || row.live === 1) && !units.has(row.unit as number)) return true;
  }
  return false;
}

function affectedRelationships(
  session: Session,
  g: number,
  verb: Impact["verb"],
  units: Set<number>,
  entities: Set<number>,
): Set<number> {
  const concerned = new Set<number>();
  for (const unit of units) {
    for (const row of session.all("SELECT relationship FROM supports WHERE g = ? AND unit = ?", g, unit)) {
      concerned.add(row.relationship as number);
    }
  }
  for (const entity of entities) {
    for (const row of session.all(
      "SELECT key FROM relationships WHERE g = ?1 AND source = ?2 UNION SELECT key FROM relationships WHERE g = ?1 AND target = ?2",
      g,
      entity,
    )) {
      concerned.add(row.key as number);
    }
  }
  const affected = new Set<number>();
  for (const key of concerned) if (isAffected(session, g, verb, key, units, entities)) affected.add(key);
  return affected;
}

function isAffected(
  session: Session,
  g: number,
  verb: Impact["verb"],
  key: number,
  units: Set<number>,
  entities: Set<number>,
): boolean {
  const row = session.get(
    "SELECT source, target, support_known, live FROM relationships WHERE key = ? AND g = ?",
    key,
    g,
  );
  if (!row) return false;
  const ends = [row.source as number, row.target as number];
  const support = row.support_known === 1 ? supportOf(session, g, key) : null;
  if (verb === "purge") {
    return (
      ends.some((e) => entities.has(e)) ||
      (support?.some((s) => units.has(s.unit)) === true && support.every((s) => units.has(s.unit)))
    );
  }
  if (verb === "restore") {
    const endsLive = ends.every((e) => entities.has(e) || isLive(session, g, e));
    return row.live === 0 && endsLive && (support === null || support.some((s) => s.live || units.has(s.unit)));
  }
  const before = ends.every((e) => isLawfullyLive(session, g, e)) && (support === null || support.some((s) => s.live));
  const after =
    !ends.some((e) => entities.has(e)) && (support === null || support.some((s) => s.live && !units.has(s.unit)));
  return before && !after;
}

function supportOf(session: Session, g: number, relationship: number): { unit: number; live: boolean }[] {
  return session
    .all(
      "SELECT s.unit, u.live FROM supports s CROSS JOIN text_units u WHERE s.g = ? AND s.relationship = ? AND u.key = s.unit",
      g,
      relationship,
    )
    .map((row) => ({ unit: row.unit as number, live: row.live === 1 }));
}

function isLive(session: Session, g: number, entity: number): boolean {
  return session.get("SELECT live FROM entities WHERE key = ? AND g = ?", entity, g)?.live === 1;
}

/** Live, and not only because collection has not followed yet. */
function isLawfullyLive(session: Session, g: number, entity: number): boolean {
  const row = session.get("SELECT live, ever_mentioned, witness FROM entities WHERE key = ? AND g = ?", entity, g);
  if (row?.live !== 1) return false;
  return row.ever_mentioned === 0 || liveMention(session, g, entity, row.witness as number | null) !== null;
}

function communitiesOf(session: Session, g: number, epoch: number, entities: Set<number>): string[] {
  const ids = new Set<string>();
  const levels = levelsOf(session, g);
  for (const entity of entities) {
    for (const level of levels) {
      const row = session.get(
        `SELECT c.id FROM memberships m JOIN community_ids c ON c.key = m.community
         WHERE m.g = ?1 AND m.level = ?2 AND m.entity = ?3 AND m.from_epoch <= ?4 AND m.to_epoch > ?4`,
        g,
        level,
        entity,
        epoch,
      );
      if (row) ids.add(row.id as string);
    }
  }
  return [...ids].sort(compareIds);
}

function idsOf(session: Session, sql: string, g: number, keys: Set<number>): string[] {
  const ids: string[] = [];
  for (const key of keys) ids.push(session.get(sql, key, g)?.id as string);
  return ids.sort(compareIds);
}

function listed(ids: string[]): { count: number; ids: string[] } {
  return { count: ids.length, ids: ids.slice(0, MAX_IDS) };
}
