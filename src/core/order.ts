import { compareIds } from "./ports.ts";

/** In which order stores give rows. */

export const byId = (x: { id: string }, y: { id: string }) => compareIds(x.id, y.id);
export const byEnds = (x: { a: string; b: string }, y: { a: string; b: string }) =>
  compareIds(x.a, y.a) || compareIds(x.b, y.b);
export const byEntity = (x: { entity: string }, y: { entity: string }) => compareIds(x.entity, y.entity);
export const byLevelAndId = (x: { level: number; id: string }, y: { level: number; id: string }) =>
  x.level - y.level || byId(x, y);
export const byLevelAndEntity = (x: { level: number; entity: string }, y: { level: number; entity: string }) =>
  x.level - y.level || byEntity(x, y);
