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
    options.stream ?? destination({ dest: 2, sync: true }),
  );
}
