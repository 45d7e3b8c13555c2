// Nearest-neighbour search over int16 vectors, in AssemblyScript with SIMD. The caller (src/algorithms/knn-wasm.ts) lays out
// the memory; this file only does the arithmetic. `i32x4.dot_i16x8_s` multiplies eight pairs and adds them two by two.

// Rows of the base that are compared with all queries of a call before going on: 192 rows of 768 bytes stay in the L2 cache.
const TILE: i32 = 192;

function total(lanes: v128): i32 {
  return (
    i32x4.extract_lane(lanes, 0) +
    i32x4.extract_lane(lanes, 1) +
    i32x4.extract_lane(lanes, 2) +
    i32x4.extract_lane(lanes, 3)
  );
}

function fold(sum: v128, x: v128, y: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(x, y));
}

/** Puts a row into a list of `size` rows by descending score; of equal scores the first one offered stays ahead. */
function insert(ids: usize, scores: usize, size: i32, id: i32, score: i32): void {
  let slot = size - 1;
  while (slot > 0 && load<i32>(scores + ((slot - 1) << 2)) < score) {
    store<i32>(scores + (slot << 2), load<i32>(scores + ((slot - 1) << 2)));
    store<i32>(ids + (slot << 2), load<i32>(ids + ((slot - 1) << 2)));
    slot--;
  }
  store<i32>(scores + (slot << 2), score);
  store<i32>(ids + (slot << 2), id);
}

function offer(ids: usize, scores: usize, size: i32, id: i32, score: i32): void {
  if (score > load<i32>(scores + ((size - 1) << 2))) insert(ids, scores, size, id, score);
}

/**
 * Compares `queries` rows at `query` with the rows from..to-1 at `base` and keeps for each the `size` best in its list.
 *
 * Rows are `rowBytes` long, a multiple of 16. List i begins at `ids` and `scores` + i * size * 4 bytes; the caller fills the
 * scores with the floor (only higher ones enter) and the ids with -1.
 */
export function search(
  query: usize,
  queries: i32,
  base: usize,
  from: i32,
  to: i32,
  rowBytes: usize,
  size: i32,
  ids: usize,
  scores: usize,
): void {
  const listBytes = (<usize>size) << 2;
  for (let tile = from; tile < to; tile += TILE) {
    const tileEnd = min(tile + TILE, to);
    for (let i = 0; i < queries; i += 4) {
      // Past the end the last query stands in for the missing ones; its double result is not offered.
      const here = min(queries - i, 4);
      const y0 = query + <usize>i * rowBytes;
      const y1 = query + <usize>(i + min(1, here - 1)) * rowBytes;
      const y2 = query + <usize>(i + min(2, here - 1)) * rowBytes;
      const y3 = query + <usize>(i + min(3, here - 1)) * rowBytes;
      for (let j = tile; j < tileEnd; j += 3) {
        const rows = min(tileEnd - j, 3);
        const x0 = base + <usize>j * rowBytes;
        const x1 = base + <usize>(j + min(1, rows - 1)) * rowBytes;
        const x2 = base + <usize>(j + min(2, rows - 1)) * rowBytes;
        // Four queries by three rows: twelve sums, three rows and a query fill the sixteen registers of SSE.
        let s00 = i32x4(0, 0, 0, 0);
        let s01 = s00;
        let s02 = s00;
        let s10 = s00;
        let s11 = s00;
        let s12 = s00;
        let s20 = s00;
        let s21 = s00;
        let s22 = s00;
        let s30 = s00;
        let s31 = s00;
        let s32 = s00;
        for (let t: usize = 0; t < rowBytes; t += 16) {
          const a = v128.load(x0 + t);
          const b = v128.load(x1 + t);
          const c = v128.load(x2 + t);
          let y = v128.load(y0 + t);
          s00 = fold(s00, a, y);
          s01 = fold(s01, b, y);
          s02 = fold(s02, c, y);
          y = v128.load(y1 + t);
          s10 = fold(s10, a, y);
          s11 = fold(s11, b, y);
          s12 = fold(s12, c, y);
          y = v128.load(y2 + t);
          s20 = fold(s20, a, y);
          s21 = fold(s21, b, y);
          s22 = fold(s22, c, y);
          y = v128.load(y3 + t);
          s30 = fold(s30, a, y);
          s31 = fold(s31, b, y);
          s32 = fold(s32, c, y);
        }
        let id = ids + <usize>i * listBytes;
        let score = scores + <usize>i * listBytes;
        offer(id, score, size, j, total(s00));
        if (rows > 1) offer(id, score, size, j + 1, total(s01));
        if (rows > 2) offer(id, score, size, j + 2, total(s02));
        if (here > 1) {
          id += listBytes;
          score += listBytes;
          offer(id, score, size, j, total(s10));
          if (rows > 1) offer(id, score, size, j + 1, total(s11));
          if (rows > 2) offer(id, score, size, j + 2, total(s12));
        }
        if (here > 2) {
          id += listBytes;
          score += listBytes;
          offer(id, score, size, j, total(s20));
          if (rows > 1) offer(id, score, size, j + 1, total(s21));
          if (rows > 2) offer(id, score, size, j + 2, total(s22));
        }
        if (here > 3) {
          id += listBytes;
          score += listBytes;
          offer(id, score, size, j, total(s30));
          if (rows > 1) offer(id, score, size, j + 1, total(s31));
          if (rows > 2) offer(id, score, size, j + 2, total(s32));
        }
      }
    }
  }
}
