import { type Supporter, supportedBy } from "./judge.ts";
import { documentNamed } from "./references.ts";
import { idFromKey } from "./shapes.ts";
import type { Work } from "./work.ts";

/**
 * The names of documents' files in lists on entities and facts (LightRAG's `file_path`). Which name is a document's is not
 * written anywhere in the graph; what was extracted from that document alone tells.
 */

interface Listed {
  id: string;
  units: string[] | null;
  files: string[] | null;
  /** More units may stand behind it than the list names. */
  cut: boolean;
}

/** Most pairs of document and name that are looked up; a writer gives each document a name of its own. */
const MOST_PAIRS = 5_000;

/** Before the units go: takes the names of their documents off what other documents' units keep alive. */
export async function forgetFileNames(w: Work, units: Supporter[]): Promise<void> {
  const { textUnits } = w.shapes.profile;
  if (textUnits.as !== "reference" || textUnits.document.files === undefined) return;
  const { unnamed, more } = textUnits.document;
  const documentOf = (unit: string) => documentNamed(unit, textUnits.document) ?? unit;
  const going = new Set(units.map((unit) => documentOf(unit.id)));
  const facts = await supportedBy(w, units);
  const [entities, live, parked] = await Promise.all([
    w.each<Listed & Record<string, unknown>>(
      "filesOfEntities",
      "handles",
      units.map((unit) => unit.handle),
    ),
    w.each<Listed & Record<string, unknown>>("filesOfFacts", "ids", facts),
    w.each<Listed & Record<string, unknown>>("filesOfParked", "ids", facts),
  ]);
  const documentsOf = (row: Listed) => new Set((row.units ?? []).filter((unit) => unit !== "").map(documentOf));
  const all = [...entities, ...live, ...parked];
  // Where the id of a unit names no document, its document is the file.
  const names = new Set(
    units.flatMap((u) => (documentNamed(u.id, textUnits.document) === null ? u.owners.map(idFromKey) : [])),
  );
  for (const row of all) {
    const documents = documentsOf(row);
    if (!row.cut && [...documents].every((document) => going.has(document)))
      for (const file of row.files ?? []) names.add(file);
  }
  const others = (row: Listed) => [...documentsOf(row)].filter((document) => !going.has(document));
  const pairs = new Map<string, { document: string; file: string }>();
  for (const row of all)
    for (const document of others(row))
      for (const file of row.files ?? []) pairs.set(`${document}\u0000${file}`, { document, file });
  const users = await w.each<{ document: string; file: string }>(
    "usersOfFiles",
    "rows",
    [...pairs.values()].slice(0, MOST_PAIRS),
  );
  const kept = new Set(users.map((row) => `${row.document}\u0000${row.file}`));
  const isNone = (file: string) => file === unnamed || (more !== undefined && file.startsWith(more));
  // A fact of which no unit is left goes as a whole; an entity may stay, by what is stated of it.
  const staying = (rows: Listed[]) => rows.filter((row) => row.cut || others(row).length > 0);
  const lessened = (rows: Listed[]) =>
    rows.flatMap((row) => {
      const rest = others(row);
      const uses = (document: string, file: string) => kept.has(`${document}\u0000${file}`);
      // Where each document that stays is known to have a name, a name that none of them has was the other's.
      const known = !row.cut && rest.every((document) => row.files?.some((file) => uses(document, file)));
      const files = (row.files ?? []).filter(
        (file) => isNone(file) || !(known || names.has(file)) || rest.some((document) => uses(document, file)),
      );
      return files.length === row.files?.length ? [] : [{ id: row.id, files: written(w, files) }];
    });
  await w.each("writeFilesOfEntities", "rows", lessened(entities));
  await w.each("writeFilesOfFacts", "rows", lessened(staying(live)));
  await w.each("writeFilesOfParked", "rows", lessened(staying(parked)));
}

function written(w: Work, files: string[]): string | string[] {
  const { mentions } = w.shapes.profile;
  return mentions.by === "list" && mentions.separator !== undefined ? files.join(mentions.separator) : files;
}
