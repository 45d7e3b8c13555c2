import type { GroupReader } from "../core/ports.ts";
import type { DocumentInput, EarlierId, ImportBlock } from "../core/words.ts";

type Reader = Pick<GroupReader, "group" | "document" | "neighbourhood">;

/** Nodes of a neighbourhood, a third of which are text units: enough to tell two files of one title apart. */
const COMPARED_NODES = 500;

/**
 * The block with the ids under which the group knows its documents: a document that is stored under an id of earlier (see
 * `DocumentInput.earlierIds`) keeps that one, so that it stays one document.
 */
export async function withStoredIds(reader: Reader, groupId: string, block: ImportBlock): Promise<ImportBlock> {
  const renamed = new Map<string, string>();
  const taken = new Set(block.documents.map(({ id }) => id));
  const asked = block.documents.filter(({ earlierIds }) => earlierIds !== undefined && earlierIds.length > 0);
  if (asked.length > 0 && (await reader.group(groupId)) !== null) {
    for (const document of asked) {
      if (await reader.document(groupId, document.id)) continue;
      const earlier = await firstStored(reader, groupId, document, block, taken);
      if (earlier === null) continue;
      taken.add(earlier);
      renamed.set(document.id, earlier);
    }
  }
  const idOf = (id: string) => renamed.get(id) ?? id;
  return {
    ...block,
    documents: block.documents.map(({ earlierIds: _, ...document }) => ({ ...document, id: idOf(document.id) })),
    textUnits:
      renamed.size === 0
        ? block.textUnits
        : block.textUnits.map((unit) => ({ ...unit, documents: unit.documents.map(idOf) })),
  };
}

async function firstStored(
  reader: Reader,
  groupId: string,
  document: DocumentInput,
  block: ImportBlock,
  taken: ReadonlySet<string>,
): Promise<string | null> {
  for (const earlier of document.earlierIds ?? []) {
    if (taken.has(earlier.id)) continue;
    const stored = await reader.document(groupId, earlier.id);
    if (!stored) continue;
    if (!earlier.sameText || (await hasSameTextUnits(reader, groupId, earlier, document.id, block))) return earlier.id;
  }
  return null;
}

async function hasSameTextUnits(
  reader: Reader,
  groupId: string,
  earlier: EarlierId,
  documentId: string,
  block: ImportBlock,
): Promise<boolean> {
  const { nodes, edges } = await reader.neighbourhood(groupId, {
    of: "document",
    id: earlier.id,
    limit: COMPARED_NODES,
  });
  const owned = edges
    .filter(({ kind, source }) => kind === "owns" && source === 0)
    .map(({ target }) => nodes[target]!.id);
  const own = new Set(block.textUnits.filter((unit) => unit.documents.includes(documentId)).map(({ id }) => id));
  return owned.length > 0 && owned.every((id) => own.has(id));
}
