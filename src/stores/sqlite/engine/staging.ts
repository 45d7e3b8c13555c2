import type { AnalyticsPart, CommunityRow, MembershipRow, RankRow, SimilarityRow } from "../../../core/ports.ts";
import type { Fence } from "../../../core/words.ts";
import { rememberContent } from "./acknowledged-contents.ts";
import { beginChange, type Change, newKey, saveGroup } from "./change.ts";
import { needFence } from "./leases.ts";
import { CANDIDATE, noteCandidate } from "./review.ts";
import type { Session } from "./session.ts";
import { addStaged, BEGINS, ENDS, FOREVER, STAGED } from "./staged-keys.ts";

/**
 * Writes a part of the next publication beside what is published: new rows begin, and the ones that they replace end, with
 * the next epoch. Cost: in proportion to the part.
 */
export function stageAnalytics(session: Session, fence: Fence, part: AnalyticsPart, now: number): void {
  session.writeStep(() => {
    const change = beginChange(session, needFence(session, fence, now), now);
    const staging = new Staging(change);
    const { remove, upsert } = part;
    for (const row of remove.similarity ?? []) staging.endSimilarity(row);
    for (const id of remove.communities ?? []) staging.endCommunity(id);
    for (const row of remove.memberships ?? []) staging.endMembership(row);
    for (const entity of remove.ranks ?? []) staging.endRank(entity);
    for (const row of upsert.similarity ?? []) staging.beginSimilarity(row);
    for (const row of upsert.communities ?? []) staging.beginCommunity(row);
    for (const row of upsert.memberships ?? []) staging.beginMembership(row);
    for (const row of upsert.ranks ?? []) staging.beginRank(row);
    staging.note();
    session.failpoint("stage:rows");
    saveGroup(change);
  });
}

/** Rows of entities that are not stored (purged since the graph was read) are left out: they must not come back. */
class Staging {
  readonly #change: Change;
  readonly #epoch: number;
  readonly #begins: number[] = [];
  readonly #ends: number[] = [];
  readonly #entities = new Map<string, { key: number; live: boolean } | null>();
  readonly #communities = new Map<string, number>();

  constructor(change: Change) {
    this.#change = change;
    this.#epoch = change.group.analytics_epoch + 1;
  }

  note(): void {
    const { session, g } = this.#change;
    addStaged(session, g, this.#epoch, BEGINS, this.#begins);
    addStaged(session, g, this.#epoch, ENDS, this.#ends);
  }

  #run(sql: string, ...values: (number | string | null)[]): number {
    return this.#change.session.run(sql, this.#change.g, ...values);
  }

  #entity(id: string): { key: number; live: boolean } | null {
    const known = this.#entities.get(id);
    if (known !== undefined) return known;
    const { session, g } = this.#change;
    const row = session.get("SELECT key, live FROM entities WHERE g = ? AND id = ?", g, id);
    const entity = row ? { key: row.key as number, live: row.live === 1 } : null;
    this.#entities.set(id, entity);
    return entity;
  }

  #pair({ a, b }: { a: string; b: string }): [number, number] | null {
    const [first, second] = [this.#entity(a), this.#entity(b)];
    if (!first || !second) return null;
    // Parked since the graph was read: the edge is for the collection to drop, once it is published.
    for (const end of [first, second]) if (!end.live) noteCandidate(this.#change, CANDIDATE.similarity, end.key);
    return [first.key, second.key];
  }

  endSimilarity(row: { a: string; b: string }): void {
    const pair = this.#pair(row);
    if (pair) this.#endSimilarity(...pair);
  }

  #endSimilarity(a: number, b: number): void {
    const { group } = this.#change;
    const epoch = this.#epoch;
    group.similarity_staged -= this.#run(
      "DELETE FROM similarity WHERE g = ? AND a = ? AND b = ? AND from_epoch = ?",
      a,
      b,
      epoch,
    );
    const ended = this.#run(
      "UPDATE similarity SET to_epoch = ?4 WHERE g = ?1 AND a = ?2 AND b = ?3 AND from_epoch < ?4 AND to_epoch > ?4",
      a,
      b,
      epoch,
    );
    group.similarity_staged -= ended;
    if (ended > 0) this.#ends.push(STAGED.similarity, a, b);
  }

  beginSimilarity(row: SimilarityRow): void {
    const pair = this.#pair(row);
    if (!pair) return;
    this.#endSimilarity(...pair);
    this.#run(
      "INSERT INTO similarity (g, a, b, from_epoch, to_epoch, score) VALUES (?, ?, ?, ?, ?, ?)",
      ...pair,
      this.#epoch,
      FOREVER,
      row.score,
    );
    this.#change.group.similarity_staged++;
    this.#begins.push(STAGED.similarity, ...pair);
  }

  /** The community's key; an id that is not known yet gets one. */
  #community(id: string): number {
    let key = this.#communities.get(id) ?? this.#storedCommunity(id);
    if (key === undefined) {
      key = newKey(this.#change.session);
      this.#run("INSERT INTO community_ids (g, key, id) VALUES (?, ?, ?)", key, id);
    }
    this.#communities.set(id, key);
    return key;
  }

  #storedCommunity(id: string): number | undefined {
    const { session, g } = this.#change;
    return session.get("SELECT key FROM community_ids WHERE g = ? AND id = ?", g, id)?.key as number | undefined;
  }

  endCommunity(id: string): void {
    const key = this.#storedCommunity(id);
    if (key !== undefined) this.#endCommunity(key);
  }

  /** @returns whether readers see it at present */
  #endCommunity(key: number): boolean {
    const { group } = this.#change;
    const epoch = this.#epoch;
    group.community_staged -= this.#run(
      "DELETE FROM communities WHERE g = ? AND community = ? AND from_epoch = ?",
      key,
      epoch,
    );
    const ended = this.#run(
      "UPDATE communities SET to_epoch = ?3 WHERE g = ?1 AND community = ?2 AND from_epoch < ?3 AND to_epoch > ?3",
      key,
      epoch,
    );
    group.community_staged -= ended;
    if (ended > 0) this.#ends.push(STAGED.community, key, 0);
    return ended > 0;
  }

  beginCommunity(row: CommunityRow): void {
    const key = this.#community(row.id);
    const { session, g } = this.#change;
    const isNew = !this.#endCommunity(key) && !this.#isPublished(key);
    // One that had this id once, and was acknowledged, is another one.
    if (isNew) {
      const known = session.get("SELECT acknowledged_hash AS hash FROM community_ids WHERE g = ? AND key = ?", g, key);
      if (known?.hash) rememberContent(session, g, known.hash as string);
      session.run("UPDATE community_ids SET acknowledged_hash = NULL WHERE g = ? AND key = ?", g, key);
      session.run("DELETE FROM acknowledged_members WHERE g = ? AND community = ?", g, key);
    }
    this.#run(
      `INSERT INTO communities (g, community, from_epoch, to_epoch, level, parent, size, member_hash, edge_hash, text_hash,
         changed_generation) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      key,
      this.#epoch,
      FOREVER,
      row.level,
      row.parent,
      row.size,
      row.memberHash,
      row.edgeHash,
      row.textHash,
      row.changedGeneration,
    );
    this.#change.group.community_staged++;
    this.#begins.push(STAGED.community, key, 0);
  }

  #isPublished(community: number): boolean {
    const { session, g } = this.#change;
    const found = session.get(
      "SELECT 1 AS found FROM communities WHERE g = ?1 AND community = ?2 AND from_epoch < ?3 AND to_epoch >= ?3",
      g,
      community,
      this.#epoch,
    );
    return found !== undefined;
  }

  endMembership({ level, entity }: { level: number; entity: string }): void {
    const key = this.#entity(entity)?.key;
    if (key !== undefined) this.#endMembership(level, key);
  }

  #endMembership(level: number, entity: number): void {
    this.#run(
      "DELETE FROM memberships WHERE g = ? AND level = ? AND entity = ? AND from_epoch = ?",
      level,
      entity,
      this.#epoch,
    );
    const ended = this.#run(
      "UPDATE memberships SET to_epoch = ?4 WHERE g = ?1 AND level = ?2 AND entity = ?3 AND from_epoch < ?4 AND to_epoch > ?4",
      level,
      entity,
      this.#epoch,
    );
    if (ended > 0) this.#ends.push(STAGED.membership, level, entity);
  }

  beginMembership({ level, entity, community }: MembershipRow): void {
    const key = this.#entity(entity)?.key;
    if (key === undefined) return;
    this.#endMembership(level, key);
    this.#run(
      "INSERT INTO memberships (g, level, entity, from_epoch, to_epoch, community) VALUES (?, ?, ?, ?, ?, ?)",
      level,
      key,
      this.#epoch,
      FOREVER,
      this.#community(community),
    );
    this.#begins.push(STAGED.membership, level, key);
  }

  endRank(entity: string): void {
    const key = this.#entity(entity)?.key;
    if (key !== undefined) this.#endRank(key);
  }

  #endRank(entity: number): void {
    this.#run("DELETE FROM ranks WHERE g = ? AND entity = ? AND from_epoch = ?", entity, this.#epoch);
    const ended = this.#run(
      "UPDATE ranks SET to_epoch = ?3 WHERE g = ?1 AND entity = ?2 AND from_epoch < ?3 AND to_epoch > ?3",
      entity,
      this.#epoch,
    );
    if (ended > 0) this.#ends.push(STAGED.rank, entity, 0);
  }

  beginRank({ entity, score, component }: RankRow): void {
    const key = this.#entity(entity)?.key;
    if (key === undefined) return;
    this.#endRank(key);
    this.#run(
      "INSERT INTO ranks (g, entity, from_epoch, to_epoch, score, component) VALUES (?, ?, ?, ?, ?, ?)",
      key,
      this.#epoch,
      FOREVER,
      score,
      component,
    );
    this.#begins.push(STAGED.rank, key, 0);
  }
}
