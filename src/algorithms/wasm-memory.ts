import type { Allocator } from "./leiden-workspace.ts";

/** The part of the engine's WebAssembly interface that is used: the language's own library has no types for it. */
interface WebAssemblyEngine {
  Memory: new (limits: { initial: number; maximum: number }) => WasmMemoryObject;
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { exports: object };
}
interface WasmMemoryObject {
  buffer: ArrayBuffer;
}
const engine = (globalThis as unknown as { WebAssembly: WebAssemblyEngine }).WebAssembly;

const PAGE = 65536;
/** The most that 32-bit WebAssembly can address. */
export const WASM_MEMORY_LIMIT = PAGE * 65536;

/**
 * A fresh WebAssembly memory of a fixed size that hands out typed arrays one after the other. An array's `byteOffset` is
 * its address for the module. The memory never grows, so that no array is ever detached.
 */
export class WasmMemory implements Allocator {
  readonly memory: WasmMemoryObject;
  private next = 1024;

  /** @throws RangeError if the engine does not give that much memory. */
  constructor(bytes: number) {
    const pages = Math.ceil((bytes + 2048) / PAGE);
    if (pages > WASM_MEMORY_LIMIT / PAGE) throw new RangeError(`${bytes} bytes are more than WebAssembly can address`);
    this.memory = new engine.Memory({ initial: pages, maximum: WASM_MEMORY_LIMIT / PAGE });
  }

  u8(length: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, this.take(length), length);
  }

  i32(length: number): Int32Array {
    return new Int32Array(this.memory.buffer, this.take(length * 4), length);
  }

  u32(length: number): Uint32Array {
    return new Uint32Array(this.memory.buffer, this.take(length * 4), length);
  }

  i16(length: number): Int16Array {
    return new Int16Array(this.memory.buffer, this.take(length * 2), length);
  }

  f64(length: number): Float64Array {
    return new Float64Array(this.memory.buffer, this.take(length * 8), length);
  }

  /** Each array begins at a multiple of 16 bytes, for SIMD. */
  private take(bytes: number): number {
    const address = this.next;
    // Not `& ~15`: that is wrong above 2 GiB.
    this.next = Math.ceil((address + bytes) / 16) * 16;
    return address;
  }
}

const modules = new Map<string, object>();

/** Makes an instance of an embedded module on the given memory; the module itself is compiled once per thread. */
export function instantiate<T>(base64: string, memory: WasmMemoryObject): T {
  let module = modules.get(base64);
  if (module === undefined) {
    module = new engine.Module(decodeBase64(base64));
    modules.set(base64, module);
  }
  const abort = () => {
    throw new Error("the WebAssembly module aborted");
  };
  return new engine.Instance(module, { env: { memory, abort } }).exports as T;
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** The room uses no module of Node and no DOM, so not their decoders either; the modules are a few kilobytes. */
function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  const digits = text.replace(/=+$/, "");
  const bytes = new Uint8Array(Math.floor((digits.length * 3) / 4));
  let bits = 0;
  let width = 0;
  let at = 0;
  for (const digit of digits) {
    bits = ((bits << 6) | ALPHABET.indexOf(digit)) & 0xffffff;
    width += 6;
    if (width < 8) continue;
    width -= 8;
    bytes[at++] = (bits >>> width) & 0xff;
  }
  return bytes;
}
