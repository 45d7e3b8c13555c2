import { destination, type Logger, pino } from "pino";

/** Names under which secrets could come into a log line. */
const SECRETS = ["authorization", "cookie", "key", "secret", "password", "token", "apiKey", "staticKey"];

/** One JSON object a line, on stderr: stdout belongs to data. Members that may hold secrets are left out. */
export function createLogger(options: { level?: string; stream?: { write(line: string): void } } = {}): Logger {
  return pino(
    {
      level: options.level ?? "info",
      base: { pid: process.pid },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRETS.flatMap((name) => [name, `*.${name}`, `*.headers.${name}`]), remove: true },
    },
    options.stream ?? standardError(),
  );
}

/** Lines that wait for a disk with room again, in bytes; what comes when they are that many is dropped. */
const MAX_WAITING = 1_048_576;

/** A full disk or a reader that is gone must end neither the process nor the call that is logged. */
function standardError() {
  const stream = destination({ dest: 2, sync: true, maxLength: MAX_WAITING });
  stream.on("error", () => {});
  return stream;
}
