import { readFileSync } from "node:fs";
import type { Server } from "node:http";
import type { Socket } from "node:net";

export interface ConnectionLimits {
  /** Open connections in all; brought down to what the process may open, see `withinDescriptors`. */
  total: number;
  /** Of one address. Behind a proxy that is the proxy's, and so everybody's. */
  perAddress: number;
}

/** Descriptors of a process that are not for connections: data file, log, threads, a database. */
const RESERVED_DESCRIPTORS = 100;
/** The log says this often that connections are refused. */
const TELL_EVERY_MS = 60_000;

/**
 * Keeps the connections of a server within limits, and every one of them under an error listener for its whole life: Node
 * takes its own away from a socket that it hands out (`connect`, `upgrade`), and a reset would then end the process.
 * When there are as many as there may be in all, those that have been answered and wait for another request give way first.
 *
 * @param tell called with what to log, at most once a minute
 */
export function guardConnections(server: Server, limits: ConnectionLimits, tell: (message: string) => void): void {
  const { total, perAddress } = withinDescriptors(limits, openFilesLimit());
  const open = new Map<string, Set<Socket>>();
  let count = 0;
  let toldAt = Number.NEGATIVE_INFINITY;
  const refuse = (socket: Socket, message: string) => {
    socket.destroy();
    if (performance.now() - toldAt < TELL_EVERY_MS) return;
    toldAt = performance.now();
    tell(message);
  };
  server.on("connection", (socket) => {
    // Whoever has to do with the error hears of it as well.
    socket.on("error", () => {});
    const address = socket.remoteAddress ?? "";
    const ofAddress = open.get(address) ?? new Set();
    if (ofAddress.size >= perAddress) {
      return refuse(
        socket,
        `The address ${address} has ${perAddress} connections, which is the limit; more are refused.`,
      );
    }
    if (count >= total) server.closeIdleConnections();
    if (count >= total && [...open.values()].every((sockets) => [...sockets].every((each) => !each.destroyed))) {
      return refuse(socket, `There are ${total} connections, which is the limit; more are refused.`);
    }
    open.set(address, ofAddress.add(socket));
    count++;
    socket.once("close", () => {
      count--;
      ofAddress.delete(socket);
      if (ofAddress.size === 0 && open.get(address) === ofAddress) open.delete(address);
    });
  });
}

/** Both limits in proportion, so that the connections leave the process descriptors for its files. */
export function withinDescriptors(limits: ConnectionLimits, descriptors: number): ConnectionLimits {
  const most = Math.max(16, descriptors - RESERVED_DESCRIPTORS);
  if (limits.total <= most) return limits;
  return { total: most, perAddress: Math.max(8, Math.floor((limits.perAddress * most) / limits.total)) };
}

/** Infinity where the system does not say. Node has raised the soft limit to the hard one at its start. */
function openFilesLimit(): number {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
    return limit === undefined ? Number.POSITIVE_INFINITY : Number(limit);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
