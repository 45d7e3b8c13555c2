import { GraphkeeperError } from "../../core/errors.ts";

function codeOf(error: unknown): string {
  return String((error as { code?: unknown } | null)?.code ?? "");
}

export function isContention(error: unknown): boolean {
  const code = codeOf(error);
  return (
    code.startsWith("Neo.TransientError.") &&
    !code.includes("MemoryPoolOutOfMemory") &&
    !code.includes("OutOfMemory") &&
    !code.includes("DatabaseUnavailable")
  );
}

export function isLoss(error: unknown): boolean {
  const code = codeOf(error);
  return code === "ServiceUnavailable" || code === "SessionExpired";
}

export function unavailable(message: string, cause?: unknown): GraphkeeperError {
  return new GraphkeeperError("STORE_UNAVAILABLE", message, { store: "neo4j", retry_after: 2 }, cause);
}

/** What the driver threw, in the product's words. */
export function translated(error: unknown): unknown {
  if (GraphkeeperError.is(error)) return error;
  const code = codeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  if (code.startsWith("Neo.ClientError.Security.")) {
    return new GraphkeeperError(
      "STORE_UNAVAILABLE",
      "Neo4j refused the user name or password (NEO4J_USERNAME, NEO4J_PASSWORD), or the user may not do this.",
      { store: "neo4j", neo4j: code },
      error,
    );
  }
  if (code === "Neo.ClientError.Database.DatabaseNotFound") {
    return new GraphkeeperError(
      "STORE_UNAVAILABLE",
      "There is no such Neo4j database (NEO4J_DATABASE).",
      { store: "neo4j", neo4j: code },
      error,
    );
  }
  if (code.includes("OutOfMemory")) {
    return new GraphkeeperError(
      "OUT_OF_BUDGET",
      "The transaction needed more memory than Neo4j allows it; smaller batches are tried.",
      { store: "neo4j", neo4j: code },
      error,
    );
  }
  if (
    isLoss(error) ||
    code.startsWith("Neo.TransientError.") ||
    /acquisition timed out|pool is closed|connection/i.test(message)
  ) {
    return unavailable(`Neo4j does not answer: ${message}`, error);
  }
  return new GraphkeeperError(
    "INTERNAL",
    `Neo4j refused a statement: ${message}`,
    { store: "neo4j", neo4j: code },
    error,
  );
}
