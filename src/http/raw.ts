import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { type ErrorCode, GraphkeeperError } from "../core/errors.ts";
import { PROBLEM_TYPE, problemOf } from "./problem.ts";

/** Answers to what Node's parser refuses before there is a request, in the same form as all other errors. */

export function answerParserError(error: Error & { code?: string; rawPacket?: unknown }, socket: Duplex): void {
  // A client that is gone, or that got an answer already, gets none.
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  if (
    error.code === "HPE_INVALID_METHOD" &&
    REQUEST_LINE.test(Buffer.from(error.rawPacket as Buffer).toString("latin1", 0, 200))
  ) {
    endSocket(socket, new GraphkeeperError("METHOD_NOT_ALLOWED", "There is no such method."), "Allow: GET, HEAD");
    return;
  }
  const [code, message] =
    PARSER_CODES[error.code ?? ""] ?? (["INVALID_REQUEST", "This is not valid HTTP/1.1."] as const);
  endSocket(socket, new GraphkeeperError(code, message));
}

/** HTTP but for a method that the parser does not know. */
const REQUEST_LINE = /^[!#$%&'*+.^_`|~\w-]{1,64} \/\S* HTTP\/1\.[01]\r?\n/;

const PARSER_CODES: Record<string, readonly [ErrorCode, string]> = {
  HPE_HEADER_OVERFLOW: ["HEADERS_TOO_LARGE", "The headers have more than 16 KB."],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ["PAYLOAD_TOO_LARGE", "The chunk extensions are too large."],
  ERR_HTTP_REQUEST_TIMEOUT: ["REQUEST_TIMEOUT", "The request's headers did not arrive in time."],
};

/** Methods and expectations that Node answers by itself, or not at all. */
export function answerOddRequests(server: Server): void {
  server.on("connect", (request: IncomingMessage, socket: Duplex) => {
    endSocket(
      socket,
      new GraphkeeperError("METHOD_NOT_ALLOWED", `${request.method} is not served here.`),
      "Allow: GET",
    );
  });
  server.on("checkExpectation", (request: IncomingMessage, response: ServerResponse) => {
    const error = new GraphkeeperError("INVALID_REQUEST", "Only Expect: 100-continue is understood.");
    const body = JSON.stringify(problemOf(error, { path: request.url }));
    response.writeHead(error.status, {
      "content-type": PROBLEM_TYPE,
      "content-length": Buffer.byteLength(body),
      connection: "close",
    });
    response.end(body);
  });
}

/** For a client to read its answer before the connection is cut, whether it closes its side or not. */
const LINGER_MS = 2_000;

/** Answers, and lets go of the socket; nothing that happens on it is anybody's business any more. */
function endSocket(socket: Duplex, error: GraphkeeperError, header?: string): void {
  const body = JSON.stringify(problemOf(error));
  socket.on("error", () => socket.destroy());
  const linger = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  socket.once("close", () => clearTimeout(linger));
  // What still comes is dropped: unread, it would hold back the client's own end.
  socket.resume();
  socket.end(
    [
      `HTTP/1.1 ${error.status} ${error.message.replace(/[^ -~]/g, "")}`,
      `Content-Type: ${PROBLEM_TYPE}`,
      `Content-Length: ${Buffer.byteLength(body)}`,
      ...(header === undefined ? [] : [header]),
      "Connection: close",
      "",
      body,
    ].join("\r\n"),
  );
}
