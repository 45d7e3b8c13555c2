import type { Profile } from "../../profiles/format.ts";
import type { Connection, Row } from "./connection.ts";
import type { GroupRow } from "./group-row.ts";
import { purgedUnits } from "./purged.ts";
import type { Shapes } from "./shapes.ts";
import type { Statements } from "./statements/index.ts";
import type { Work } from "./work.ts";

/**
 * Units that exist only as ids in lists on entities and facts get nodes of ours, with the document that they belong to, so that
 * provenance can be walked in both directions. A unit that stands on a fact mentions the ends of it.
 */

const BATCH = 500;

type Reference = Extract<Profile["textUnits"], { as: "reference" }>["document"];

/** Lists as they stand on an entity, and on those of its facts that name what the lists of both ends do not. */
interface Listed extends Row {
  handle: string;
  units: string[] | null;
  /** The writer may have cut the units. */
  cut: boolean;
  /** Names of files, where an id among the units names no document. */
  files: string[] | null;
  stated: { other: string; units: string[]; files: string[] | null }[];
}

/** The document that the id of a unit names; null where it names none. */
export function documentNamed(unit: string, { before }: Reference): string | null {
  const at = unit.lastIndexOf(before);
  return at < 0 ? null : unit.slice(0, at);
}

/** Names of files in a list, without what stands there for no name; null where names are left out, so that any could be one. */
export function filesNamed(files: string[] | null, { unnamed, more }: Reference): string[] | null {
  const all = (files ?? []).filter((file) => file !== "" && file !== unnamed);
  return more !== undefined && all.some((file) => file.startsWith(more)) ? null : all;
}

/** Files that units without a document in their ids can be of: what all lists that name the unit have in common. */
class Files {
  readonly #of = new Map<string, string[]>();
  readonly #reference: Reference;

  constructor(reference: Reference) {
    this.#reference = reference;
  }

  read(rows: Listed[]): void {
    for (const row of rows) for (const list of [row, ...row.stated]) this.#add(list.units ?? [], list.files);
  }

  #add(units: string[], list: string[] | null): void {
    const files = filesNamed(list, this.#reference);
    if (list === null || files === null) return;
    for (const unit of units) {
      if (documentNamed(unit, this.#reference) !== null) continue;
      this.#of.set(unit, this.#of.get(unit)?.filter((file) => files.includes(file)) ?? files);
    }
  }

  /** The document of a unit; where nothing tells which it is, the unit is one of its own. */
  documentOf(unit: string): string {
    const files = this.#of.get(unit) ?? [];
    return documentNamed(unit, this.#reference) ?? (files.length === 1 ? (files[0] as string) : unit);
  }

  /** Rows of `referUnits`. */
  referring(
    rows: Listed[],
    purged: Map<string, string>,
  ): { handle: string; units: { id: string; document: string }[] }[] {
    const named = (units: string[] | null) =>
      (units ?? []).filter((id) => id !== "" && !purged.has(id)).map((id) => ({ id, document: this.documentOf(id) }));
    return rows.flatMap(({ handle, units, stated }) => [
      { handle, units: named(units) },
      ...stated.flatMap((fact) => [handle, fact.other].map((end) => ({ handle: end, units: named(fact.units) }))),
    ]);
  }
}

const unitsNamed = (rows: Listed[]) =>
  rows.flatMap((row) => [row, ...row.stated].flatMap(({ units }) => (units ?? []).filter((id) => id !== "")));

/**
 * Documents that were purged and whose text the writer has taken in again, by their marks. A purge leaves no list that names
 * nothing but purged units, and whatever else is taken in adds an id of its own to each list that it writes, so that one
 * which names units of a single purged document alone was written with that document.
 */
function takenInAgain(rows: Listed[], purged: Map<string, string>): string[] {
  return rows.flatMap(({ units, cut }) => {
    const documents = new Set((units ?? []).filter((id) => id !== "").map((id) => purged.get(id) ?? null));
    const [only = null] = documents;
    return documents.size === 1 && only !== null && !cut ? [only] : [];
  });
}

/**
 * Refers to all units of the group, without those that were purged and have not come again. Idempotent.
 *
 * @param readmit forgets the purge of documents, by their marks
 */
export async function referAll(
  connection: Connection,
  statements: Statements,
  shapes: Shapes,
  group: string,
  readmit: (marks: string[]) => Promise<void>,
): Promise<void> {
  const { tenant, textUnits } = shapes.profile;
  if (textUnits.as !== "reference" || ("group" in tenant && tenant.group !== group)) return;
  const files = new Files(textUnits.document);
  const documentOf = (unit: string) => documentNamed(unit, textUnits.document);
  const limit = connection.int(BATCH);
  async function* pages(): AsyncGenerator<Listed[]> {
    for (let after = ""; ; ) {
      const rows = await connection.read((tx) => tx.run(statements.entityLists, { group, after, limit }));
      if (rows.length === 0) return;
      yield rows as Listed[];
      after = rows.at(-1)?.handle as string;
    }
  }
  const [row] = await connection.read((tx) => tx.run(statements.readGroup, { group }));
  const salt = ((row?.g ?? {}) as Pick<GroupRow, "purgeSalt">).purgeSalt;
  const ask = (marks: string[]) => connection.read((tx) => tx.run(statements.purgedAmong, { group, marks }));
  const purged = new Map<string, string>();
  const again = new Set<string>();
  // Which file a unit is of is told by all lists together, and so is which document has come again.
  if (textUnits.document.files !== undefined || salt != null)
    for await (const rows of pages()) {
      files.read(rows);
      const found = await purgedUnits({ purgeSalt: salt }, unitsNamed(rows), documentOf, ask);
      for (const mark of takenInAgain(rows, found)) again.add(mark);
      for (const [unit, document] of found) purged.set(unit, document);
    }
  if (again.size > 0) await readmit([...again]);
  for (const [unit, document] of purged) if (again.has(document)) purged.delete(unit);
  for await (const rows of pages()) {
    const referring = files.referring(rows, purged);
    for (let i = 0; i < referring.length; i += BATCH)
      await connection.write((tx) => tx.run(statements.referUnits, { group, rows: referring.slice(i, i + BATCH) }));
  }
}

/** Refers to the units that stand on the entities, as the lists are now. */
export async function refer(w: Work, handles: string[]): Promise<void> {
  const { textUnits } = w.shapes.profile;
  if (textUnits.as !== "reference" || handles.length === 0) return;
  const rows = await w.each<Listed>("listsOf", "handles", handles);
  const files = new Files(textUnits.document);
  files.read(rows);
  const documentOf = (unit: string) => documentNamed(unit, textUnits.document);
  const ask = (marks: string[]) => w.each<Row>("purgedAmong", "marks", marks);
  const purged = await purgedUnits(w.group, unitsNamed(rows), documentOf, ask);
  await w.each("referUnits", "rows", files.referring(rows, purged));
}
