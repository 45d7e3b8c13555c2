import { literal, OURS, quoted, type Shapes } from "../shapes.ts";

/** Marks similarity edges and communities of ours, so that the writer's own are never taken for them. */
const METHOD = "graphkeeper";

/** Carries the difference of a publication over into the shapes of the writer. */
export function mirrorStatements(s: Shapes) {
  const published = s.profile.publish ? s.profile.published : undefined;
  const communities = published === undefined ? undefined : s.profile.communities;
  const prefix = literal(published?.communityPrefix ?? "");
  const level = quoted(communities?.level ?? "level");
  const tenant = s.tenantProperty;
  const entity = (v: string, key: string) => s.byKey("entity", v, key, "row");
  const none = "RETURN $group AS none";
  const similarity = published?.similarity;
  const edge = similarity
    ? `[r:${quoted(similarity.type)}${similarity.marker ? ` {${quoted(similarity.marker)}: '${METHOD}'}` : ""}]`
    : "";
  const member = communities ? quoted(communities.member.type) : "";
  const node = (v: string, id: string) =>
    `(${v}:${quoted(s.partLabel(communities?.label ?? ""))} {${tenant === null ? "" : `${quoted(tenant)}: $group, `}${quoted(communities?.key ?? "")}: ${prefix} + ${id}})`;
  const given = communities
    ? [
        ...(communities.level ? [`SET c.${level} = toInteger(row.level)`] : []),
        ...(communities.title
          ? [`SET c.${quoted(communities.title)} = coalesce(c.${quoted(communities.title)}, row.id)`]
          : []),
        ...(communities.created
          ? [`SET c.${quoted(communities.created)} = coalesce(c.${quoted(communities.created)}, datetime())`]
          : []),
        ...(communities.title && communities.summary
          ? [`SET c.${quoted(communities.summary.property)} = coalesce(c.${quoted(communities.summary.property)}, '')`]
          : []),
      ].join(" ")
    : "";
  const joined = communities
    ? [
        ...(communities.member.key ? [`m.${quoted(communities.member.key)} = randomUUID()`] : []),
        ...(communities.member.tenant && tenant !== null ? [`m.${quoted(tenant)} = $group`] : []),
      ].join(", ")
    : "";
  const path = (c: string) =>
    communities?.member.direction === "from_community" ? `(e)<-[m:${member}]-${c}` : `(e)-[m:${member}]->${c}`;
  return {
    unmirrored: `MATCH (r:${OURS.analytics} {lc_group: $group, lc_from: $epoch}) WHERE r.lc_mirrored IS NULL AND r.lc_to IS NULL
      RETURN elementId(r) AS row, properties(r) AS r LIMIT $limit`,
    leaving: `MATCH (r:${OURS.analytics} {lc_group: $group, lc_to: $epoch}) WHERE r.lc_unmirrored IS NULL
      AND NOT EXISTS { MATCH (x:${OURS.analytics} {lc_group: $group, lc_kind: r.lc_kind, lc_key: r.lc_key, lc_from: $epoch}) }
      RETURN elementId(r) AS row, properties(r) AS r LIMIT $limit`,
    markMirrored: `UNWIND $rows AS row MATCH (r:${OURS.analytics}) WHERE elementId(r) = row AND r.lc_group = $group SET r.lc_mirrored = true`,
    markUnmirrored: `UNWIND $rows AS row MATCH (r:${OURS.analytics}) WHERE elementId(r) = row AND r.lc_group = $group SET r.lc_unmirrored = true`,
    mirrorSimilarity: similarity
      ? `UNWIND $rows AS row ${entity("a", "row.a")} CALL (row) { ${entity("b", "row.b")} RETURN b }
        MERGE (a)-${edge}->(b) SET r.${quoted(similarity.score)} = row.score${tenant === null ? "" : `, r.${quoted(tenant)} = $group`}`
      : none,
    dropSimilarity: similarity
      ? `UNWIND $rows AS row ${entity("a", "row.a")} MATCH (a)-${edge}->(b) WHERE ${s.id("entity", "b")} = row.b DELETE r`
      : none,
    mirrorRanks: published?.entityRank
      ? `UNWIND $rows AS row ${entity("e", "row.entity")} SET e.${quoted(published.entityRank)} = row.score`
      : none,
    mirrorCommunities: communities
      ? `UNWIND $rows AS row MERGE ${node("c", "row.id")} SET c.lc_ours = true ${given}`
      : none,
    mirrorParents:
      communities?.parent && communities
        ? `UNWIND $rows AS row MATCH ${node("c", "row.id")} CALL (row) { MATCH ${node("p", "row.parent")} RETURN p }
          OPTIONAL MATCH (c)${communities.parent.direction === "to_parent" ? `-[o:${quoted(communities.parent.type)}]->` : `<-[o:${quoted(communities.parent.type)}]-`}(other) WHERE other.lc_ours AND other <> p
          DELETE o WITH DISTINCT c, p
          MERGE (c)${communities.parent.direction === "to_parent" ? `-[:${quoted(communities.parent.type)}]->` : `<-[:${quoted(communities.parent.type)}]-`}(p)`
        : none,
    dropCommunities: communities
      ? `UNWIND $rows AS row MATCH ${node("c", "row.id")} WHERE c.lc_ours DETACH DELETE c`
      : none,
    // An entity has one community per level: the edge to another one of the level goes.
    leaveCommunities: communities
      ? `UNWIND $rows AS row ${entity("e", "row.entity")} MATCH ${path(`(c:${quoted(s.partLabel(communities.label))})`)}
        WHERE coalesce(c.${level}, 0) = row.level AND c.${quoted(communities.key)} <> coalesce(${prefix} + row.community, '')${published?.membership ? "" : " AND c.lc_ours"} DELETE m`
      : none,
    joinCommunities: communities
      ? `UNWIND $rows AS row ${entity("e", "row.entity")} CALL (row) { MATCH ${node("c", "row.community")} RETURN c }
        MERGE ${path("(c)")}${joined === "" ? "" : ` ON CREATE SET ${joined}`}`
      : none,
    setCommunity: published?.entityCommunity
      ? `UNWIND $rows AS row WITH row WHERE row.level = 0 ${entity("e", "row.entity")} SET e.${quoted(published.entityCommunity)} = row.community`
      : none,
  };
}
