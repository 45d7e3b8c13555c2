import type { DocumentInput } from "../core/words.ts";

interface SourceDocument {
  /** Of its row: a hash of the content, or what the user gave. */
  id: string;
  title: string | null;
}

/** Hexadecimal digits of a content's hash that go into an id: 2 files of one title in 10¹⁴ have the same. */
const HASH_DIGITS = 12;
const HASH = /^[0-9a-f]{32,}$/;

/**
 * The id of a document of Microsoft GraphRAG is `title#content`: it depends on nothing but the document. The title alone is
 * a file's name without its folder, which several files may have; the id of the row alone is a hash of the content, which
 * several files may have as well.
 *
 * Version 0.1 took the title where no other document of the folder had it, else the id of the row. Groups that know the
 * document under one of those go on with it (`earlierIds`): under the title only if the text is the same where several
 * documents of the folder have it now.
 */
export function documentIdentities(
  folder: SourceDocument[],
): (document: SourceDocument) => Required<Pick<DocumentInput, "id" | "earlierIds">> {
  const titles = new Map<string, number>();
  for (const { title } of folder) if (title !== null) titles.set(title, (titles.get(title) ?? 0) + 1);
  return ({ id, title }) => {
    if (title === null) return { id, earlierIds: [] };
    const content = HASH.test(id) ? id.slice(0, HASH_DIGITS) : id;
    return {
      id: `${title}#${content}`,
      earlierIds: [{ id }, { id: title, sameText: titles.get(title) !== 1 }],
    };
  };
}
