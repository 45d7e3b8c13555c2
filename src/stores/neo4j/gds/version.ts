import type { Connection } from "../connection.ts";
import { libraryStatements } from "../statements/gds.ts";

/** Version of the Graph Data Science plugin; null when the server has none. */
export function gdsVersion(connection: Connection): Promise<string | null> {
  return connection.write(async (tx) => {
    const installed = await tx.run(libraryStatements.gdsInstalled, {});
    if (installed.length === 0) return null;
    const [row] = await tx.run(libraryStatements.gdsVersion, {});
    return String(row?.version);
  });
}
