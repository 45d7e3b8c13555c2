import type { DocumentInput } from "../core/words.ts";

/**
 * Documents of a group that have a title of an imported folder and are none of its documents, although another is under that
 * title: the file changed, or one of several files of the name is gone. Nothing but the source knows which, so that they stay.
 *
 * @param imported documents of the folder, with the ids under which the group may have them
 * @param stored documents of the group
 */
export function leftBehind(
  imported: readonly DocumentInput[],
  stored: readonly { id: string; title: string | null; status: string }[],
): string[] {
  const titles = new Set(imported.map(({ title }) => title));
  const known = new Set(stored.map(({ id }) => id));
  const present = new Set(
    imported.map(({ id, earlierIds = [] }) =>
      [id, ...earlierIds.map((earlier) => earlier.id)].find((i) => known.has(i)),
    ),
  );
  return stored
    .filter(({ id, title, status }) => status === "active" && title !== null && titles.has(title) && !present.has(id))
    .map(({ id }) => id);
}
