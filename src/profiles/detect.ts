import type { Profile } from "./format.ts";

/** What a graph holds, by kind; gathered read-only from the database. */
export interface Inventory {
  labels: { label: string; count: number; properties: string[] }[];
  relationships: { type: string; from: string[]; to: string[]; count: number; properties: string[] }[];
}

export interface Fit {
  profile: string;
  /** 0 to 1: the share of what the profile expects that is there. */
  score: number;
  found: string[];
  missing: string[];
  /** Nodes of labels that the profile says nothing about; they are never touched. */
  unknown: { label: string; count: number }[];
}

/** How well each profile describes the graph, best first. What fits equally well is told apart by how much it explains. */
export function detect(inventory: Inventory, profiles: Profile[]): Fit[] {
  const fits = profiles.map((profile) => ({ fit: fitOf(inventory, profile), explains: explained(inventory, profile) }));
  fits.sort((a, b) => b.fit.score - a.fit.score || b.explains - a.explains);
  return fits.map(({ fit }) => fit);
}

type Expectation = [what: string, there: boolean, weight: number];

function fitOf(inventory: Inventory, profile: Profile): Fit {
  const expectations = expect(inventory, profile);
  const total = expectations.reduce((sum, [, , weight]) => sum + weight, 0);
  const there = expectations.filter(([, ok]) => ok);
  const known = knownLabels(profile);
  return {
    profile: profile.name,
    score: Math.round((there.reduce((sum, [, , weight]) => sum + weight, 0) / total) * 100) / 100,
    found: there.map(([what]) => what),
    missing: expectations.filter(([, ok]) => !ok).map(([what]) => what),
    unknown: inventory.labels
      .filter(({ label }) => !known.has(label) && !label.startsWith("Graphkeeper"))
      .map(({ label, count }) => ({ label, count })),
  };
}

function suffixed(profile: Profile, label: string): string {
  return profile.tenant.by === "label_suffix" ? `${label}${profile.tenant.suffix}` : label;
}

function expect(inventory: Inventory, profile: Profile): Expectation[] {
  const of = (label: string) => inventory.labels.find((l) => l.label === suffixed(profile, label));
  const has = (label: string, property: string) => of(label)?.properties.includes(property) ?? false;
  // What a writer left half-written has no relationships yet, and is its graph all the same.
  const { unfinished } = profile;
  const halfWritten =
    unfinished !== undefined && inventory.relationships.length === 0 && has(profile.entities.label, unfinished);
  const edge = (type: string, from: string, to: string) =>
    halfWritten ||
    inventory.relationships.some(
      (r) => r.type === type && r.from.includes(suffixed(profile, from)) && r.to.includes(suffixed(profile, to)),
    );
  const expectations: Expectation[] = [];
  const { textUnits: units, documents, entities, mentions, tenant } = profile;
  const property = (label: string, key: object) => {
    if ("property" in key)
      expectations.push([`${label}.${key.property}`, has(label, (key as { property: string }).property), 1]);
  };
  expectations.push([`(:${entities.label})`, of(entities.label) !== undefined, 2]);
  property(entities.label, entities.key);
  expectations.push([`${entities.label}.${entities.name}`, has(entities.label, entities.name), 1]);
  if (tenant.by === "property")
    expectations.push([`${entities.label}.${tenant.property}`, has(entities.label, tenant.property), 2]);
  // A graph with this property is of another writer than one whose entities have no group.
  else if (tenant.by === "database")
    expectations.push([
      `no group on ${entities.label}`,
      of(entities.label) !== undefined && !has(entities.label, "group_id"),
      1,
    ]);
  if (units.as === "node") {
    expectations.push([`(:${units.label})`, of(units.label) !== undefined, 2]);
    property(units.label, units.key);
    expectations.push([`${units.label}.${units.text}`, has(units.label, units.text), 1]);
    if (documents.as === "node" && units.owner.by === "edge") {
      const [from, to] =
        units.owner.direction === "to_document" ? [units.label, documents.label] : [documents.label, units.label];
      expectations.push([`(:${from})-[:${units.owner.type}]->(:${to})`, edge(units.owner.type, from, to), 3]);
      property(documents.label, documents.key);
    }
    if (units.owner.by === "property")
      expectations.push([`${units.label}.${units.owner.property}`, has(units.label, units.owner.property), 2]);
  }
  if (mentions.by === "edge" && units.as === "node") {
    const [from, to] =
      mentions.direction === "from_unit" ? [units.label, entities.label] : [entities.label, units.label];
    expectations.push([`(:${from})-[:${mentions.type}]->(:${to})`, edge(mentions.type, from, to), 3]);
  }
  if (mentions.by === "path")
    for (const hop of mentions.hops) expectations.push([`(:${hop.label})`, of(hop.label) !== undefined, 1]);
  if (mentions.by === "list")
    expectations.push([`${entities.label}.${mentions.property}`, has(entities.label, mentions.property), 3]);
  const { types, key, support } = profile.relationships;
  if ("only" in types) {
    for (const type of types.only) {
      const relation = inventory.relationships.find(
        (r) => r.type === type && r.from.includes(suffixed(profile, entities.label)),
      );
      expectations.push([`[:${type}]`, relation !== undefined, 2]);
      if (key !== undefined) expectations.push([`${type}.${key}`, relation?.properties.includes(key) ?? false, 1]);
      if (support.by === "list")
        expectations.push([`${type}.${support.property}`, relation?.properties.includes(support.property) ?? false, 2]);
    }
  }
  for (const { property } of profile.stamps?.lists ?? [])
    expectations.push([`${entities.label}.${property}`, has(entities.label, property), 1]);
  return expectations;
}

function knownLabels(profile: Profile): Set<string> {
  const labels = [profile.entities.label, ...profile.parts.map((p) => p.label)];
  if (profile.textUnits.as === "node") labels.push(profile.textUnits.label);
  if (profile.documents.as === "node") labels.push(profile.documents.label);
  if (profile.communities) labels.push(profile.communities.label);
  if (profile.published?.stale) labels.push(profile.published.stale.label);
  if (profile.mentions.by === "path") labels.push(...profile.mentions.hops.map((h) => h.label));
  return new Set(labels.map((label) => suffixed(profile, label)));
}

/** Nodes and relationships that the profile gives a meaning to. */
function explained(inventory: Inventory, profile: Profile): number {
  const known = knownLabels(profile);
  const types = new Set([
    ...(profile.textUnits.as === "node" && profile.textUnits.owner.by === "edge" ? [profile.textUnits.owner.type] : []),
    ...(profile.mentions.by === "edge" ? [profile.mentions.type] : []),
    ...profile.derived.map((d) => d.type),
    ...profile.parts.map((p) => p.type),
    ...(profile.communities ? [profile.communities.member.type] : []),
    ...("only" in profile.relationships.types ? profile.relationships.types.only : []),
    ...(profile.textUnits.as === "node" ? (profile.textUnits.sequence ?? []) : []),
  ]);
  const nodes = inventory.labels.filter((l) => known.has(l.label)).reduce((sum, l) => sum + l.count, 0);
  return nodes + inventory.relationships.filter((r) => types.has(r.type)).reduce((sum, r) => sum + r.count, 0);
}
