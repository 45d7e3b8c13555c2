import { isEntityCut, isFactCut } from "../lists.ts";
import { hideDocument, hideNode, showDocument, showNode, vectorsIn, vectorsOut } from "../parking.ts";
import { inUnits, literal, type NodeKind, OURS, PARKED_VECTOR, quoted, type Shapes } from "../shapes.ts";

/**
 * Statements on the user's graph, by profile. Nodes and relationships are found by id once and then named by handle
 * (element id) within the transaction; every statement names the group as well.
 */
export function graphStatements(s: Shapes) {
  const live = (v: string) => s.isLive(v);
  const { documents, relationships } = s.profile;
  const nodeDocuments = documents.as === "node";
  const state = (id: string) => `OPTIONAL MATCH (s:${OURS.document} {lc_group: $group, lc_id: ${id}})`;
  const vectorsOf = (kind: NodeKind, v: string) =>
    `{${s
      .vectors(kind)
      .map((p) => `${quoted(p)}: ${v}.${quoted(p)}, ${quoted(PARKED_VECTOR + p)}: ${v}.${quoted(PARKED_VECTOR + p)}`)
      .join(", ")}}`;
  const anyVector = (kind: NodeKind, v: string) =>
    s.vectors(kind).length === 0
      ? "false"
      : s
          .vectors(kind)
          .map((p) => `${v}.${quoted(p)} IS NOT NULL`)
          .join(" OR ");
  const anyParkedVector = (kind: NodeKind, v: string) =>
    s.vectors(kind).length === 0
      ? "false"
      : s
          .vectors(kind)
          .map((p) => `${v}.${quoted(PARKED_VECTOR + p)} IS NOT NULL`)
          .join(" OR ");
  const fact = (a: string, r: string, b: string) =>
    `${s.node("entity", a)}-[${r}${s.factTypes}]->${s.node("entity", b)}`;
  const factWhere = (a: string, r: string, b: string) =>
    `${s.isFact(r)} AND ${s.belongs("entity", a)} AND ${s.belongs("entity", b)}`;
  const many = (kind: NodeKind, v: string) => `UNWIND $handles AS handle ${s.byHandle(kind, v, "handle")}`;
  const supportOf = (r: string) => s.support(r);

  const derivedTypes = s.derivedTypes.length === 0 ? ":GRAPHKEEPER_NONE" : `:${s.derivedTypes.map(quoted).join("|")}`;
  const tenantOf = (v: string) =>
    s.tenantProperty === null ? "$group IS NOT NULL" : `${v}.${quoted(s.tenantProperty)} = $group`;
  const edgesOf = `CALL (handle) {
        MATCH (p:${OURS.edge} {lc_group: $group, lc_source: handle}) RETURN p
        UNION MATCH (p:${OURS.edge} {lc_group: $group, lc_target: handle}) RETURN p
      }`;

  const stale = s.profile.published?.stale;
  const { origin, copies } = s.profile;
  const scrubbed = (v: string) => [origin as string, ...copies].map((p) => `${v}.${quoted(p)}`).join(", ");
  const own = [s.key("entity"), s.profile.entities.name, ...s.vectors("entity")].flatMap((k) =>
    typeof k === "string" ? [k] : "property" in k ? [k.property] : [],
  );
  /** What an entity has in common with the unit `u`, beside what makes it an entity. */
  const sameAs = (v: string) => `[k IN keys(u) WHERE NOT k IN [${own.map(literal).join(", ")}] AND ${v}[k] = u[k]]`;
  const liveMention = `WITH e, EXISTS { MATCH ${s.mentions("u", "e")} WHERE ${s.belongs("unit", "u")} AND ${live("u")} } AS liveMention`;
  const mentionFacts = `elementId(e) AS handle, ${s.id("entity", "e")} AS id, NOT ${live("e")} AS parked, e.lc_parked_at AS parkedAt, e.lc_created_at AS createdAt,
        e.lc_ever_mentioned AS everMentioned, ${anyVector("entity", "e")} AS vector, ${anyParkedVector("entity", "e")} AS parkedVector,
        liveMention, ${isEntityCut(s, "e")} AS cut, CASE WHEN liveMention THEN true ELSE EXISTS { MATCH ${s.mentions("u", "e")} WHERE ${s.belongs("unit", "u")} } END AS mentioned`;
  const unlessCut = isEntityCut(s, "e") === "false" ? "" : `NOT ${isEntityCut(s, "e")} AND `;
  const factColumns = `elementId(r) AS handle, ${s.relationshipId("r")} AS id, ${live("a")} AS sourceLive, ${live("b")} AS targetLive, ${supportOf("r")} AS support, ${isFactCut(s, "r")} AS cut`;
  const factById =
    relationships.key !== undefined
      ? `UNWIND $ids AS id MATCH ${fact("a", "r", "b")} WHERE r.${quoted(relationships.key)} = id AND ${relationshipTenant(s, "r")} AND ${factWhere("a", "r", "b")}`
      : `UNWIND $ids AS id MATCH ${fact("a", "r", "b")} WHERE elementId(r) = id AND ${factWhere("a", "r", "b")}`;
  return {
    // Documents
    documentsById: nodeDocuments
      ? `UNWIND $rows AS row
        OPTIONAL ${s.documentByKey("d", "row.key")}
        WITH row.id AS id, collect(d) AS found ${state("id")}
        RETURN id, size(found) > 0 AS stored, ${titleOf(s, "head(found)")} AS title, properties(s) AS state`
      : `UNWIND $rows AS row WITH row.key AS id ${state("id")}
        RETURN id, EXISTS { ${s.unitsOf("id", "u")} } AS stored, null AS title, properties(s) AS state`,
    documentsPage: nodeDocuments
      ? `MATCH ${s.documentNode("d")} WHERE ${s.documentBelongs("d")} AND ${documentAfter(s)}
        WITH ${documentIdText(s, s.documentId("d"))} AS id, min(${titleOf(s, "d")}) AS title
        ${state("id")} WITH id, title, s WHERE $status IS NULL OR coalesce(s.status, 'active') = $status
        RETURN id, title, properties(s) AS state ORDER BY id LIMIT $limit`
      : `${s.all("unit", "u")} WITH DISTINCT ${s.owners("u")} AS owners UNWIND owners AS id
        WITH DISTINCT id WHERE ${inUnits("id")} > $after
        ${state("id")} WITH id, s WHERE $status IS NULL OR coalesce(s.status, 'active') = $status
        RETURN id, null AS title, properties(s) AS state ORDER BY ${inUnits("id")} LIMIT $limit`,
    hideDocuments: nodeDocuments
      ? `UNWIND $keys AS key ${s.documentByKey("d", "key")} ${hideDocument(s, "d")}`
      : "UNWIND $keys AS key WITH key WHERE $group IS NULL RETURN key",
    showDocuments: nodeDocuments
      ? `UNWIND $keys AS key ${s.documentByKey("d", "key")} ${showDocument(s, "d")}`
      : "UNWIND $keys AS key WITH key WHERE $group IS NULL RETURN key",
    countUnits: `UNWIND $ids AS id ${s.unitsOf("id", "u")} RETURN id, count(DISTINCT u) AS count`,
    countDocuments: nodeDocuments
      ? `MATCH ${s.documentNode("d")} WHERE ${s.documentBelongs("d")} WITH DISTINCT ${documentIdText(s, s.documentId("d"))} AS id ${state("id")}
        RETURN coalesce(s.status, 'active') AS status, count(*) AS count`
      : `${s.all("unit", "u")} WITH DISTINCT ${s.owners("u")} AS owners UNWIND owners AS id WITH DISTINCT id ${state("id")}
        RETURN coalesce(s.status, 'active') AS status, count(*) AS count`,

    // Text units
    unitsOfDocuments: `UNWIND $ids AS id ${s.unitsOf("id", "u")}
      WITH DISTINCT u, elementId(u) AS handle WHERE $after IS NULL OR handle > $after
      RETURN handle, ${s.id("unit", "u")} AS id, NOT ${live("u")} AS parked, ${s.owners("u")} AS owners,
        ${anyVector("unit", "u")} AS vector, ${anyParkedVector("unit", "u")} AS parkedVector ORDER BY handle LIMIT $limit`,
    unitsById: `UNWIND $ids AS id ${s.byKey("unit", "u", "id", "id")}
      RETURN id, elementId(u) AS handle, ${live("u")} AS live`,
    parkUnits: `${many("unit", "u")} ${hideNode(s, "unit", "u")} ${vectorsOut(s, s.vectors("unit"), "u")}`,
    showUnits: `${many("unit", "u")} ${showNode(s, "unit", "u")} ${vectorsIn(s.vectors("unit"), "u")}`,
    deleteUnits: `${many("unit", "u")} DETACH DELETE u`,

    // Entities
    mentionedBy: `${many("unit", "u")} MATCH ${s.mentions("u", "e")} WHERE ${s.belongs("entity", "e")}
      RETURN DISTINCT elementId(e) AS handle, ${s.id("entity", "e")} AS id, NOT ${live("e")} AS parked`,
    /** How many of the units mention each entity, to compare with all live (or all) mentions of it. */
    mentionsWithin: `${many("unit", "u")} MATCH ${s.mentions("u", "e")} WHERE ${s.belongs("entity", "e")}
      WITH e, count(DISTINCT u) AS within RETURN elementId(e) AS handle, ${s.id("entity", "e")} AS id, within`,
    mentionTotals: `UNWIND $handles AS handle ${s.byHandle("entity", "e", "handle")}
      RETURN handle, ${s.id("entity", "e")} AS id, NOT ${live("e")} AS parked, ${anyVector("entity", "e")} OR ${anyParkedVector("entity", "e")} AS vector, ${isEntityCut(s, "e")} AS cut,
        COUNT { MATCH ${s.mentions("u", "e")} WHERE ${s.belongs("unit", "u")} AND ${live("u")} RETURN DISTINCT u } AS live,
        COUNT { MATCH ${s.mentions("u", "e")} WHERE ${s.belongs("unit", "u")} RETURN DISTINCT u } AS total`,
    mentionFacts: `UNWIND $handles AS handle ${s.byHandle("entity", "e", "handle")} ${liveMention} RETURN ${mentionFacts}`,
    /** Without those that are live by a live mention: most of what a change touches stays so. */
    mentionFactsById: `UNWIND $ids AS id ${s.byKey("entity", "e", "id", "id")} ${liveMention} WHERE NOT (liveMention AND ${live("e")}) RETURN ${mentionFacts}`,
    entitiesById: `UNWIND $ids AS id ${s.byKey("entity", "e", "id", "id")}
      RETURN id, elementId(e) AS handle, ${live("e")} AS live`,
    entityNames: `UNWIND $ids AS id ${s.byKey("entity", "e", "id", "id")} WITH id, e WHERE ${live("e")}
      RETURN id, e.${quoted(s.profile.entities.name)} AS name`,
    vectorsById: `UNWIND $ids AS id ${s.byKey("entity", "e", "id", "id")}
      RETURN id, elementId(e) AS handle, NOT ${live("e")} AS parked, ${anyVector("entity", "e")} AS vector, ${anyParkedVector("entity", "e")} AS parkedVector`,
    entitiesPage: `${s.page("entity", "e")} RETURN elementId(e) AS handle, ${s.id("entity", "e")} AS id ORDER BY id LIMIT $limit`,
    parkEntities: `${many("entity", "e")} ${hideNode(s, "entity", "e")}`,
    showEntities: `${many("entity", "e")} ${showNode(s, "entity", "e")} ${vectorsIn(s.vectors("entity"), "e")}`,
    parkVectors: `${many("entity", "e")} ${vectorsOut(s, s.vectors("entity"), "e") || "SET e.lc_active = e.lc_active"}`,
    showVectors: `${many("entity", "e")} ${vectorsIn(s.vectors("entity"), "e") || "SET e.lc_active = e.lc_active"}`,
    deleteEntities: `${many("entity", "e")} DETACH DELETE e`,
    expiredEntities: `MATCH ${s.node("entity", "e")} WHERE ${s.belongs("entity", "e")} AND e.lc_parked_at <= $before
      WITH e, ${s.id("entity", "e")} AS id WHERE ${unlessCut}($after IS NULL OR ${inUnits("id")} > $after) AND NOT ${live("e")}
        AND NOT EXISTS { MATCH ${s.mentions("u", "e")} WHERE ${s.belongs("unit", "u")} }
      RETURN id, elementId(e) AS handle ORDER BY ${inUnits("id")} LIMIT $limit`,

    // Facts: live ones are relationships, parked ones are records of ours.
    factsTouching: `UNWIND $handles AS handle ${s.byHandle("entity", "e", "handle")}
      MATCH ${s.node("entity", "e")}-[r${s.factTypes}]-${s.node("entity", "o")} WHERE ${s.isFact("r")} AND ${s.belongs("entity", "o")}
      RETURN DISTINCT elementId(r) AS handle, ${s.relationshipId("r")} AS id`,
    factsById: `${factById} RETURN id, elementId(r) AS handle`,
    factFactsById: `${factById} RETURN ${factColumns}`,
    /** What the sweep looks at: every fact, or those that can be wrong at all, where support is not known or told by documents. */
    factsPage:
      relationships.support.by !== "list"
        ? `${near(s, relationships.support.by === "documents")}
          MATCH ${s.node("entity", "e")}-[r${s.factTypes}]-${s.node("entity", "o")} WHERE ${s.isFact("r")} AND ${s.belongs("entity", "o")}
          WITH DISTINCT r, ${s.relationshipId("r")} AS id WHERE ${inUnits("id")} > $after RETURN elementId(r) AS handle, id ORDER BY ${inUnits("id")} LIMIT $limit`
        : relationships.key !== undefined
          ? `MATCH ${fact("a", "r", "b")} WHERE ${relationshipTenant(s, "r")} AND r.${quoted(relationships.key)} > $after AND ${factWhere("a", "r", "b")}
            RETURN elementId(r) AS handle, r.${quoted(relationships.key)} AS id ORDER BY id LIMIT $limit`
          : `MATCH ${fact("a", "r", "b")} WHERE elementId(r) > $after AND ${factWhere("a", "r", "b")}
            RETURN elementId(r) AS handle, elementId(r) AS id ORDER BY id LIMIT $limit`,
    factFacts: `UNWIND $handles AS handle MATCH ${fact("a", "r", "b")} WHERE elementId(r) = handle AND ${factWhere("a", "r", "b")} RETURN ${factColumns}`,
    factEnds: `UNWIND $handles AS handle MATCH ${fact("a", "r", "b")} WHERE elementId(r) = handle AND ${factWhere("a", "r", "b")}
      RETURN handle, elementId(a) AS source, elementId(b) AS target`,
    parkedEnds: `UNWIND $ids AS id MATCH (p:${OURS.parked} {lc_group: $group, lc_id: id}) RETURN id, p.lc_source AS source, p.lc_target AS target`,
    parkedFacts: `UNWIND $ids AS id MATCH (p:${OURS.parked} {lc_group: $group, lc_id: id})
      CALL (p) { OPTIONAL ${s.byKey("entity", "a", "p.lc_source", "p")} RETURN collect(a) AS a }
      CALL (p) { OPTIONAL ${s.byKey("entity", "b", "p.lc_target", "p")} RETURN collect(b) AS b }
      RETURN id, size(a) > 0 AS source, size(b) > 0 AS target, any(x IN a WHERE ${live("x")}) AS sourceLive, any(x IN b WHERE ${live("x")}) AS targetLive,
        ${supportOf("p")} AS support, ${isFactCut(s, "p")} AS cut, p.lc_at AS parkedAt`,
    parkedTouching: `UNWIND $ids AS id
      CALL (id) {
        MATCH (p:${OURS.parked} {lc_group: $group, lc_source: id}) RETURN p.lc_id AS parked
        UNION MATCH (p:${OURS.parked} {lc_group: $group, lc_target: id}) RETURN p.lc_id AS parked
      }
      RETURN DISTINCT parked AS id`,
    expiredFacts: `MATCH (old:${OURS.parked} {lc_group: $group}) WHERE old.lc_at <= $before WITH old.lc_group AS g LIMIT 1
      MATCH (p:${OURS.parked} {lc_group: g}) USING INDEX SEEK p:${OURS.parked}(lc_group, lc_id) WHERE p.lc_at <= $before AND p.lc_id > $after RETURN p.lc_id AS id ORDER BY p.lc_id LIMIT $limit`,
    parkedPage: `MATCH (p:${OURS.parked} {lc_group: $group}) WHERE p.lc_id > $after RETURN p.lc_id AS id ORDER BY p.lc_id LIMIT $limit`,
    parkFacts: `UNWIND $rows AS row MATCH ${fact("a", "r", "b")} WHERE elementId(r) = row.handle AND ${factWhere("a", "r", "b")}
      CREATE (p:${OURS.parked}) SET p = properties(r)
      SET p.lc_group = $group, p.lc_id = row.id, p.lc_type = type(r), p.lc_at = $now,
        p.lc_source = ${s.id("entity", "a")}, p.lc_target = ${s.id("entity", "b")}
      DELETE r`,
    showFacts: `UNWIND $ids AS id MATCH (p:${OURS.parked} {lc_group: $group, lc_id: id})
      CALL (p) { ${s.byKey("entity", "a", "p.lc_source", "p")} RETURN a }
      CALL (p) { ${s.byKey("entity", "b", "p.lc_target", "p")} RETURN b }
      CREATE (a)-[r:$(p.lc_type)]->(b) SET r = properties(p)
      REMOVE r.lc_group, r.lc_id, r.lc_type, r.lc_at, r.lc_source, r.lc_target
      DELETE p`,
    deleteFacts: `UNWIND $handles AS handle MATCH ${fact("a", "r", "b")} WHERE elementId(r) = handle AND ${factWhere("a", "r", "b")} DELETE r`,
    deleteParked: `UNWIND $ids AS id MATCH (p:${OURS.parked} {lc_group: $group, lc_id: id}) DELETE p`,

    parkedEdgesPage: `MATCH (p:${OURS.edge} {lc_group: $group}) WHERE p.lc_id IS NOT NULL RETURN p.lc_source AS handle LIMIT $limit`,
    parkedUnitsPage: `${s.all("unit", "u")} AND u.lc_active = false RETURN elementId(u) AS handle, ${s.id("unit", "u")} AS id LIMIT $limit`,
    parkedEntitiesPage: `${s.all("entity", "e")} AND e.lc_active = false RETURN elementId(e) AS handle, ${s.id("entity", "e")} AS id LIMIT $limit`,

    // Derived edges, by the element ids of their ends: the nodes stay while they are parked.
    parkDerived: `UNWIND $handles AS handle MATCH (n)-[r${derivedTypes}]-() WHERE elementId(n) = handle AND ${tenantOf("n")}
      WITH DISTINCT r CREATE (p:${OURS.edge}) SET p = properties(r)
      SET p.lc_group = $group, p.lc_id = randomUUID(), p.lc_type = type(r), p.lc_source = elementId(startNode(r)), p.lc_target = elementId(endNode(r))
      DELETE r`,
    showDerived: `UNWIND $handles AS handle ${edgesOf} WITH DISTINCT p
      CALL (p) { MATCH (a) WHERE elementId(a) = p.lc_source RETURN a }
      CALL (p) { MATCH (b) WHERE elementId(b) = p.lc_target RETURN b }
      WITH p, a, b WHERE ${live("a")} AND ${live("b")}
      FOREACH (_ IN CASE WHEN EXISTS { MATCH (a)-[t]->(b) WHERE type(t) = p.lc_type } THEN [] ELSE [1] END |
        CREATE (a)-[r:$(p.lc_type)]->(b) SET r = properties(p)
        REMOVE r.lc_group, r.lc_id, r.lc_type, r.lc_source, r.lc_target)
      DELETE p`,
    dropDerived: `UNWIND $handles AS handle ${edgesOf} WITH DISTINCT p DELETE p`,

    // The writer's own note that its analytics lag behind.
    markStale: stale
      ? `MERGE (m:${quoted(stale.label)} {${s.tenantProperty === null ? "" : `${quoted(s.tenantProperty)}: $group`}}) SET m.${quoted(stale.flag)} = $stale${stale.at ? `, m.${quoted(stale.at)} = CASE WHEN $stale THEN coalesce(m.${quoted(stale.at)}, $now) ELSE null END` : ""}`
      : "RETURN $group AS none",

    // Traces of deleted units on entities and facts that stay: the last writer's id and copies of its document's metadata,
    // whatever the writer's user called it. An entity keeps of an earlier writer what the last one had no value for.
    scrubEntities: origin
      ? `UNWIND $ids AS id ${s.byKey("unit", "u", "id", "id")}
        MATCH ${s.node("entity", "e")} WHERE ${s.belongs("entity", "e")} AND e.${quoted(origin)} = id
        REMOVE ${scrubbed("e")} WITH e, u UNWIND ${sameAs("e")} AS k REMOVE e[k]`
      : "RETURN $group AS none",
    scrubMentioned: origin
      ? `UNWIND $ids AS id ${s.byKey("unit", "u", "id", "id")}
        MATCH ${s.mentions("u", "e")} WHERE ${s.belongs("entity", "e")} UNWIND ${sameAs("e")} AS k
        WITH DISTINCT e, k, u[k] AS copied, ${s.owners("u")} AS owners
        WHERE NOT EXISTS { MATCH ${s.mentions("x", "e")} WHERE NOT ${s.owners("x")} = owners AND x[k] = copied }
          AND NOT EXISTS { MATCH ${s.node("unit", "x")} WHERE ${s.id("unit", "x")} = e.${quoted(origin)} AND NOT ${s.owners("x")} = owners AND x[k] = copied }
        REMOVE e[k]`
      : "RETURN $group AS none",
    scrubFacts: origin
      ? `MATCH ${fact("a", "r", "b")} WHERE r.${quoted(origin)} IN $ids AND ${factWhere("a", "r", "b")}
        WITH r, r.${quoted(origin)} AS id CALL (id) { ${s.byKey("unit", "u", "id", "id")} RETURN u }
        REMOVE ${scrubbed("r")} WITH r, u UNWIND [k IN keys(u) WHERE r[k] = u[k]] AS k REMOVE r[k]`
      : "RETURN $group AS none",

    // Counts and scans
    countNodes: (["unit", "entity"] as const)
      .map(
        (kind) =>
          `${s.all(kind, "v")} RETURN '${kind}' AS kind, ${live("v")} AS live, count(v) AS count, sum(CASE WHEN ${anyVector(kind, "v")} THEN 1 ELSE 0 END) AS searchable, sum(CASE WHEN ${anyParkedVector(kind, "v")} THEN 1 ELSE 0 END) AS parked`,
      )
      .join(" UNION ALL "),
    countLiveEntities: `${s.all("entity", "e")} WITH e WHERE ${live("e")} WITH e LIMIT $enough RETURN count(e) AS count`,
    countFacts: `MATCH ${fact("a", "r", "b")} WHERE ${factWhere("a", "r", "b")} RETURN count(r) AS count`,
    countParked: `MATCH (p:${OURS.parked} {lc_group: $group}) WHERE p.lc_id IS NOT NULL RETURN count(p) AS count`,
    scanUnits: `${s.all("unit", "u")} RETURN ${s.id("unit", "u")} AS id, ${s.unit.text === null ? "''" : `u.${quoted(s.unit.text)}`} AS text, ${live("u")} AS live,
      ${s.owners("u")} AS owners, ${vectorsOf("unit", "u")} AS vectors`,
    scanEntities: `${s.all("entity", "e")} RETURN ${s.id("entity", "e")} AS id, e.${quoted(s.profile.entities.name)} AS name, ${optional(s.profile.entities.type, "e")} AS type,
      ${optional(s.profile.entities.description, "e")} AS description, ${live("e")} AS live, e.lc_created_at AS createdAt,
      ${s.profile.imports ? "e.lc_ever_mentioned" : `EXISTS { MATCH ${s.mentions("u", "e")} WHERE ${s.belongs("unit", "u")} }`} AS everMentioned, ${isEntityCut(s, "e")} AS cut, ${vectorsOf("entity", "e")} AS vectors`,
    scanMentions: `${s.all("unit", "u")} MATCH ${s.mentions("u", "e")} WHERE ${s.belongs("entity", "e")}
      RETURN DISTINCT ${s.id("unit", "u")} AS unit, ${s.id("entity", "e")} AS entity`,
    scanFacts: `${s.all("entity", "a")} MATCH ${fact("a", "r", "b")} WHERE ${factWhere("a", "r", "b")}
      RETURN ${s.relationshipId("r")} AS id, ${s.id("entity", "a")} AS source, ${s.id("entity", "b")} AS target, ${factType(s, "r")} AS type,
        ${optional(relationships.description, "r")} AS description, ${optional(relationships.weight, "r")} AS weight, ${supportOf("r")} AS support, ${isFactCut(s, "r")} AS cut,
        ${live("a")} AND ${live("b")} AS endsLive`,
    scanParked: `MATCH (p:${OURS.parked} {lc_group: $group}) WHERE p.lc_id IS NOT NULL
      RETURN p.lc_id AS id, p.lc_source AS source, p.lc_target AS target, ${relationships.type ? `p.${quoted(relationships.type)}` : "p.lc_type"} AS type,
        ${optional(relationships.description, "p")} AS description, ${optional(relationships.weight, "p")} AS weight, ${supportOf("p")} AS support, ${isFactCut(s, "p")} AS cut`,
    searchUnits: search(s, "unit", s.unit.text, `, ${s.owners("v")} AS owners`),
    searchEntities: search(s, "entity", s.profile.entities.name, ", [] AS owners"),
  };
}

function search(s: Shapes, kind: NodeKind, text: string | null, more: string): string {
  const vector = s.vectors(kind)[0];
  if (vector === undefined) return "RETURN $group AS id LIMIT 0";
  const property = `v.${quoted(vector)}`;
  return `${s.all(kind, "v")} AND ${s.isLive("v")} AND ${property} IS NOT NULL AND size(${property}) = $dimension
    WITH v, vector.similarity.cosine(${property}, $vector) AS near ORDER BY near DESC LIMIT $limit
    RETURN ${s.id(kind, "v")} AS id, near, ${property} AS vector, ${text === null ? "''" : `v.${quoted(text)}`} AS text${more}`;
}

/** Entities that are parked, or, when `mentioned`, that a parked unit mentions. */
function near(s: Shapes, mentioned: boolean): string {
  const parked = `MATCH ${s.node("entity", "e")} WHERE e.lc_parked_at >= 0 AND ${s.belongs("entity", "e")}`;
  const key = s.key("unit");
  if (!mentioned || !("property" in key)) return parked;
  // The key's order is asked for, so that an index serves the label.
  return `CALL () { ${parked} RETURN e
      UNION MATCH (u:${quoted(s.parkedLabel("unit"))}) WHERE u.${quoted(key.property)} >= '' AND ${s.belongs("unit", "u")}
        MATCH ${s.mentions("u", "e")} WHERE ${s.belongs("entity", "e")} RETURN e }`;
}

function optional(property: string | undefined, v: string): string {
  return property === undefined ? "null" : `${v}.${quoted(property)}`;
}

function factType(s: Shapes, r: string): string {
  const { type } = s.profile.relationships;
  return type === undefined ? `type(${r})` : `coalesce(${r}.${quoted(type)}, type(${r}))`;
}

function titleOf(s: Shapes, d: string): string {
  const { documents } = s.profile;
  return documents.as === "node" && documents.title !== undefined ? `${d}.${quoted(documents.title)}` : "null";
}

/** A composite document key as the text under which its state is kept. */
function documentIdText(s: Shapes, key: string): string {
  const { documents } = s.profile;
  if (documents.as !== "node" || !("properties" in documents.key)) return key;
  const parts = documents.key.properties.map(
    (_, i) => `'"' + replace(replace(toString(${key}[${i}]), '\\\\', '\\\\\\\\'), '"', '\\\\"') + '"'`,
  );
  return `('[' + ${parts.join(" + ',' + ")} + ']')`;
}

function documentAfter(s: Shapes): string {
  const { documents } = s.profile;
  if (documents.as === "node" && "property" in documents.key) return `d.${quoted(documents.key.property)} > $after`;
  return `${documentIdText(s, s.documentId("d"))} > $after`;
}

function relationshipTenant(s: Shapes, r: string): string {
  // Only our own writer puts the group on every relationship, and an index over both.
  return s.profile.imports && s.tenantProperty !== null ? `${r}.${quoted(s.tenantProperty)} = $group` : "true";
}
