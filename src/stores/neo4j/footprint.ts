import type { Connection, Row } from "./connection.ts";
import { OURS, PARKED_OTHER, PARKED_VECTOR, quoted, type Shapes } from "./shapes.ts";

/** What Graphkeeper adds to a user's database: constraints and indexes whose names begin with `graphkeeper_`. */

interface SchemaObject {
  name: string;
  kind: "constraint" | "index";
  statement: string;
}

const unique = (label: string, properties: string[]) =>
  `FOR (n:${quoted(label)}) REQUIRE (${properties.map((p) => `n.${quoted(p)}`).join(", ")}) IS UNIQUE`;
const range = (label: string, properties: string[]) =>
  `FOR (n:${quoted(label)}) ON (${properties.map((p) => `n.${quoted(p)}`).join(", ")})`;

export function footprint(shapes: Shapes): SchemaObject[] {
  const objects: SchemaObject[] = [];
  const add = (kind: SchemaObject["kind"], name: string, definition: string) => {
    const full = `graphkeeper_${name}`;
    const statement = `CREATE ${kind.toUpperCase()} ${quoted(full)} IF NOT EXISTS ${definition}`;
    objects.push({ name: full, kind, statement });
  };
  const constraint = (name: string, definition: string) => add("constraint", name, definition);
  const index = (name: string, definition: string) => add("index", name, definition);

  constraint("group", unique(OURS.group, ["lc_group"]));
  constraint("document", unique(OURS.document, ["lc_group", "lc_id"]));
  constraint("operation", unique(OURS.operation, ["lc_group", "lc_id"]));
  constraint("parked", unique(OURS.parked, ["lc_group", "lc_id"]));
  constraint("candidate", unique(OURS.candidate, ["lc_group", "lc_kind", "lc_id"]));
  constraint("audit", unique(OURS.audit, ["lc_group", "seq"]));
  constraint("analytics", unique(OURS.analytics, ["lc_group", "lc_kind", "lc_key", "lc_from"]));
  constraint("acknowledged", unique(OURS.acknowledged, ["lc_group", "lc_id"]));
  constraint("acknowledged_contents", unique(OURS.contents, ["lc_group"]));
  constraint("state", unique(OURS.state, ["lc_group"]));
  constraint("purged", unique(OURS.purged, ["lc_group", "lc_id"]));
  index("purged_of", range(OURS.purged, ["lc_group", "lc_of"]));
  index("operation_state", range(OURS.operation, ["state"]));
  index("document_deprecated", range(OURS.document, ["lc_group", "deprecatedAt"]));
  index("document_successor", range(OURS.document, ["lc_group", "successor"]));
  constraint("edge", unique(OURS.edge, ["lc_group", "lc_id"]));
  index("edge_source", range(OURS.edge, ["lc_group", "lc_source"]));
  index("edge_target", range(OURS.edge, ["lc_group", "lc_target"]));
  index("parked_source", range(OURS.parked, ["lc_group", "lc_source"]));
  index("parked_target", range(OURS.parked, ["lc_group", "lc_target"]));
  index("parked_at", range(OURS.parked, ["lc_group", "lc_at"]));
  index("analytics_a", range(OURS.analytics, ["lc_group", "lc_a"]));
  index("analytics_members", range(OURS.analytics, ["lc_group", "lc_b", "lc_a"]));
  index("analytics_from", range(OURS.analytics, ["lc_group", "lc_from"]));
  index("analytics_to", range(OURS.analytics, ["lc_group", "lc_to"]));

  // Lookups in the user's graph that its writer may have no index for; by label, as several layouts may share a database.
  const { profile } = shapes;
  const lookup = (name: string, label: string, properties: string[], of = range) =>
    (of === unique ? constraint : index)(`${name}_${label}`, of(label, properties));
  const tenant = (property: string | null) => (property === null ? [] : [property]);
  const keys = (key: (typeof profile.entities)["key"]) =>
    "property" in key ? [key.property] : "properties" in key ? key.properties : [];
  for (const kind of ["unit", "entity"] as const) {
    const of = keys(shapes.key(kind));
    const lookups = [...tenant(shapes.tenant(kind)), ...of];
    const labels =
      kind === "unit" && shapes.references ? [shapes.label(kind)] : [shapes.label(kind), shapes.parkedLabel(kind)];
    labels.forEach((label, i) => {
      if (kind === "unit" && shapes.references) {
        lookup("unit_owner", label, ["lc_group", "lc_document"]);
        return;
      }
      if (of.length > 0) lookup(`${kind}_id`, label, lookups, profile.imports ? unique : range);
      if (i > 0 && shapes.mode !== "swap") return;
      if (kind === "entity") lookup("entity_parked", label, [...tenant(shapes.tenant(kind)), "lc_parked_at"]);
      if (kind === "unit" && shapes.unit.owner.by === "property") {
        lookup("unit_owner", label, [...tenant(shapes.tenant(kind)), shapes.unit.owner.property]);
      }
    });
  }
  if (profile.rebuildable.some((text) => text.on === "entity"))
    constraint("text", unique(OURS.text, ["lc_group", "lc_id"]));
  const { merged } = profile.entities;
  if (merged !== undefined) {
    for (const label of [shapes.label("entity"), shapes.parkedLabel("entity")])
      lookup("entity_merged", label, merged.by);
  }
  if (shapes.references) constraint("unit", unique(OURS.unit, ["lc_group", "lc_id"]));
  if (profile.origin !== undefined) {
    lookup("entity_origin", shapes.label("entity"), [profile.origin]);
    if (shapes.mode === "swap") lookup("entity_origin", shapes.parkedLabel("entity"), [profile.origin]);
  }
  if (profile.communities && (profile.publish || profile.communities.summary)) {
    const { label, key: id } = profile.communities;
    lookup("community_id", shapes.partLabel(label), [...tenant(shapes.tenantProperty), id]);
  }
  const stale = profile.published?.stale;
  if (stale && shapes.tenantProperty !== null) lookup("stale", stale.label, [shapes.tenantProperty]);
  if (profile.documents.as === "node") {
    const of = [...tenant(shapes.tenantProperty), ...keys(profile.documents.key)];
    if (keys(profile.documents.key).length > 0) {
      const label = shapes.partLabel(profile.documents.label);
      lookup("document_id", label, of, profile.imports ? unique : range);
      if (shapes.swapsDocuments) lookup("document_id", PARKED_OTHER, of);
    }
  }
  const { key, types } = profile.relationships;
  if (key !== undefined && "only" in types && types.only.length === 1) {
    const properties = profile.imports && shapes.tenantProperty !== null ? [shapes.tenantProperty, key] : [key];
    index(
      `relationship_id_${types.only[0]}`,
      `FOR ()-[r:${quoted(types.only[0] as string)}]-() ON (${properties.map((p) => `r.${quoted(p)}`).join(", ")})`,
    );
  }
  return objects;
}

/** Creates what is missing; a second call changes nothing. */
export async function install(connection: Connection, shapes: Shapes): Promise<void> {
  for (const object of footprint(shapes)) await connection.schema(object.statement);
  await connection.schema("CALL db.awaitIndexes(3600)");
}

/**
 * Takes everything of ours away. What is parked is shown again first, so that the user's graph is as it would be without
 * us; deprecated documents are then ordinary documents. Groups that the database holds in another layout (the workspace of
 * another tenant) stay, with what they need.
 */
export async function uninstall(connection: Connection, shapes: Shapes, showAll: () => Promise<void>): Promise<void> {
  await showAll();
  const { layout } = shapes;
  const others = await connection.read((tx) =>
    tx.run(`MATCH (g:${OURS.group}) WHERE g.layout <> $layout RETURN g.lc_group AS id`, { layout }),
  );
  const kept = others.map((row) => row.id);
  // What lies on our own nodes serves every layout.
  const ours = Object.values(OURS).map((label) => `FOR (n:${quoted(label)})`);
  const alone = footprint(shapes).filter(({ statement }) => !ours.some((on) => statement.includes(on)));
  const own = new Set(alone.map(({ name }) => name));
  for (const kind of ["CONSTRAINT", "INDEX"] as const) {
    const rows = await connection.read((tx) =>
      tx.run(
        `SHOW ${kind}${kind === "INDEX" ? "E" : ""}S YIELD name WHERE name STARTS WITH 'graphkeeper_' RETURN name`,
        {},
      ),
    );
    for (const name of rows.map((row) => row.name as string))
      if (kept.length === 0 || own.has(name)) await connection.schema(`DROP ${kind} ${quoted(name)} IF EXISTS`);
  }
  for (const label of Object.values(OURS))
    await emptied(
      connection,
      `MATCH (n:${label}) WHERE NOT n.lc_group IN $kept WITH n LIMIT $limit DETACH DELETE n RETURN count(*) AS count`,
      { kept },
    );
  const labels = new Set([
    ...(["unit", "entity"] as const).map((k) => shapes.label(k)),
    ...shapes.profile.parts.map((p) => shapes.partLabel(p.label)),
  ]);
  labels.delete(OURS.unit); // Gone with the rest of ours; of another layout they stay as they are.
  if (shapes.profile.communities) labels.add(shapes.partLabel(shapes.profile.communities.label));
  if (shapes.profile.documents.as === "node") labels.add(shapes.partLabel(shapes.profile.documents.label));
  await unpublish(connection, shapes);
  const marks = [
    "lc_active",
    "lc_parked_at",
    "lc_labelled",
    "lc_labels",
    "lc_created_at",
    "lc_ever_mentioned",
    ...SUMMARY_MARKS,
  ];
  const vectors = [...shapes.vectors("unit"), ...shapes.vectors("entity")].map((p) => PARKED_VECTOR + p);
  const all = [...marks, ...vectors];
  for (const label of labels) {
    await emptied(
      connection,
      `MATCH (n:${quoted(label)}) WHERE ${all.map((p) => `n.${quoted(p)} IS NOT NULL`).join(" OR ")}
       WITH n LIMIT $limit REMOVE ${all.map((p) => `n.${quoted(p)}`).join(", ")} RETURN count(*) AS count`,
    );
  }
}

const SUMMARY_MARKS = ["hash", "of", "seen", "valid", "generation", "changed"].map((name) => `lc_summary_${name}`);

/** Communities and similarity edges that a recompute wrote in the writer's shapes go; the writer's own stay. */
async function unpublish(connection: Connection, shapes: Shapes): Promise<void> {
  const { published, communities } = shapes.profile;
  if (published === undefined) return;
  if (communities)
    await emptied(
      connection,
      `MATCH (c:${quoted(shapes.partLabel(communities.label))}) WHERE c.lc_ours WITH c LIMIT $limit DETACH DELETE c RETURN count(*) AS count`,
    );
  const { similarity } = published;
  if (similarity?.marker !== undefined)
    await emptied(
      connection,
      `MATCH ()-[r:${quoted(similarity.type)}]->() WHERE r.${quoted(similarity.marker)} = 'graphkeeper' WITH r LIMIT $limit DELETE r RETURN count(*) AS count`,
    );
}

async function emptied(connection: Connection, statement: string, parameters: Row = {}): Promise<void> {
  for (;;) {
    const [row] = await connection.write((tx) => tx.run(statement, { ...parameters, limit: connection.int(1_000) }));
    if (((row?.count as number | undefined) ?? 0) === 0) return;
  }
}
